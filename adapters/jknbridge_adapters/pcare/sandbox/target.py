"""The simulated PCare as a target of the sandbox: a request's path through this package.

`recognise` finds the route and names what a write is about; `answer` runs the door's checks (bpjs-auth §12), then the
route's handler, then renders. Served under both real paths.
"""

from collections.abc import Mapping, Sequence
from random import Random
from typing import Any, Final, NamedTuple

from jknbridge.sandbox.options import Options
from jknbridge.sandbox.target import Answer, Call, Clock, Conditions, Known, LoadError, SandboxTarget
from jknbridge_adapters.bpjs.sandbox import Door, Reply, read_json, render, spoil
from jknbridge_adapters.pcare.sandbox.context import Context, Refuse
from jknbridge_adapters.pcare.sandbox.identities import NATURAL, identities
from jknbridge_adapters.pcare.sandbox.loading import load, load_defaults
from jknbridge_adapters.pcare.sandbox.options import OPTIONS
from jknbridge_adapters.pcare.sandbox.people import CONSUMER, Facility
from jknbridge_adapters.pcare.sandbox.reference import Row
from jknbridge_adapters.pcare.sandbox.routes import OPERATIONS, ROUTES, Route, find
from jknbridge_adapters.pcare.sandbox.state import State

_BODY_METHODS: Final = ("POST", "PUT")


class _Asked(NamedTuple):
    """What `recognise` found: a route, or the answer to a path that is none."""

    route: Route | None
    params: dict[str, str]
    body: dict[str, Any] | Reply
    no_such_path: Answer | None = None


class PcareSandbox:
    """Implements `jknbridge.sandbox.target.SandboxTarget`."""

    name = "pcare"
    prefixes: Sequence[str] = ("pcare-rest", "pcare-rest-dev")
    operations: Mapping[str, bool] = OPERATIONS

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.options = Options(OPTIONS)
        self._door = Door(self.options, clock)
        self.reset()

    def reset(self) -> None:
        self._state = State()
        self.options.reset()
        self._door.reset()
        self._door.consumers = {CONSUMER.cons_id: CONSUMER}
        load_defaults(self._state)
        self._open_accounts()

    def recognise(self, call: Call) -> Known:
        found = find(call.method, call.segments[1:], call.query)
        facility = self._door.facility_of(call)
        if isinstance(found, Answer):
            return Known("", facility, detail=_Asked(None, {}, {}, found))
        route, params = found
        body = read_json(call, self.options) if route.method in _BODY_METHODS else {}
        asked = _Asked(route, params, body)
        if not route.writes:
            return Known(route.operation, facility, detail=asked)
        about = {} if isinstance(body, Reply) else body
        names = identities(route.operation, self._state, params, about)
        return Known(route.operation, facility, names, route.operation in NATURAL, asked)

    def answer(self, call: Call, known: Known, conditions: Conditions) -> Answer:
        asked: _Asked = known.detail
        caller = self._door.enter(call, asked.no_such_path, conditions)
        if isinstance(caller, Answer):
            return caller
        assert asked.route is not None
        if isinstance(asked.body, Reply):
            return render(asked.body, caller, self.options)
        ctx = self._context(asked.route, self._state.facilities[caller.facility], asked.params, asked.body)
        ctx.as_of, ctx.shifted = conditions.as_of, conditions.shifted
        rendered = render(_run(asked.route, ctx), caller, self.options)
        return Answer(
            rendered.status, rendered.body, rendered.headers, tuple(ctx.effects), tuple(ctx.shown), caller.facility
        )

    def spoil(self, kind: str, call: Call, answer: Answer, rng: Random) -> Answer | None:
        return spoil(kind, answer, rng, self.options)

    def by_hand(self, facility: str, operation: str, body: Any) -> Answer:
        """What PCare's web page would do: the same rules, no log-in. A delete's body holds what the path would."""
        place = self._state.facilities.get(facility)
        if place is None:
            raise LoadError(f"unknown facility {facility!r}; known: {', '.join(self._state.facilities)}")
        route = next((route for route in ROUTES if route.operation == operation and route.writes), None)
        if route is None:
            writes = sorted(name for name, writes in OPERATIONS.items() if writes)
            raise LoadError(f"unknown operation {operation!r}; known: {', '.join(writes)}")
        if not isinstance(body, dict):
            raise LoadError("body is an object")
        params = {} if route.method in _BODY_METHODS else self._path_values(route, facility, body)
        ctx = self._context(route, place, {**params, "v1": "V1"}, body)
        reply = _run(route, ctx)
        if not ctx.effects:
            said = "; ".join(f"{name}: {text}" for name, text in reply.entries) or reply.message or "nothing to do"
            raise LoadError(f"PCare answers {reply.code}: {said}")
        return Answer(reply.code, effects=tuple(ctx.effects), facility=facility)

    def load(self, document: Mapping[str, Any]) -> Mapping[str, int]:
        counts = load(self._state, document)
        self._open_accounts()
        return counts

    def state(self) -> Any:
        return self._state.render()

    def settings(self, base_url: str) -> Mapping[str, Any]:
        """`[faskes.<kode>]` and `[faskes.<kode>.pcare]` of every facility that has a log-in."""
        return {
            "faskes": {
                place.code: {
                    "type": "FKTP",
                    "zona": place.zone,
                    "pcare": {
                        "base_url": f"{base_url}/{self.prefixes[0]}",
                        "cons_id": CONSUMER.cons_id,
                        "secret_key": CONSUMER.secret_key,
                        "user_key": CONSUMER.user_key,
                        "username": place.account.username,
                        "password": place.account.password,
                        "kd_aplikasi": place.account.kd_aplikasi,
                        "mulai": "2026-01-01",
                        "mode": "jalan",
                    },
                }
                for place in self._state.facilities.values()
                if place.account is not None
            }
        }

    def _open_accounts(self) -> None:
        accounts = (place.account for place in self._state.facilities.values())
        self._door.accounts = {account.username: account for account in accounts if account is not None}

    def _context(self, route: Route, facility: Facility, params: Row, body: Row) -> Context:
        return Context(self._state, self.options, facility, self._clock(), params, body, route.operation)

    def _path_values(self, route: Route, facility: str, body: Row) -> Row:
        """A delete by hand names the row as a person would: a registration needs no noUrut, the page shows it."""
        names = {part[1:-1] for part in route.parts if part[0] == "{"}
        given = {**body, "tgl": body.get("tglDaftar"), "sk": body.get("kdTindakanSK", body.get("kdMCU"))}
        if route.operation == "pendaftaran.delete" and not body.get("noUrut"):
            key = (facility, str(given["tgl"]), str(body.get("noKartu")), str(body.get("kdPoli")))
            row = self._state.registrations.get(key)
            given["noUrut"] = row.no_urut if row else "-"
        missing = sorted(name for name in names if given.get(name) is None)
        if missing:
            raise LoadError(f"body lacks {', '.join(missing)}")
        return {name: str(given[name]) for name in names}


def _run(route: Route, ctx: Context) -> Reply:
    try:
        return route.handle(ctx)
    except Refuse as refusal:
        return refusal.reply


def make_sandbox(clock: Clock) -> SandboxTarget:
    """The factory that the sandbox's server asks each adapter for."""
    return PcareSandbox(clock)
