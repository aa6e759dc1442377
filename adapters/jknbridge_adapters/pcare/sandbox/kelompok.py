"""G1-G7: Prolanis clubs, their activities and who took part (pcare §11, §22 #18). Two clubs per facility."""

from typing import Any

from jknbridge_adapters.bpjs.sandbox import Reply
from jknbridge_adapters.pcare.sandbox import fields
from jknbridge_adapters.pcare.sandbox.context import Context
from jknbridge_adapters.pcare.sandbox.people import Facility
from jknbridge_adapters.pcare.sandbox.reference import KEGIATAN, PROGRAM, Row
from jknbridge_adapters.pcare.sandbox.state import Activity, Member


def clubs_of(facility: Facility) -> dict[int, Row]:
    return {
        int(facility.code[-4:], 36) * 10 + i: {
            "clubId": int(facility.code[-4:], 36) * 10 + i,
            "jnsKelompok": {"kdProgram": code, "nmProgram": name},
            "tglMulai": "01-01-2020", "tglAkhir": None, "alamat": "Jl. Simulasi No. 1",
            "nama": f"KLUB {name.upper()} {facility.code}", "ketua_noHP": None, "ketua_nama": "KETUA UJI",
        }
        for i, (code, name) in enumerate(PROGRAM.items(), start=1)
    }  # fmt: skip


def clubs(ctx: Context) -> Reply:
    rows = [row for row in clubs_of(ctx.facility).values() if row["jnsKelompok"]["kdProgram"] == ctx.params["jenis"]]
    return ctx.whole(rows)


def month_of(tgl: Any) -> str:
    """`MM-yyyy` of a dd-MM-yyyy."""
    return str(tgl)[3:]


def kegiatan_identity(body: Row) -> str:
    """What pcare §11 reconciles by; PCare itself takes a second equal one."""
    tgl = body.get("tglPelayanan")
    return f"kegiatan:{month_of(tgl)}|{body.get('clubId')}|{tgl}|{body.get('kdKegiatan')}"


def add_activity(ctx: Context) -> Reply:
    body = ctx.checked(fields.KEGIATAN)
    amiss = [name for name, fits in (
        ("clubId", body["clubId"] in clubs_of(ctx.facility)), ("kdKegiatan", body["kdKegiatan"] in KEGIATAN),
        ("kdKelompok", body["kdKelompok"] in PROGRAM),
    ) if not fits]  # fmt: skip
    ctx.refer(*amiss)
    tgl = body["tglPelayanan"]
    month = month_of(tgl)
    edu_id = f"{tgl[8:]}{tgl[3:5]}{ctx.state.count('eduId', month):07}"
    own = f"kegiatan:{month}|#{edu_id}"
    activity = Activity(ctx.facility.code, edu_id, month, body, kegiatan_identity(body), own)
    ctx.state.activities.put(edu_id, activity, ctx.now)
    ctx.did(activity.identity, edu_id, body, natural=False, eduId=edu_id)
    entry = {"field": "eduId", "message": edu_id}
    return Reply.created([entry] if ctx.options["kegiatan_answer"] == "array" else entry)


def delete_activity(ctx: Context) -> Reply:
    activity = _own_activity(ctx, ctx.params["eduId"])
    for member in ctx.state.members.of(activity.edu_id):
        ctx.state.members.remove((member.edu_id, member.no_kartu), ctx.now)
        ctx.did(member.identity, member.edu_id, {}, natural=False, operation="kelompok_peserta.delete")
    ctx.state.activities.remove(activity.edu_id, ctx.now)
    ctx.did(activity.identity, activity.edu_id, activity.body, natural=False, eduId=activity.edu_id)
    return Reply.written()


def activities(ctx: Context) -> Reply:
    month = month_of(ctx.params["tgl"])
    rows = ctx.state.activities.of((ctx.facility.code, month), ctx.as_of)
    names = [name for row in rows for name in (row.identity, row.own)]
    ctx.saw(f"kegiatan:{month}|", names, 0, len(rows), len(rows))
    club = clubs_of(ctx.facility)
    return ctx.whole([
        {
            "eduId": row.edu_id, "clubProl": club[row.body["clubId"]], "tglPelayanan": row.body["tglPelayanan"],
            "kegiatan": {"nama": KEGIATAN[row.body["kdKegiatan"]], "kode": row.body["kdKegiatan"]},
            "kelompok": {"nama": PROGRAM[row.body["kdKelompok"]], "kode": row.body["kdKelompok"]},
            **{name: row.body[name] for name in ("materi", "pembicara", "lokasi", "keterangan", "biaya")},
        }
        for row in rows
    ])  # fmt: skip


def add_member(ctx: Context) -> Reply:
    body = ctx.checked(fields.KELOMPOK_PESERTA)
    activity = _own_activity(ctx, body["eduId"])
    if body["noKartu"] not in ctx.state.participants:
        ctx.refer("noKartu")
    member = Member(activity.edu_id, body["noKartu"])
    ctx.state.members.put((member.edu_id, member.no_kartu), member, ctx.now)
    ctx.did(member.identity, activity.edu_id, body, natural=False)
    return Reply.created({"field": "noKartu", "message": member.no_kartu})


def delete_member(ctx: Context) -> Reply:
    activity = _own_activity(ctx, ctx.params["eduId"])
    key = (activity.edu_id, ctx.params["noKartu"])
    member = ctx.state.members.get(key)
    if member is None:
        raise ctx.unknown("noKartu")
    ctx.state.members.remove(key, ctx.now)
    ctx.did(member.identity, activity.edu_id, {"eduId": key[0], "noKartu": key[1]}, natural=False)
    return Reply.written()


def members(ctx: Context) -> Reply:
    edu_id = ctx.params["eduId"]
    rows = ctx.state.members.of(edu_id, ctx.as_of)
    ctx.saw(f"kelompok_peserta:{edu_id}|", [row.identity for row in rows], 0, len(rows), len(rows))
    people = ctx.state.participants
    return ctx.whole([{"eduId": row.edu_id, "peserta": people[row.no_kartu]} for row in rows])


def _own_activity(ctx: Context, edu_id: str) -> Activity:
    activity = ctx.state.activities.get(edu_id)
    if activity is None or activity.facility != ctx.facility.code:
        raise ctx.unknown("eduId")
    return activity
