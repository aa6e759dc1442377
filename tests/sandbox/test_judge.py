"""The judge: each rule red and green, on rows made by hand; then once on a real log."""

import aiohttp
import pytest

from jknbridge.sandbox.ground_truth import EffectRow, RequestRow
from jknbridge.sandbox.judge import judge
from jknbridge.sandbox.target import Effect, Shown

ID = "pendaftaran:09-06-2026|0009999000001|001"
ADD, DELETE = "pendaftaran.add", "pendaftaran.delete"
SCOPE = "pendaftaran:09-06-2026|"
LINE = "obat:K1|abc"


class Log:
    def __init__(self):
        self.rows = []

    def write(
        self, operation="pendaftaran.add", identity=ID, *, status=201, delivered=True, natural=True, facility="F"
    ):
        self.rows.append(
            RequestRow(len(self.rows) + 1, 0.0, "pcare", facility, operation, True, "POST", "/", (identity,), natural,
                       status, delivered=delivered)
        )  # fmt: skip
        return self

    def lost(self, operation=ADD, identity=ID, **more):
        return self.write(operation, identity, delivered=False, **more)

    def write_line(self, **more):
        return self.write("obat.add", LINE, natural=False, **more)

    def lost_line(self):
        return self.write_line(delivered=False)

    def read(self, *identities, scope=SCOPE, first=0, last=None, total=None, delivered=True, facility="F"):
        last = len(identities) if last is None else last
        shown = Shown(scope, identities, first, last, last if total is None else total)
        self.rows.append(
            RequestRow(len(self.rows) + 1, 0.0, "pcare", facility, "x.list", False, "GET", "/", status=200,
                       delivered=delivered, shown=(shown,))
        )  # fmt: skip
        return self

    @property
    def blind(self):
        return [(finding.first, finding.second) for finding in judge(self.rows, []).blind_repeats]


@pytest.mark.parametrize(
    ("log", "blind"),
    [
        (Log().lost().write(), [(1, 2)]),
        (Log().lost().read().write(), []),
        (Log().lost().read(delivered=False).write(), [(1, 3)]),
        (Log().lost().read(scope="pendaftaran:08-06-2026|").write(), [(1, 3)]),
        (Log().lost().read(facility="G").write(), [(1, 3)]),
        (Log().lost().read(ID).write(), [(1, 3)]),
        (Log().lost().read(ID).read().write(), []),
        (Log().read().lost().write(), [(2, 3)]),
        (Log().lost().write(identity="pendaftaran:09-06-2026|2|001"), []),
        (Log().lost().write(facility="G"), []),
        # what surely had no effect, and what surely had one
        (Log().write(status=412).write(), []),
        (Log().write(status=429).write(), []),
        (Log().write().write(), []),
        (Log().write(status=500).write(), [(1, 2)]),
        (Log().write(status=408).write(), [(1, 2)]),
        (Log().write(status=None).write(), [(1, 2)]),
        # one look answers one doubt
        (Log().lost().read().lost().write(), [(3, 4)]),
        (Log().lost().read().write(status=412).write(), []),
        (Log().lost().write(status=412).write(), [(1, 2), (1, 3)]),
        (Log().lost().lost().write(), [(1, 2), (2, 3)]),
        # pages: all of them, of one total, leaving nothing out
        (Log().lost().read("a", "b", last=2, total=3).write(), [(1, 3)]),
        (Log().lost().read("a", "b", last=2, total=3).read("c", first=2, last=3, total=3).write(), []),
        (Log().lost().read("a", "b", last=2, total=3).read("c", first=1, last=3, total=3).write(), []),
        (Log().lost().read("c", first=2, last=3, total=3).read("a", "b", last=2, total=3).write(), []),
        (Log().lost().read("a", last=1, total=3).read("c", first=2, last=3, total=3).write(), [(1, 4)]),
        (Log().lost().read("a", "b", last=2, total=4).read("c", first=2, last=3, total=3).write(), [(1, 4)]),
        # edits may be repeated
        (Log().lost("pendaftaran.edit").write("pendaftaran.edit"), []),
        # deletes: only where it was seen to be there still
        (Log().lost(DELETE).write(DELETE), [(1, 2)]),
        (Log().lost(DELETE).read(ID).write(DELETE), []),
        (Log().lost(DELETE).read().write(DELETE), [(1, 3)]),
        (Log().lost(DELETE).read().write().write(DELETE), []),
        (Log().lost().read(ID).write(DELETE, status=200).write(), []),
        # without a natural identity a look at the list ends the doubt either way
        (Log().lost_line().write_line(), [(1, 2)]),
        (Log().lost_line().read(scope="obat:K1|").write_line(), []),
        (Log().lost_line().read(LINE, scope="obat:K1|").write_line(), []),
        (Log().lost_line().read(scope="obat:K2|").write_line(), [(1, 3)]),
    ],
)  # fmt: skip
def test_blind_repeats(log, blind):
    assert log.blind == blind


def effect(seq, operation, *, identity=ID, natural=True, facility="F", origin="bridge"):
    return EffectRow(seq, 0.0, "pcare", origin, Effect(facility, operation, identity, "k", {}, natural), 1, False)


@pytest.mark.parametrize(
    ("rows", "doubles"),
    [
        ([effect(1, "pendaftaran.add"), effect(2, "pendaftaran.add")], [(1, 2)]),
        ([effect(1, "pendaftaran.add", origin="hand"), effect(2, "pendaftaran.add")], [(1, 2)]),
        ([effect(1, "pendaftaran.add"), effect(2, "pendaftaran.delete"), effect(3, "pendaftaran.add")], []),
        ([effect(1, "pendaftaran.add"), effect(2, "pendaftaran.add", facility="G")], []),
        ([effect(1, "pendaftaran.add"), effect(2, "pendaftaran.edit")], []),
        ([effect(1, "obat.add", natural=False), effect(2, "obat.add", natural=False)], []),
    ],
)
def test_doubles(rows, doubles):
    assert [(finding.first, finding.second) for finding in judge([], rows).double] == doubles


async def verdict(pcare):
    return (await pcare.admin("GET", "judge"))[1]


async def test_on_a_real_log(pcare, make):
    number = await pcare.visit()
    await pcare.faults({"operation": "*.add", "kind": "lost_after", "count": 2})
    with pytest.raises(aiohttp.ClientError):
        await pcare.register(noKartu="0009999000002")
    assert (await pcare.call("GET", "/pendaftaran/tglDaftar/09-06-2026/0/1")).kind == "ok"
    with pytest.raises(aiohttp.ClientError):
        await pcare.call("POST", "/obat/kunjungan", make["obat"](number))
    await pcare.call("GET", f"/obat/kunjungan/{number}")
    await pcare.call("POST", "/obat/kunjungan", make["obat"](number))
    assert await verdict(pcare) == {"double": [], "blind_repeats": []}
    await pcare.register(noKartu="0009999000002")
    (finding,) = (await verdict(pcare))["blind_repeats"]
    assert (finding["operation"], finding["identity"]) == (
        "pendaftaran.add", "pendaftaran:09-06-2026|0009999000002|001",
    )  # fmt: skip


async def test_a_deleted_visit_is_still_known_by_its_number(pcare):
    number = await pcare.visit()
    await pcare.faults({"operation": "kunjungan.delete", "kind": "lost_after", "count": 1})
    with pytest.raises(aiohttp.ClientError):
        await pcare.call("DELETE", f"/kunjungan/{number}")
    await pcare.call("GET", "/kunjungan/peserta/0009999000001")
    await pcare.call("DELETE", f"/kunjungan/{number}")
    (finding,) = (await verdict(pcare))["blind_repeats"]
    assert finding["identity"] == "kunjungan:0009999000001|09-06-2026|001"


def test_one_thing_added_alone_and_in_a_batch_is_one_doubt():
    log = Log().lost("paket.add").write("pendaftaran.add")
    assert len(judge(log.rows, []).blind_repeats) == 1
    log = Log().lost("paket.add").read().write("pendaftaran.add")
    assert judge(log.rows, []).blind_repeats == ()


def test_a_scope_may_name_the_end_of_an_identity():
    covering, other = "pendaftaran:*|001", "pendaftaran:*|002"
    assert judge(Log().lost().read(scope=covering).write().rows, []).blind_repeats == ()
    assert len(judge(Log().lost().read(scope=other).write().rows, []).blind_repeats) == 1
