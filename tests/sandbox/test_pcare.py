"""The simulated PCare over a real socket: pcare §5-§11, §16 (UAT scenarios), §19, §22 and its switches."""

import pytest

from jknbridge_adapters.bpjs.envelope import Kind

TODAY, YESTERDAY, TOMORROW = "09-06-2026", "08-06-2026", "10-06-2026"
CARD, CARD_2, GUEST, INACTIVE = "0009999000001", "0009999000002", "0009999000035", "0009999000031"
DELETE = f"/pendaftaran/peserta/{CARD}/tglDaftar/{TODAY}/noUrut/A1/kdPoli/001"


def rows(answer):
    return answer.response["list"] if answer.response else []


async def test_a_visit_from_registration_to_drugs_and_back(pcare, make):
    registered = await pcare.register()
    assert (registered.code, registered.response) == ("201", {"field": "noUrut", "message": "A1"})
    day = await pcare.call("GET", f"/pendaftaran/tglDaftar/{TODAY}/0/15")
    row = rows(day)[0]
    assert (row["noUrut"], row["tgldaftar"], row["status"], row["peserta"]["noKartu"]) == ("A1", TODAY, "Antri", CARD)
    assert (await pcare.call("GET", f"/pendaftaran/noUrut/A1/tglDaftar/{TODAY}")).response == row

    visited = await pcare.call("POST", "/kunjungan/V1", make["kunjungan"]())
    assert visited.response == [{"field": "noKunjungan", "message": "999900010626Y000001"}]
    number = visited.entry("noKunjungan")
    history = rows(await pcare.call("GET", f"/kunjungan/peserta/{CARD}"))
    assert [(r["noKunjungan"], r["tglKunjungan"], r["poli"]["kdPoli"]) for r in history] == [(number, TODAY, "001")]
    assert rows(await pcare.call("GET", f"/pendaftaran/tglDaftar/{TODAY}/0/15"))[0]["status"] == "Sudah dilayani"
    assert (await pcare.call("DELETE", DELETE)).code == "412"

    drug = await pcare.call("POST", "/obat/kunjungan", make["obat"](number))
    assert [entry.field for entry in drug.entries] == ["kdObatSK", "kdRacikan"]
    again = await pcare.call("POST", "/obat/kunjungan", make["obat"](number))
    assert again.entry("kdObatSK") != drug.entry("kdObatSK")
    listed = rows(await pcare.call("GET", f"/obat/kunjungan/{number}"))
    assert [(r["kdObatSK"], r["obat"]["kdObat"]) for r in listed] == [(1, "990000001"), (2, "990000001")]
    assert (await pcare.call("DELETE", f"/kunjungan/{number}")).code == "412"
    for sk in (1, 2):
        assert (await pcare.call("DELETE", f"/obat/{sk}/kunjungan/{number}")).kind is Kind.OK
    assert (await pcare.call("DELETE", f"/obat/1/kunjungan/{number}")).says("tidak sesuai dengan referensi")
    assert (await pcare.call("GET", f"/obat/kunjungan/{number}")).found_nothing

    edited = make["kunjungan"](noKunjungan=number, kdDiag1="K30", kdPoli="003", tglDaftar=YESTERDAY)
    assert (await pcare.call("PUT", "/kunjungan/V1", edited)).kind is Kind.OK
    row = rows(await pcare.call("GET", f"/kunjungan/peserta/{CARD}"))[0]
    assert (row["diagnosa1"]["kdDiag"], row["poli"]["kdPoli"], row["tglKunjungan"]) == ("K30", "001", TODAY)
    assert (await pcare.call("DELETE", f"/kunjungan/{number}")).kind is Kind.OK
    assert (await pcare.call("DELETE", DELETE)).kind is Kind.OK
    assert (await pcare.call("DELETE", DELETE)).code == "304"
    _, effects = await pcare.admin("GET", "effects")
    assert [row["operation"] for row in effects] == [
        "pendaftaran.add", "kunjungan.add", "obat.add", "obat.add", "obat.delete", "obat.delete", "kunjungan.edit",
        "kunjungan.delete", "pendaftaran.delete",
    ]  # fmt: skip
    assert {row["origin"] for row in effects} == {"bridge"}
    assert effects[0]["key"] == f"{CARD}|{TODAY}|001"
    assert effects[0]["receipt"] == {"noUrut": "A1"}


@pytest.mark.parametrize(
    ("changes", "field", "text"),
    [
        ({"tglDaftar": TOMORROW}, "tglDaftar", "hari ini"),
        ({"noKartu": "00099990000xx"}, "noKartu", "tidak ditemukan"),
        ({"noKartu": "0009999999998"}, "noKartu", "tidak ditemukan"),
        ({"kdPoli": "036"}, "kdPoli", "Tidak sesuai dengan referensi sistem"),
        ({"kdPoli": "020"}, "kunjSakit", "Tidak sesuai dengan referensi sistem"),
        ({"kdProviderPeserta": "99990002"}, "kdProviderPeserta", "tidak sesuai dengan referensi sistem"),
        ({"noKartu": INACTIVE}, "noKartu", "PREMI"),
        ({"sistole": "120"}, "sistole", "Format"),
        ({"kunjSakit": 1}, "kunjSakit", "Format"),
        ({"sistole": True}, "sistole", "Format"),
        ({"tglDaftar": "2026-06-09"}, "tglDaftar", "Format"),
        ({"heartRate": None}, "heartRate", "harus diisi"),
    ],
)
async def test_registration_refused(pcare, changes, field, text):
    answer = await pcare.register(**changes)
    assert (answer.http_status, answer.code, answer.kind) == (412, "412", Kind.REFUSAL)
    assert isinstance(answer.response, dict)
    assert answer.entries[0].field == field
    assert answer.says(text)
    assert (await pcare.admin("GET", "effects"))[1] == []


async def test_healthy_visits_guests_and_the_same_patient_twice(pcare):
    assert (await pcare.register(kdPoli="021", kunjSakit=False, kdTkp="50")).entry("noUrut") == "A1"
    assert (await pcare.register(noKartu=GUEST, kdProviderPeserta="99990003")).entry("noUrut") == "A2"
    assert (await pcare.register()).entry("noUrut") == "A3"
    duplicate = await pcare.register()
    assert (duplicate.code, duplicate.says("sudah di-entri")) == ("412", True)
    assert duplicate.entry("noUrut") is None


async def test_today_is_the_facilitys_own(pcare, clock):
    clock.now += 5 * 3600  # 22:13 WIB, 00:13 WIT of the next day
    jayapura = type(pcare)(pcare.session, pcare.base, clock, "99990002")
    there = {"kdProviderPeserta": "99990002", "noKartu": "0009999000020", "tglDaftar": TOMORROW}
    assert (await pcare.register(tglDaftar=TOMORROW)).code == "412"
    assert (await jayapura.register(**there)).code == "201"
    await pcare.option(today="WIB")
    assert (await jayapura.register(**{**there, "noKartu": "0009999000021"})).says("hari ini")


@pytest.mark.parametrize(
    ("changes", "code", "text"),
    [
        ({"kdPoli": "002"}, "412", "Belum melakukan pendaftaran pada poli tersebut."),
        ({"tglPulang": YESTERDAY}, "412", "tglPulang"),
        ({"tglPulang": TOMORROW}, "412", "tglPulang"),
        ({"kdDokter": "1"}, "412", "kdDokter Tidak sesuai dengan referensi sistem."),
        ({"kdDiag1": "XYZ"}, "412", "kdDiag1"),
        ({"kdDiag2": ""}, "412", "kdDiag2"),
        ({"suhu": 36}, "412", "suhu"),
        ({"kdSadar": "09", "kdPrognosa": "9", "alergiObat": "9"}, "412", "alergiObat"),
        ({"rujukLanjut": ""}, "500", "Newtonsoft"),
        ({"kdStatusPulang": "4"}, "412", "rujukLanjut"),
        ({"kdStatusPulang": "5"}, "412", "kdStatusPulang"),
    ],
)
async def test_visit_refused(pcare, make, changes, code, text):
    await pcare.register()
    answer = await pcare.call("POST", "/kunjungan", make["kunjungan"](**changes))
    assert (answer.code, answer.kind, answer.says(text)) == (code, Kind.REFUSAL, True)


async def test_one_visit_per_registration(pcare, make):
    await pcare.visit()
    assert (await pcare.call("POST", "/kunjungan", make["kunjungan"]())).says("sudah di-entri")


async def test_referral_needs_tacc_for_a_non_specialistic_diagnosis(pcare, make):
    await pcare.register()
    referral = {
        "tglEstRujuk": TOMORROW, "kdppk": "99990R01",
        "subSpesialis": {"kdSubSpesialis1": "26", "kdSarana": "1"}, "khusus": None,
    }  # fmt: skip
    visit = make["kunjungan"](kdStatusPulang="4", rujukLanjut=referral)
    assert (await pcare.call("POST", "/kunjungan", visit)).says("kdTacc")
    visit |= {"kdTacc": 1, "alasanTacc": ">= 7 Hari"}
    number = (await pcare.call("POST", "/kunjungan", visit)).entry("noKunjungan")
    letter = (await pcare.call("GET", f"/kunjungan/rujukan/{number}")).response
    assert (letter["noRujukan"], letter["ppkRujuk"]["kdPPK"], letter["tacc"]["nmTacc"]) == (number, "99990R01", "Time")
    special = {
        "tglEstRujuk": TODAY, "kdppk": "99990R02", "subSpesialis": None,
        "khusus": {"kdKhusus": "HDL", "kdSubSpesialis": None, "catatan": "uji"},
    }  # fmt: skip
    await pcare.register(noKartu=CARD_2)
    visit = make["kunjungan"](noKartu=CARD_2, kdStatusPulang="4", kdDiag1="N18.5", rujukLanjut=special)
    assert (await pcare.call("POST", "/kunjungan", visit)).code == "201"


@pytest.mark.parametrize(
    "path",
    [
        "/diagnosa/J0/0/10", "/diagnosa/fever/0/10", "/dokter/0/10", "/kesadaran", "/poli/fktp/0/10", "/provider/0/10",
        "/statuspulang/rawatInap/false", "/alergi/jenis/03", "/prognosa", "/spesialis", "/spesialis/INT/subspesialis",
        "/spesialis/sarana", "/spesialis/khusus", "/spesialis/rujuk/subspesialis/26/sarana/1/tglEstRujuk/10-06-2026",
        "/spesialis/rujuk/khusus/HDL/noKartu/0009999000001/tglEstRujuk/10-06-2026",
        "/spesialis/rujuk/khusus/THA/subspesialis/3/noKartu/0009999000001/tglEstRujuk/10-06-2026",
        "/obat/dpho/paracetamol/0/10", "/tindakan/kdTkp/10/0/10", "/kelompok/club/01", "/Peserta/NIK/9999000000000001",
        "/peserta/noka/0009999000001/",
    ],
)  # fmt: skip
async def test_references_in_any_case_and_with_a_slash_at_the_end(pcare, path):
    answer = await pcare.call("GET", path)
    assert answer.kind is Kind.OK
    assert not answer.found_nothing
    assert "list" not in answer.response or answer.response["count"] >= len(rows(answer)) > 0


@pytest.mark.parametrize(
    ("method", "path", "status", "text"),
    [
        ("GET", "/tidakada", 404, "No Mapping Rule matched"),
        ("GET", "/dokter", 400, "Request Error"),
        ("GET", "/dokter/0/10?offset=0", 400, "Request Error"),
        ("DELETE", "/pendaftaran", 405, "Not Allowed"),
        ("GET", "/skrinning/rekap", 404, "No Mapping"),
        ("GET", f"/pendaftaran/noKartu/{CARD}/tglDaftar/{TODAY}", 404, "No Mapping"),
        ("GET", "/diagnosa/a%2Fb/0/10", 204, ""),
        ("GET", "/diagnosa/a/b/0/10", 400, "Request Error"),
    ],
)
async def test_paths_that_do_not_fit(pcare, method, path, status, text):
    answer = await pcare.call(method, path)
    assert (answer.http_status, text in answer.excerpt) == (status, True)


async def test_paging(pcare):
    for i in range(1, 6):
        await pcare.register(noKartu=f"0009999{i:06}")
    pages = [await pcare.call("GET", f"/pendaftaran/tglDaftar/{TODAY}/{start}/2") for start in (0, 2, 4, 6)]
    assert [(p.response["count"], [r["noUrut"] for r in rows(p)]) for p in pages] == [
        (5, ["A1", "A2"]), (5, ["A3", "A4"]), (5, ["A5"]), (5, []),
    ]  # fmt: skip
    assert (await pcare.call("GET", f"/pendaftaran/tglDaftar/{TODAY}/-1/2")).says("StartIndex")
    await pcare.option(paging_base=1)
    assert (await pcare.call("GET", f"/pendaftaran/tglDaftar/{TODAY}/0/2")).code == "400"
    assert rows(await pcare.call("GET", f"/pendaftaran/tglDaftar/{TODAY}/1/2"))[0]["noUrut"] == "A1"


async def test_tindakan_mcu_and_clubs(pcare):
    number = await pcare.visit()
    tindakan = {
        "kdTindakanSK": 0, "noKunjungan": number, "kdTindakan": "99001", "biaya": 0, "keterangan": None, "hasil": 0,
    }  # fmt: skip
    made = await pcare.call("POST", "/tindakan", tindakan)
    sk = made.entry("kdTindakanSK")
    assert (await pcare.call("PUT", "/tindakan", {**tindakan, "kdTindakanSK": int(sk), "hasil": 1})).code == "200"
    assert rows(await pcare.call("GET", f"/tindakan/kunjungan/{number}"))[0]["hasil"] == 1
    assert (await pcare.call("POST", "/tindakan", {**tindakan, "biaya": 10**9})).says("biaya")
    assert (await pcare.call("DELETE", f"/tindakan/{sk}/kunjungan/{number}")).code == "200"
    from jknbridge_adapters.pcare.sandbox.fields import MCU

    mcu = {f.name: 0 if f.type == "number" else None for f in MCU}
    mcu |= {"noKunjungan": number, "kdProvider": "99990001", "tglPelayanan": TODAY, "gulaDarahPuasa": 110}
    sk = (await pcare.call("POST", "/mcu", mcu)).entry("kdMCU")
    assert rows(await pcare.call("GET", f"/MCU/kunjungan/{number}"))[0]["gulaDarahPuasa"] == 110
    assert (await pcare.call("DELETE", f"/MCU/{sk}/kunjungan/{number}")).code == "200"

    club = rows(await pcare.call("GET", "/kelompok/club/01"))[0]["clubId"]
    activity = {
        "eduId": None, "clubId": club, "tglPelayanan": TODAY, "kdKegiatan": "01", "kdKelompok": "01", "materi": "a",
        "pembicara": "b", "lokasi": "c", "keterangan": None, "biaya": 0,
    }  # fmt: skip
    edu = (await pcare.call("POST", "/kelompok/kegiatan", activity)).entry("eduId")
    assert len(edu) == 11
    assert (await pcare.call("POST", "/kelompok/peserta", {"eduId": edu, "noKartu": CARD})).code == "201"
    assert rows(await pcare.call("GET", f"/kelompok/peserta/{edu}"))[0]["peserta"]["noKartu"] == CARD
    assert rows(await pcare.call("GET", f"/kelompok/kegiatan/01{TODAY[2:]}"))[0]["eduId"] == edu
    assert (await pcare.call("POST", "/kelompok/kegiatan", {**activity, "clubId": 1})).says("clubId")
    assert (await pcare.call("DELETE", f"/kelompok/peserta/{edu}/{CARD}")).code == "200"
    assert (await pcare.call("DELETE", f"/kelompok/kegiatan/{edu}")).code == "200"


async def test_compound_drugs_and_free_text(pcare, make):
    number = await pcare.visit()
    first = await pcare.call("POST", "/obat/kunjungan", make["obat"](number, racikan=True))
    assert first.entry("kdRacikan") == "R01"
    free = make["obat"](number, obatDPHO=False, kdObat=None, nmObatNonDPHO="Obat racik klinik")
    assert (await pcare.call("POST", "/obat/kunjungan", free)).code == "201"
    assert rows(await pcare.call("GET", f"/obat/kunjungan/{number}"))[1]["obat"]["nmObat"] == "Obat racik klinik"
    assert (await pcare.call("POST", "/obat/kunjungan", make["obat"](number, kdObat="1"))).says("kdObat")
    assert (await pcare.call("POST", "/obat/kunjungan", make["obat"]("x"))).says("noKunjungan")


async def test_answer_shape_switches(pcare, make):
    await pcare.option(
        pendaftaran_answer="notice", kunjungan_answer="object", metadata_name="metadata", code_type="text"
    )
    answer = await pcare.register()
    assert (answer.entry("noUrut"), answer.entries[0].field) == ("A1", "noKartu")
    assert (await pcare.call("POST", "/kunjungan", make["kunjungan"]())).response["field"] == "noKunjungan"
    for form in ("default", "list", "object", "encrypted", "string"):
        await pcare.option(refusal_form=form, duplicate_code=401)
        answer = await pcare.register()
        assert (answer.code, answer.kind, answer.says("sudah di-entri")) == ("401", Kind.REFUSAL, True)
    for form, kind in (("204", Kind.EMPTY), ("null", Kind.OK), ("count0", Kind.OK)):
        await pcare.option(empty_list=form)
        answer = await pcare.call("GET", f"/kunjungan/peserta/{CARD_2}")
        assert (answer.kind, answer.found_nothing) == (kind, True)
    for form, kind in (("204", Kind.EMPTY), ("null", Kind.OK), ("412", Kind.REFUSAL)):
        await pcare.option(unknown_peserta=form)
        assert (await pcare.call("GET", "/peserta/0009999999998")).kind is kind


async def test_behaviour_switches(pcare, make):
    await pcare.option(
        kunjungan_path="v1", inactive="accept", guests="refuse", json_types="coerced", queue_letter="per_poli"
    )
    assert (await pcare.register(noKartu=INACTIVE, sistole="120", suhu="36,5")).entry("noUrut") == "A1"
    assert (await pcare.register(noKartu=GUEST, kdProviderPeserta="99990003")).code == "412"
    assert (await pcare.register(kdPoli="003")).entry("noUrut") == "C1"
    refused = await pcare.call("POST", "/kunjungan", make["kunjungan"]())
    assert (refused.code, refused.says("not registered for this service")) == ("404", True)
    await pcare.option(kunjungan_path="both", zero_vitals="refuse", reference_code=500, tacc="ignore")
    await pcare.register()
    assert (await pcare.call("POST", "/kunjungan", make["kunjungan"](sistole=0))).says("sistole")
    assert (await pcare.call("POST", "/kunjungan", make["kunjungan"](kdDokter="1"))).code == "500"
    await pcare.option(filled_visit_delete="cascade", write_answer="encrypted", sk_type="text")
    number = (await pcare.call("POST", "/kunjungan", make["kunjungan"]())).entry("noKunjungan")
    await pcare.call("POST", "/obat/kunjungan", make["obat"](number))
    assert rows(await pcare.call("GET", f"/obat/kunjungan/{number}"))[0]["kdObatSK"] == "1"
    assert (await pcare.call("DELETE", f"/kunjungan/{number}")).response == "OK"
    assert [row["operation"] for row in (await pcare.admin("GET", "effects"))[1]][-2:] == [
        "obat.delete",
        "kunjungan.delete",
    ]


async def test_history_shows_other_facilities_unless_switched(pcare, clock, make):
    await pcare.visit()
    neighbour = type(pcare)(pcare.session, pcare.base, clock, "99990002")
    path = f"/kunjungan/peserta/{CARD}"
    assert rows(await neighbour.call("GET", path))[0]["providerPelayanan"]["kdProvider"] == "99990001"
    await pcare.option(history="own")
    assert (await neighbour.call("GET", path)).found_nothing


async def test_every_declared_option_is_used():
    """A switch that nothing reads would be a lie in the documentation."""
    from pathlib import Path

    import jknbridge_adapters.bpjs.sandbox as shared
    import jknbridge_adapters.pcare.sandbox as package
    from jknbridge_adapters.pcare.sandbox.options import OPTIONS

    files = [Path(shared.__file__), *Path(package.__file__).parent.glob("*.py")]
    source = "".join(file.read_text() for file in files)
    assert [option.name for option in OPTIONS if f'ptions["{option.name}"]' not in source] == []
