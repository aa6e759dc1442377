"""Synthetic code tables of the simulated PCare (pcare §3, §7, §8, §9, §13). Codes of §3; everything else is made up.

ICD-10 codes are real, which of them are non-specialistic is only roughly so. DPHO and tindakan codes are invented:
never map a hospital's drugs to them.
"""

from typing import Any, Final

Row = dict[str, Any]


def _rows(code: str, name: str, pairs: dict[str, str]) -> list[Row]:
    return [{code: key, name: value} for key, value in pairs.items()]


DIAGNOSA: Final[dict[str, Row]] = {
    code: {"kdDiag": code, "nmDiag": name, "nonSpesialis": non_specialistic}
    for code, name, non_specialistic in (
        ("A01.0", "Typhoid fever", True), ("A09.9", "Gastroenteritis and colitis of unspecified origin", True),
        ("A15.0", "Tuberculosis of lung, confirmed by sputum microscopy", True),
        ("A91", "Dengue haemorrhagic fever", False),
        ("B01.9", "Varicella without complication", True), ("B35.4", "Tinea corporis", True), ("B86", "Scabies", True),
        ("D50.9", "Iron deficiency anaemia, unspecified", True),
        ("E11.9", "Non-insulin-dependent diabetes mellitus without complications", True),
        ("E11.7", "Non-insulin-dependent diabetes mellitus with multiple complications", False),
        ("E78.5", "Hyperlipidaemia, unspecified", True), ("G43.9", "Migraine, unspecified", True),
        ("G44.2", "Tension-type headache", True), ("H10.9", "Conjunctivitis, unspecified", True),
        ("H52.1", "Myopia", True), ("H60.9", "Otitis externa, unspecified", True),
        ("H66.9", "Otitis media, unspecified", True),
        ("I10", "Essential (primary) hypertension", True), ("I20.0", "Unstable angina", False),
        ("I25.1", "Atherosclerotic heart disease", False), ("I50.0", "Congestive heart failure", False),
        ("I63.9", "Cerebral infarction, unspecified", False), ("J00", "Acute nasopharyngitis [common cold]", True),
        ("J02.9", "Acute pharyngitis, unspecified", True),
        ("J06.9", "Acute upper respiratory infection, unspecified", True),
        ("J18.9", "Pneumonia, unspecified", False), ("J20.9", "Acute bronchitis, unspecified", True),
        ("J45.9", "Asthma, unspecified", True), ("K02.1", "Caries of dentine", True), ("K04.0", "Pulpitis", True),
        ("K05.1", "Chronic gingivitis", True),
        ("K21.9", "Gastro-oesophageal reflux disease without oesophagitis", True),
        ("K29.7", "Gastritis, unspecified", True), ("K30", "Functional dyspepsia", True),
        ("L20.9", "Atopic dermatitis, unspecified", True),
        ("L23.9", "Allergic contact dermatitis, unspecified cause", True),
        ("M54.5", "Low back pain", True), ("M79.1", "Myalgia", True),
        ("N18.5", "Chronic kidney disease, stage 5", False),
        ("N39.0", "Urinary tract infection, site not specified", True), ("R50.9", "Fever, unspecified", True),
        ("R51", "Headache", True), ("S61.0", "Open wound of finger(s) without damage to nail", True),
        ("Z00.0", "General medical examination", True), ("Z30.9", "Contraceptive management, unspecified", True),
        ("Z34.9", "Supervision of normal pregnancy, unspecified", True), ("Z71.9", "Counselling, unspecified", True),
    )
}  # fmt: skip

POLI: Final[tuple[Row, ...]] = tuple(
    {"kdPoli": code, "nmPoli": name, "poliSakit": sick}
    for code, name, sick in (
        ("001", "POLI UMUM", True), ("002", "POLI GIGI & MULUT", True), ("003", "POLI KIA", True),
        ("008", "POLI KB", False), ("020", "KUNJUNGAN SEHAT", False), ("021", "KONSULTASI SEHAT", False),
    )
)  # fmt: skip

KESADARAN: Final = _rows("kdSadar", "nmSadar", {
    "01": "Compos mentis", "02": "Somnolence", "03": "Sopor", "04": "Coma"})  # fmt: skip
PROGNOSA: Final = _rows("kdPrognosa", "nmPrognosa", {
    "01": "Sanam (Sembuh)", "02": "Bonam (Baik)", "03": "Malam (Buruk/Jelek)",
    "04": "Dubia Ad Sanam/Bonam (Tidak tentu/Ragu-ragu, Cenderung Sembuh/Baik)",
    "05": "Dubia Ad Malam (Tidak tentu/Ragu-ragu, Cenderung Buruk/Jelek)"})  # fmt: skip
ALERGI: Final = {
    "01": _rows("kdAlergi", "nmAlergi", {
        "00": "Tidak Ada", "01": "Seafood", "02": "Gandum", "03": "Susu Sapi", "04": "Kacang-Kacangan",
        "05": "Makanan Lain"}),
    "02": _rows("kdAlergi", "nmAlergi", {
        "00": "Tidak Ada", "01": "Udara Panas", "02": "Udara Dingin", "03": "Udara Kotor"}),
    "03": _rows("kdAlergi", "nmAlergi", {
        "00": "Tidak Ada", "01": "Antibiotik", "02": "Antiinflamasi", "03": "Non Steroid", "04": "Aspirin",
        "05": "Kortikosteroid", "06": "Insulin", "07": "Obat-Obatan Lain"}),
}  # fmt: skip

STATUS_PULANG: Final = {
    "0": "Sembuh", "1": "Meninggal", "2": "Pulang Paksa", "3": "Berobat Jalan", "4": "Rujuk Vertikal",
    "6": "Rujuk Horizontal", "9": "Lain-lain",
}  # fmt: skip
RAWAT_JALAN: Final = ("1", "2", "3", "4", "6", "9")
"""`rawatInap=false`; `0` (sembuh) is for inpatients (pcare §3)."""

TKP: Final = {"10": "RJTP", "20": "RITP", "50": "Promotif"}

SPESIALIS: Final = _rows("kdSpesialis", "nmSpesialis", {
    "INT": "PENYAKIT DALAM", "ANA": "ANAK", "JAN": "JANTUNG DAN PEMBULUH DARAH", "MAT": "MATA"})  # fmt: skip
SUBSPESIALIS: Final = {
    "INT": [{"kdSubSpesialis": "26", "nmSubSpesialis": "PENYAKIT DALAM", "kdPoliRujuk": "INT"},
            {"kdSubSpesialis": "27", "nmSubSpesialis": "GINJAL-HIPERTENSI", "kdPoliRujuk": "018"}],
    "ANA": [{"kdSubSpesialis": "3", "nmSubSpesialis": "ANAK", "kdPoliRujuk": "ANA"}],
    "JAN": [{"kdSubSpesialis": "14", "nmSubSpesialis": "JANTUNG", "kdPoliRujuk": "JAN"}],
    "MAT": [{"kdSubSpesialis": "21", "nmSubSpesialis": "MATA", "kdPoliRujuk": "MAT"}],
}  # fmt: skip
SUBSPESIALIS_CODES: Final = {row["kdSubSpesialis"] for rows in SUBSPESIALIS.values() for row in rows}
SARANA: Final = _rows("kdSarana", "nmSarana", {"1": "REKAM MEDIK", "2": "USG", "3": "ECHOCARDIOGRAPHY"})
KHUSUS: Final = _rows("kdKhusus", "nmKhusus", {
    "IGD": "ALIH RAWAT", "HDL": "HEMODIALISA", "JIW": "JIWA", "KLT": "KUSTA", "PAR": "TB-MDR", "KEM": "KEMOTERAPI",
    "RAT": "RADIOTERAPI", "HIV": "HIV-ODHA", "THA": "THALASEMIA", "HEM": "HEMOFILI"})  # fmt: skip
KHUSUS_CODES: Final = {row["kdKhusus"] for row in KHUSUS}

RUMAH_SAKIT: Final[tuple[Row, ...]] = tuple(
    {
        "kdppk": code, "nmppk": name, "alamatPpk": "Jl. Simulasi No. 1", "telpPpk": "000-0000000", "kelas": kelas,
        "nmkc": "SIMULASI", "distance": distance, "jadwal": jadwal, "jmlRujuk": 3, "kapasitas": 40, "persentase": 7.5,
    }
    for code, name, kelas, distance, jadwal in (
        ("99990R01", "RS SIMULASI SATU", "C", 1250.5, "Senin - Jumat : 08:00 - 14:00"),
        ("99990R02", "RS SIMULASI DUA", "B", 5300.0, "Senin, Rabu : 08:00 - 12:00"),
        # Coordinates missing: the largest double, and no clinic days (bpjs-auth §11 #12, pcare §19).
        ("99990R03", "RS SIMULASI TIGA", "D", 1.797e308, None),
    )
)  # fmt: skip
RUMAH_SAKIT_CODES: Final = {row["kdppk"]: row["nmppk"] for row in RUMAH_SAKIT}

OBAT: Final[dict[str, Row]] = {
    f"99{i:07}": {"kdObat": f"99{i:07}", "nmObat": name, "sedia": 100}
    for i, name in enumerate(
        (
            "Paracetamol tab 500 mg", "Paracetamol sir 120 mg/5 mL", "Ibuprofen tab 400 mg",
            "Asam Mefenamat kaps 500 mg",
            "Amoksisilin kaps 500 mg", "Amoksisilin sir kering 125 mg/5 mL", "Sefadroksil kaps 500 mg",
            "Kotrimoksazol tab 480 mg", "Siprofloksasin tab 500 mg", "Metronidazol tab 500 mg", "Amlodipin tab 5 mg",
            "Amlodipin tab 10 mg", "Kaptopril tab 25 mg", "Bisoprolol tab 5 mg", "Hidroklorotiazid tab 25 mg",
            "Metformin tab 500 mg", "Glimepirid tab 2 mg", "Simvastatin tab 20 mg", "Salbutamol tab 2 mg",
            "Ambroksol tab 30 mg", "Gliseril Guaiakolat tab 100 mg", "Cetirizin tab 10 mg", "Klorfeniramin tab 4 mg",
            "Deksametason tab 0,5 mg", "Antasida DOEN tab kunyah", "Omeprazol kaps 20 mg", "Ranitidin tab 150 mg",
            "Oralit serbuk 4 g", "Zink tab dispersibel 20 mg", "Tablet Tambah Darah", "Asam Folat tab 1 mg",
            "Vitamin B Kompleks tab",
        ),
        start=1,
    )
}  # fmt: skip

TINDAKAN: Final[dict[str, Row]] = {
    code: {"kdTindakan": code, "nmTindakan": name, "maxTarif": tarif, "withValue": value, "kdTkp": tkp}
    for code, name, tarif, value, tkp in (
        ("99001", "Jahit luka sederhana", 100_000, False, "10"), ("99002", "Nebulizer", 75_000, False, "10"),
        ("99003", "Cabut gigi permanen", 150_000, False, "10"), ("99004", "Rawat inap per hari", 300_000, False, "20"),
        ("99005", "Pemeriksaan gula darah", 20_000, True, "50"), ("99006", "Pemeriksaan HbA1c", 200_000, True, "50"),
        ("99007", "Pemeriksaan kolesterol", 60_000, True, "50"),
    )
}  # fmt: skip

PROGRAM: Final = {"01": "Diabetes Melitus", "02": "Hipertensi"}
KEGIATAN: Final = {"01": "Senam", "10": "Penyuluhan", "11": "Penyuluhan dan Senam"}

_DURATION: Final = ("< 3 Hari", ">= 3 - 7 Hari", ">= 7 Hari")
TACC: Final[dict[int, tuple[str, ...]]] = {
    1: _DURATION,
    2: (
        "< 1 Bulan", ">= 1 Bulan s/d < 12 Bulan", ">= 1 Tahun s/d < 5 Tahun", ">= 5 Tahun s/d < 12 Tahun",
        ">= 12 Tahun s/d < 55 Tahun", ">= 55 Tahun",
    ),
    3: tuple(f"{row['kdDiag']} - {row['nmDiag']}" for row in DIAGNOSA.values()),
    4: _DURATION,
}  # fmt: skip
TACC_NAMES: Final = {-1: "Tanpa TACC", 0: "Tanpa TACC", 1: "Time", 2: "Age", 3: "Complication", 4: "Comorbidity"}
