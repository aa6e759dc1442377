"""What PCare is made to hold, and how each part of it is added, changed and taken back (pcare §5, §6, §8).

Declarations only; the host reads them. PCare refuses a second registration of noKartu + tglDaftar + kdPoli and a second
visit upon one registration (§14.1, §14.2), so these two have a natural key. A drug line has none: a repeated POST adds
a second line (§8), so the rows are read first (``snapshot``).
"""

from __future__ import annotations

from collections.abc import Mapping

from jknbridge.targets import Change, Kind, Operation, Verb

PENDAFTARAN = Kind(
    name="pendaftaran",
    add=Operation(Verb.ADD, natural_key=True),
    delete=Operation(Verb.DELETE),
    receipt=("noUrut",),
    # D2 exists, a PUT does not (§2): what names or classifies the registration is deleted and added again, the rest
    # stays as it was accepted. A visit carries the final vitals and complaint.
    fields=dict.fromkeys(("noKartu", "tglDaftar", "kdPoli", "kunjSakit", "kdTkp"), Change.REPLACE),
    other=Change.FROZEN,
)

KUNJUNGAN = Kind(
    name="kunjungan",
    add=Operation(Verb.ADD, natural_key=True),
    edit=Operation(Verb.EDIT, repeat_safe=True),
    delete=Operation(Verb.DELETE),
    receipt=("noKunjungan",),
    needs=("pendaftaran",),
    # §22 #12: a PUT with another card, date or poli is never sent.
    fields=dict.fromkeys(("noKartu", "tglDaftar", "kdPoli"), Change.REPLACE),
    other=Change.PUT,
)

OBAT = Kind(
    name="obat",
    add=Operation(Verb.ADD, snapshot=True),
    delete=Operation(Verb.DELETE),
    receipt=("kdObatSK", "kdRacikan"),
    needs=("kunjungan",),
    # §8: "No update: delete and add". The drug's written name alone is no other drug: the code in kdObat is.
    fields={"nmObatNonDPHO": Change.FROZEN},
    other=Change.REPLACE,
)

KINDS: Mapping[str, Kind] = {kind.name: kind for kind in (PENDAFTARAN, KUNJUNGAN, OBAT)}

TARGET = "pcare"
R_PENDAFTARAN, R_KUNJUNGAN, R_OBAT = (f"{TARGET}.{name}" for name in KINDS)
"""The receipt kinds that references name."""
