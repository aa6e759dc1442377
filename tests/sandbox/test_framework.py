"""What the framework asks of any target: another one, nothing like BPJS, plugs into the same port."""

import aiohttp
import pytest

from jknbridge.sandbox.options import Option, Options
from jknbridge.sandbox.rows import Rows
from jknbridge.sandbox.server import Sandbox
from jknbridge.sandbox.target import Answer, Effect, Known, Shown


class Notes:
    """A store of notes by name: `PUT /notes/{name}`, `GET /notes`."""

    name = "notes"
    prefixes = ("notes",)
    operations = {"note.add": True, "note.list": False}  # noqa: RUF012

    def __init__(self):
        self.options = Options([Option("loud", False, "answers in capitals", "none")])
        self.reset()

    def reset(self):
        self.rows = Rows(lambda row: "all")
        self.options.reset()

    def recognise(self, call):
        if call.method == "GET":
            return Known("note.list")
        return Known("note.add", "F", (f"note:{call.segments[1]}",), detail=call.segments[1])

    def answer(self, call, known, conditions):
        if known.operation == "note.list":
            names = [name for name, _ in self.rows.items()]
            text = ",".join(names)
            shown = Shown("note:", tuple(f"note:{name}" for name in names), 0, len(names), len(names))
            return Answer(200, (text.upper() if self.options["loud"] else text).encode(), shown=(shown,))
        self.rows.put(known.detail, call.body, 0)
        return Answer(201, b"ok", effects=(Effect("F", "note.add", known.identities[0], known.detail, None),))

    def spoil(self, kind, call, answer, rng):
        return None

    def by_hand(self, facility, operation, body):
        return Answer(201, effects=(Effect(facility, operation, f"note:{body}", body, None),))

    def load(self, document):
        return {}

    def state(self):
        return [name for name, _ in self.rows.items()]

    def settings(self, base_url):
        return {"faskes": {"F": {"notes": {"base_url": base_url, "kinds": ["a", "b"]}}}}


async def test_a_strange_target():
    async with Sandbox([Notes()]) as sandbox, aiohttp.ClientSession() as session:
        put = f"{sandbox.base_url}/notes/a%2Fb"
        async with session.put(aiohttp.client.URL(put, encoded=True), data=b"x") as response:
            assert (response.status, await response.read()) == (201, b"ok")
        assert sandbox.truth.effects[0].effect.key == "a/b"
        for kind, status, body in (
            ("garbage", 200, None), ("empty_null", 200, b"null"), ("empty_204", 204, b""), ("http_5xx", 503, None),
            ("http_429", 429, None), ("html", 503, None),
        ):  # fmt: skip
            sandbox.faults.replace([{"kind": kind, "operation": "note.list", "ms": 1500}])
            async with session.get(f"{sandbox.base_url}/notes") as response:
                read = await response.read()
                assert response.status == status
                assert body is None or read == body
                assert response.headers.get("Retry-After") == ("2" if kind == "http_429" else None)
        assert sandbox.judge().blind_repeats == ()
        assert "[faskes.F.notes]" in sandbox.print_config()


def test_rows_as_they_were():
    rows = Rows(lambda row: row[0])
    rows.put(1, "a1", 10)
    rows.put(2, "a2", 20)
    rows.put(1, "a1*", 30)
    rows.remove(2, 40)
    assert [rows.of("a", at) for at in (5, 15, 25, 35, 45)] == [[], ["a1"], ["a1", "a2"], ["a1*", "a2"], ["a1*"]]
    assert (rows.get(2), rows.ever(2), rows.get(2, 39), len(rows)) == (None, "a2", "a2", 1)
    rows.put(2, "a2", 50)
    assert rows.of("a") == ["a1*", "a2"]
    with pytest.raises(KeyError):
        rows.remove(3, 60)
