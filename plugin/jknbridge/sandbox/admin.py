"""`/_sandbox/*` on the port of the targets: look at the truth, turn switches, cause trouble, play the staff.

A table of (method, path) → function; each takes the decoded body and the query and returns JSON. Errors are 400 with a
sentence that says what would have been right. Not authenticated: the sandbox listens on 127.0.0.1 only.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

from jknbridge.sandbox.faults import KINDS, FaultError
from jknbridge.sandbox.ground_truth import EffectRow, RequestRow
from jknbridge.sandbox.options import OptionError
from jknbridge.sandbox.target import LoadError, SandboxTarget

if TYPE_CHECKING:
    from jknbridge.sandbox.server import Sandbox

PREFIX = "_sandbox"


class BadRequest(ValueError):
    """The caller's mistake, in a sentence."""


class Admin:
    def __init__(self, sandbox: "Sandbox") -> None:
        self._sandbox = sandbox
        self._routes: Mapping[tuple[str, str], Callable[[Any, Mapping[str, str]], Any]] = {
            ("GET", "effects"): self._effects,
            ("GET", "requests"): self._requests,
            ("GET", "judge"): lambda body, query: self._sandbox.judge().render(),
            ("GET", "state"): self._state,
            ("GET", "options"): lambda body, query: self._described(),
            ("POST", "options"): self._set_options,
            ("GET", "faults"): lambda body, query: self._sandbox.faults.render(),
            ("POST", "faults"): self._set_faults,
            ("GET", "kinds"): self._kinds,
            ("POST", "tangan"): self._by_hand,
            ("POST", "load"): self._load,
            ("POST", "reset"): self._reset,
        }

    def handle(self, method: str, segments: tuple[str, ...], query: str, body: bytes) -> tuple[int, Any]:
        """HTTP status and JSON document."""
        path = "/".join(segments[1:]).lower()
        route = self._routes.get((method, path))
        if route is None:
            paths = sorted({f"{verb} /{PREFIX}/{name}" for verb, name in self._routes})
            return 404, {"error": "no such admin call", "calls": paths}
        try:
            document = json.loads(body) if body.strip() else None
            return 200, route(document, {name: values[-1] for name, values in parse_qs(query).items()})
        except (BadRequest, FaultError, OptionError, LoadError) as error:
            return 400, {"error": str(error)}
        except ValueError as error:
            return 400, {"error": f"the body is not JSON: {error}"}

    def _target(self, name: Any) -> SandboxTarget:
        target = self._sandbox.targets.get(name) if isinstance(name, str) else None
        if target is None:
            raise BadRequest(f"unknown target {name!r}; known: {', '.join(self._sandbox.targets)}")
        return target

    def _effects(self, body: Any, query: Mapping[str, str]) -> Any:
        return _asked_for(self._sandbox.truth.effects, query)

    def _requests(self, body: Any, query: Mapping[str, str]) -> Any:
        return _asked_for(self._sandbox.truth.requests, query)

    def _state(self, body: Any, query: Mapping[str, str]) -> Any:
        if "target" in query:
            return self._target(query["target"]).state()
        return {name: target.state() for name, target in self._sandbox.targets.items()}

    def _described(self) -> Any:
        return {name: target.options.describe() for name, target in self._sandbox.targets.items()}

    def _set_options(self, body: Any, query: Mapping[str, str]) -> Any:
        changes = [(self._target(name).options, values) for name, values in _object(body).items()]
        for options, values in changes:
            options.check(values)
        for options, values in changes:
            options.update(values)
        return self._described()

    def _set_faults(self, body: Any, query: Mapping[str, str]) -> Any:
        self._sandbox.faults.replace(body)
        return self._sandbox.faults.render()

    def _kinds(self, body: Any, query: Mapping[str, str]) -> Any:
        return {name: {"on": k.on, "effect": k.effect, "ms": k.ms, "does": k.description} for name, k in KINDS.items()}

    def _by_hand(self, body: Any, query: Mapping[str, str]) -> Any:
        document = _object(body, {"target", "facility", "operation", "body"})
        target = self._target(document.get("target"))
        answer = target.by_hand(str(document.get("facility")), str(document.get("operation")), document.get("body"))
        seqs = self._sandbox.truth.happened(target.name, answer.effects)
        receipts = [dict(effect.receipt) for effect in answer.effects]
        return {"status": answer.status, "effects": seqs, "receipts": receipts, "answer": _readable(answer.body)}

    def _load(self, body: Any, query: Mapping[str, str]) -> Any:
        document = _object(body)
        return self._target(document.pop("target", None)).load(document)

    def _reset(self, body: Any, query: Mapping[str, str]) -> Any:
        name = _object(body or {}, {"target"}).get("target")
        return {"reset": self._sandbox.reset(None if name is None else self._target(name).name)}


def _asked_for(rows: Sequence[EffectRow | RequestRow], query: Mapping[str, str]) -> list[dict[str, Any]]:
    """`?target=pcare&after=120`: a poller takes only what is new."""
    after = query.get("after", "0")
    if not after.isdigit():
        raise BadRequest("after is a sequence number")
    target, first = query.get("target"), int(after) + 1
    return [row.render() for row in rows if row.seq >= first and target in (None, row.target)]


def _object(body: Any, keys: set[str] | None = None) -> dict[str, Any]:
    if not isinstance(body, dict):
        raise BadRequest("the body is a JSON object")
    unknown = sorted(set(body) - keys) if keys is not None else []
    if unknown:
        raise BadRequest(f"unknown key {', '.join(unknown)}; known: {', '.join(sorted(keys or ()))}")
    return dict(body)


def _readable(body: bytes) -> Any:
    try:
        return json.loads(body)
    except ValueError:
        return body.decode("utf-8", "replace")
