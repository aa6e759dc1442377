"""The switches of the simulated PCare: where sources disagree or are silent (pcare §19, §21, §22)."""

from typing import Final

from jknbridge.sandbox.options import Option
from jknbridge_adapters.bpjs import sandbox as bpjs

OPTIONS: Final = (
    *bpjs.OPTIONS,
    Option("kunjungan_path", "both", "which path of K1 and K2 is served; the other answers 404", "pcare §6.1",
           ("both", "v1", "plain")),
    Option("kunjungan_answer", "array", "shape of a kunjungan 201", "pcare §6.4", ("array", "object")),
    Option("pendaftaran_answer", "object", "shape of a pendaftaran 201; `notice` is an array with a notice first",
           "pcare §5.1", ("object", "array", "notice")),
    Option("kegiatan_answer", "array", "shape of a kegiatan 201", "pcare §22 #18", ("array", "object")),
    Option("duplicate_code", 412, "code of `sudah di-entri`", "pcare §14.1", (412, 401, 428)),
    Option("reference_code", 412, "code of `Tidak sesuai dengan referensi sistem`", "bpjs-auth §8", (412, 500)),
    Option("unknown_peserta", "null", "answer for an unknown participant", "pcare §4", ("null", "204", "412")),
    Option("empty_list", "204", "answer for a list without rows", "pcare §1", ("204", "null", "count0")),
    Option("paging_base", 0, "index of the first row; below it the StartIndex text", "pcare §22 #20", (0, 1)),
    Option("today", "facility", "whose calendar `tgl <= today` is about", "pcare §22 #3", ("facility", "WIB")),
    Option("history", "all", "K5 shows visits at all facilities or only the caller's", "pcare §22 #7", ("all", "own")),
    Option("filled_visit_delete", "refuse", "K3 while obat, tindakan or MCU exist", "pcare §22 #13",
           ("refuse", "cascade")),
    Option("inactive", "refuse", "registration of an inactive participant", "pcare §22 #22", ("refuse", "accept")),
    Option("guests", "accept", "registration of another facility's participant", "pcare §22 #22", ("accept", "refuse")),
    Option("json_types", "strict", "whether `\"120\"` passes for 120", "pcare §22 #28", ("strict", "coerced")),
    Option("tacc", "enforce", "whether referral of a non-specialistic diagnosis needs TACC", "pcare §13",
           ("enforce", "ignore")),
    Option("zero_vitals", "accept", "zeros in a kunjungan's physical examination", "pcare §6.2", ("accept", "refuse")),
    Option("queue_letter", "one", "letter of noUrut: A for all, or one per poli", "pcare §19", ("one", "per_poli")),
    Option("sk_type", "number", "JSON type of kdObatSK, kdTindakanSK and kdMCU in lists", "bpjs-auth §11 #10",
           ("number", "text")),
)  # fmt: skip
