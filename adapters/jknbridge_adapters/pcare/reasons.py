"""This adapter's reasons, in words that staff understand (the table's form: :mod:`jknbridge.reasons`).

Parameters are field names, element paths, codes of code lists and limits; never a value that stands for a person, and
never BPJS's own words, which may repeat a card number or a name.
"""

from __future__ import annotations

from jknbridge.reasons import Table, register_all

REASONS: Table = {
    # -- gates: none of PCare's business ---------------------------------------------------------------------------
    "pcare.sebelum_mulai": (
        "Tanggal pelayanan sebelum tanggal mulai pengiriman faskes ini.",
        "The service date is before this facility's first day of sending.",
        "IT",
    ),
    "pcare.penjamin_lain": (
        "Penjamin kunjungan ini bukan BPJS Kesehatan.",
        "Another payer than BPJS Kesehatan bears this visit.",
        "klinik",
    ),
    "pcare.bukan_peserta": (
        "BPJS tidak mengenal NIK pasien, dan tidak ada yang menyebut JKN sebagai penjamin.",
        "BPJS does not know the patient's NIK, and nothing names JKN as the payer.",
        "klinik",
    ),
    "pcare.sehat_tanpa_kunjungan": (
        "Kunjungan sehat cukup didaftarkan: tanpa data kunjungan dan obat.",
        "A healthy visit is a registration only: no visit record, no drugs.",
        "klinik",
    ),
    "pcare.bukan_resep": (
        "Bukan resep yang harus dilayani (usulan, rencana, atau larangan obat).",
        "Not an order to be dispensed (a proposal, a plan, or a drug not to be given).",
        "klinik",
    ),
    # -- waiting: what an event may still bring ----------------------------------------------------------------------
    "pcare.belum_datang": (
        "Pasien belum tercatat datang.",
        "The patient has not been recorded as arrived.",
        "klinik",
    ),
    "pcare.status_menunggu": (
        "Status kunjungan ({status}) belum menentukan apa yang harus ada di PCare.",
        "The visit's status ({status}) does not yet say what PCare should hold.",
        "klinik",
    ),
    "pcare.belum_selesai": (
        "Kunjungan belum selesai; data kunjungan dan obat dikirim setelah selesai.",
        "The visit is not finished; visit record and drugs are sent once it is.",
        "klinik",
    ),
    "pcare.dibuka_lagi": (
        "Kunjungan dibuka kembali setelah selesai; yang sudah diterima PCare dibiarkan.",
        "The visit was reopened after finishing; what PCare accepted is left alone.",
        "klinik",
    ),
    "pcare.kurang": (
        "{field}: belum ada catatannya.",
        "{field}: nothing recorded.",
        "klinik",
    ),
    "pcare.satuan": (
        "{field}: satuannya tidak dikenal atau tidak disebut, jadi nilainya tidak dipakai.",
        "{field}: the unit is unknown or missing, so the value is not used.",
        "integrator",
    ),
    "pcare.nilai": (
        "{field}: nilainya bukan hasil ukur yang dapat dikirim.",
        "{field}: the value is no measurement that can be sent.",
        "klinik",
    ),
    "pcare.rujukan_hilang": (
        "{field}: resource yang dirujuk belum diterima.",
        "{field}: the resource that is referred to has not arrived.",
        "integrator",
    ),
    "pcare.tanpa_icd10": (
        "{field}: diagnosis tanpa kode ICD-10.",
        "{field}: a diagnosis without ICD-10 code.",
        "klinik",
    ),
    "pcare.urutan_diagnosis": (
        "kdDiag1: ada beberapa diagnosis dan tidak disebut mana yang utama.",
        "kdDiag1: several diagnoses and nothing says which is the main one.",
        "klinik",
    ),
    "pcare.alergi_tanpa_kategori": (
        "Ada alergi tanpa kategori (makanan, obat, lingkungan), jadi tidak dapat dikirim.",
        "An allergy has no category (food, medication, environment), so it cannot be sent.",
        "klinik",
    ),
    "pcare.jenis_kunjungan_rumah": (
        "kunjSakit: kunjungan rumah tanpa diagnosis, tindakan, atau jenis layanan; belum diketahui sakit atau sehat.",
        "kunjSakit: a home visit without diagnosis, treatment or service kind; not known yet whether sick or healthy.",
        "klinik",
    ),
    "pcare.menanti_peserta": (
        "Data peserta sedang ditanyakan ke BPJS.",
        "The participant is being asked for at BPJS.",
        "BPJS",
    ),
    "pcare.tanpa_kartu_dan_nik": (
        "Pasien tanpa nomor kartu BPJS dan tanpa NIK.",
        "The patient has neither BPJS card number nor NIK.",
        "klinik",
    ),
    "pcare.resep_menunggu": (
        "Resep belum berlaku (status {status}).",
        "The prescription is not in force (status {status}).",
        "klinik",
    ),
    "pcare.resep_dihentikan": (
        "Resep dihentikan setelah obat tercatat di PCare; yang sudah diterima dibiarkan.",
        "The prescription was stopped after PCare had the drug; what was accepted is left alone.",
        "klinik",
    ),
    "pcare.signa": (
        "signa1 × signa2: aturan pakai tidak menyebut berapa kali sehari dan berapa tiap kali.",
        "signa1 × signa2: the dosage does not say how often a day and how much each time.",
        "klinik",
    ),
    "pcare.bahan_racikan": (
        "jmlObat: jumlah bahan racikan tidak disebut dalam satuan obat (tablet, kapsul) per racikan.",
        "jmlObat: the compound's ingredient is not given in units (tablets, capsules) per compound.",
        "klinik",
    ),
    # -- parked: a person acts first ---------------------------------------------------------------------------------
    "pcare.klaim_tanpa_kartu": (
        "Penjamin menyebut JKN, tetapi nomor kartu dan NIK pasien tidak ada. Isi salah satunya pada Patient.identifier "
        "atau Coverage.subscriberId.",
        "The payer says JKN, but there is neither card number nor NIK. Fill one in at Patient.identifier or "
        "Coverage.subscriberId.",
        "klinik",
    ),
    "pcare.kartu_ganda": (
        "Pasien memiliki lebih dari satu nomor kartu BPJS yang berbeda.",
        "The patient has more than one BPJS card number, and they differ.",
        "klinik",
    ),
    "pcare.penjamin_tidak_dikenal": (
        "Penjamin kunjungan ini tidak ada dalam daftar penjamin maupun penjamin_lain pada pengaturan.",
        "The visit's payer is in neither of the settings penjamin and penjamin_lain.",
        "IT",
    ),
    "pcare.peserta_tidak_ditemukan": (
        "BPJS tidak menemukan peserta dengan nomor ini. Periksa nomor kartu atau NIK.",
        "BPJS finds no participant with this number. Check card number or NIK.",
        "klinik",
    ),
    "pcare.peserta_tidak_lengkap": (
        "Jawaban BPJS tentang peserta tanpa nomor kartu 13 angka atau tanpa faskes terdaftar.",
        "BPJS's answer about the participant lacks a 13-digit card number or the facility of registration.",
        "BPJS",
    ),
    "pcare.rawat_inap_belum": (
        "Rawat inap belum didukung; entri melalui PCare.",
        "Inpatient visits are not supported yet; enter them in PCare.",
        "klinik",
    ),
    "pcare.kelas_tidak_didukung": (
        "Kelas kunjungan ({kelas}) tidak dikenal untuk PCare; perlu ditinjau.",
        "The visit's class ({kelas}) has no meaning at PCare; needs review.",
        "integrator",
    ),
    "pcare.jenis_layanan_tidak_dikenal": (
        "Kode jenis layanan {kode} tidak ada dalam daftar jenis layanan KBK.",
        "The service kind {kode} is not in the list of KBK service kinds.",
        "integrator",
    ),
    "pcare.rujukan_belum": (
        "Kunjungan berakhir dengan rujukan: belum didukung; entri melalui PCare. Tidak dikirim dengan status lain.",
        "The visit ends in a referral: not supported yet; enter it in PCare. It is not sent with another status.",
        "klinik",
    ),
    "pcare.pulang_sebelum_datang": (
        "tglPulang lebih awal daripada tglDaftar.",
        "tglPulang is before tglDaftar.",
        "klinik",
    ),
    "pcare.isi_tidak_sah": (
        "Isi yang akan dikirim tidak sesuai bentuk BPJS: {fields}. Periksa pemetaan kode.",
        "What would be sent does not have BPJS's form: {fields}. Check the code mapping.",
        "IT",
    ),
    # -- evidence for a withdrawal -------------------------------------------------------------------------------------
    "pcare.batal": (
        "Kunjungan dibatalkan di EMR.",
        "The visit was cancelled in the EMR.",
        "klinik",
    ),
    "pcare.salah_entri": (
        "Kunjungan ditandai salah entri di EMR.",
        "The visit was marked as entered in error in the EMR.",
        "klinik",
    ),
    "pcare.dihapus": (
        "Kunjungan dihapus dari EMR.",
        "The visit was deleted from the EMR.",
        "klinik",
    ),
    "pcare.resep_batal": (
        "Resep dibatalkan, ditandai salah entri, atau dihapus di EMR.",
        "The prescription was cancelled, marked as entered in error or deleted in the EMR.",
        "klinik",
    ),
    "pcare.resep_berubah": (
        "Resep berubah, dan baris obat ini tidak lagi termasuk di dalamnya.",
        "The prescription changed, and this drug line is no longer part of it.",
        "klinik",
    ),
    "pcare.menjadi_sehat": (
        "Kunjungan diubah menjadi kunjungan sehat, yang tidak memiliki data kunjungan dan obat.",
        "The visit became a healthy visit, which has no visit record and no drugs.",
        "klinik",
    ),
    # -- notes on what is sent -----------------------------------------------------------------------------------------
    "pcare.nol_tidak_diukur": (
        "{field}: 0 berarti tidak diukur (pengaturan nol_berarti_tidak_diukur).",
        "{field}: 0 means not measured (setting nol_berarti_tidak_diukur).",
        "klinik",
    ),
    "pcare.status_pulang_pengaturan": (
        "kdStatusPulang diambil dari pengaturan status_pulang_rawat_jalan karena EMR tidak mencatatnya.",
        "kdStatusPulang comes from the setting status_pulang_rawat_jalan because the EMR recorded none.",
        "klinik",
    ),
    "pcare.alergi_pengaturan": (
        "{field}: 00 dikirim karena tidak ada catatan (pengaturan alergi_tanpa_catatan).",
        "{field}: 00 is sent because nothing is recorded (setting alergi_tanpa_catatan).",
        "klinik",
    ),
    "pcare.alergi_lebih_dari_satu": (
        "{field}: PCare menerima satu kode; alergi yang paling akhir dicatat yang dikirim.",
        "{field}: PCare takes one code; the allergy recorded last is sent.",
        "klinik",
    ),
    "pcare.diagnosis_lebih_dari_tiga": (
        "PCare menerima tiga diagnosis; selebihnya tidak dikirim.",
        "PCare takes three diagnoses; the others are not sent.",
        "klinik",
    ),
    "pcare.teks_dipotong": (
        "{field}: dipotong menjadi {limit} karakter.",
        "{field}: cut to {limit} characters.",
        "klinik",
    ),
    "pcare.obat_sebagai_teks": (
        "Obat tanpa pemetaan dikirim sebagai teks non-DPHO (pengaturan obat_tanpa_pemetaan).",
        "A drug without mapping is sent as non-DPHO text (setting obat_tanpa_pemetaan).",
        "klinik",
    ),
    "pcare.peserta_tidak_aktif": (
        "Kepesertaan tidak aktif menurut BPJS.",
        "The membership is not active, says BPJS.",
        "klinik",
    ),
    "pcare.peserta_tamu": (
        "Peserta terdaftar di faskes lain.",
        "The participant is registered at another facility.",
        "klinik",
    ),
    "pcare.nik_berbeda": (
        "NIK pada kartu BPJS berbeda dari NIK pasien di EMR. Periksa apakah kartunya milik pasien ini.",
        "The card's NIK differs from the patient's NIK in the EMR. Check that the card is this patient's.",
        "klinik",
    ),
    # -- what PCare answered -------------------------------------------------------------------------------------------
    "pcare.sudah_dientri": (
        "PCare menyatakan data ini sudah dientri; dicari dulu.",
        "PCare says it already holds this one; it is looked up.",
        "BPJS",
    ),
    "pcare.belum_daftar": (
        "PCare menyatakan pendaftaran pada poli tersebut belum ada.",
        "PCare says that there is no registration in that poli.",
        "klinik",
    ),
    "pcare.sudah_dilayani": (
        "PCare menolak penghapusan karena pendaftaran sudah dilayani; hapus data kunjungannya dulu.",
        "PCare refuses the deletion because the registration was served; delete the visit first.",
        "klinik",
    ),
    "pcare.masih_ada_turunan": (
        "PCare menolak penghapusan karena kunjungan masih memiliki obat, tindakan, atau MCU.",
        "PCare refuses the deletion because the visit still has drugs, procedures or MCU.",
        "klinik",
    ),
    "pcare.tanggal_depan": (
        "PCare menganggap tanggalnya di masa depan; dicoba lagi setelah tengah malam WIB.",
        "PCare takes the date for a future one; tried again after midnight WIB.",
        "BPJS",
    ),
    "pcare.tanggal_ditolak": (
        "PCare menolak tanggalnya.",
        "PCare refuses the date.",
        "klinik",
    ),
    "pcare.referensi": (
        "Tidak sesuai dengan referensi PCare: {fields}. Periksa pemetaan kode.",
        "Not in PCare's reference lists: {fields}. Check the code mapping.",
        "klinik",
    ),
    "pcare.ditolak": (
        "PCare menolak isi ini (kode {kode}, bagian: {fields}).",
        "PCare refuses this content (code {kode}, fields: {fields}).",
        "klinik",
    ),
    "pcare.ditolak_tidak_aktif": (
        "PCare menolak karena kepesertaan tidak aktif.",
        "PCare refuses because the membership is not active.",
        "klinik",
    ),
    "pcare.bentuk_salah": (
        "PCare tidak dapat membaca isi yang dikirim: kemungkinan kesalahan program. Laporkan.",
        "PCare cannot read what was sent: probably a defect of this program. Report it.",
        "IT",
    ),
    "pcare.jalur": (
        "Alamat layanan tidak dikenal (kode {kode}). Periksa base_url dan jalur_kunjungan.",
        "The service's address is unknown (code {kode}). Check base_url and jalur_kunjungan.",
        "IT",
    ),
    "pcare.tidak_terdaftar_layanan": (
        "Cons-id tidak terdaftar untuk layanan ini. Periksa jalur_kunjungan dan pendaftaran cons-id di BPJS.",
        "The cons-id is not registered for this service. Check jalur_kunjungan and the cons-id at BPJS.",
        "IT",
    ),
    "pcare.login": (
        "PCare menolak log-in: nama pengguna, kata sandi, atau kode aplikasi. Mungkin kata sandi PCare baru diganti.",
        "PCare refuses the log-in: user name, password or application code. The PCare password may have been changed.",
        "IT",
    ),
    "pcare.user_key": (
        "Gateway BPJS menolak user_key.",
        "BPJS's gateway refuses the user_key.",
        "IT",
    ),
    "pcare.tanda_tangan": (
        "BPJS menolak tanda tangan: cons_id, secret_key, atau jam server tidak tepat.",
        "BPJS refuses the signature: cons_id, secret_key or the server's clock is wrong.",
        "IT",
    ),
    "pcare.cons_id_kedaluwarsa": (
        "Masa berlaku cons-id habis; minta pengaktifan kembali ke BPJS.",
        "The cons-id has expired; ask BPJS to reactivate it.",
        "IT",
    ),
    "pcare.sibuk": (
        "Layanan BPJS sedang tidak tersedia (kode {kode}).",
        "The BPJS service is not available at the moment (code {kode}).",
        "BPJS",
    ),
    "pcare.jawaban_tak_terbaca": (
        "Jawaban PCare tidak terbaca (kode {kode}); akan dilihat dulu apakah sudah tercatat.",
        "PCare's answer cannot be read (code {kode}); it is looked up first whether it was recorded.",
        "BPJS",
    ),
    "pcare.tanpa_nomor": (
        "PCare menjawab berhasil tetapi tanpa {field}; nomornya dicari.",
        "PCare answered success but without {field}; the number is looked up.",
        "BPJS",
    ),
    "pcare.hapus_dilihat": (
        "PCare tidak memastikan penghapusan (kode {kode}); akan dilihat apakah masih ada.",
        "PCare does not confirm the deletion (code {kode}); it is looked up whether it is still there.",
        "BPJS",
    ),
    # -- what a read showed ------------------------------------------------------------------------------------------
    "pcare.bacaan_gagal": (
        "Daftar di PCare belum dapat dibaca (kode {kode}).",
        "PCare's list could not be read (code {kode}).",
        "BPJS",
    ),
    "pcare.bacaan_goyah": (
        "Daftar PCare berubah selama dibaca, atau halamannya tidak bersambung.",
        "PCare's list changed while it was read, or its pages do not join.",
        "BPJS",
    ),
    "pcare.bacaan_kosong": (
        "PCare menjawab kosong padahal diketahui ada isinya.",
        "PCare answered nothing although something is known to be there.",
        "BPJS",
    ),
    "pcare.beberapa_pendaftaran": (
        "Ada beberapa baris yang sama di PCare; seseorang harus menentukan yang mana milik kunjungan ini.",
        "PCare shows several equal rows; a person decides which is this visit's.",
        "klinik",
    ),
    "pcare.beberapa_obat": (
        "Ada beberapa baris obat baru yang sama di PCare (mungkin diketik tangan); seseorang harus memutuskan.",
        "PCare shows several new equal drug lines (one may be typed by hand); a person decides.",
        "klinik",
    ),
    "pcare.pertanyaan": (
        "Pertanyaan ini tidak dikenal oleh adaptor PCare.",
        "The PCare adapter does not know this question.",
        "IT",
    ),
}

register_all(REASONS)
