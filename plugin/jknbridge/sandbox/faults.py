"""How a simulated target misbehaves when told to: the kinds as a table, and the list of faults in force.

A fault says where (`target`, `operation`, which may be a glob such as `*.add`), what (`kind`), how often (`count`,
`probability`, both, or neither = every time) and how long (`ms`). Each draws from its own seeded generator, so equal
lists and equal requests give equal trouble. Of the kinds that replace the answer the first one that fires applies;
the others (`delay`, `clock_skew`, `slow_reads`, `shifting_pages`, `lockout`) combine with it.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from random import Random
from typing import Any, Final, Literal

from jknbridge.sandbox.target import Answer, Conditions, SandboxTarget


class FaultError(ValueError):
    """A fault that is not understood. The message lists what is possible."""


@dataclass(frozen=True, slots=True)
class FaultKind:
    """`effect` says whether the target does what was asked: `yes`, `no`, or `late` (after the client gave up)."""

    name: str
    on: Literal["reads", "writes", "all"]
    effect: Literal["yes", "no", "late"]
    replaces: bool
    whole: bool
    """The client still gets a whole, readable answer."""
    ms: int
    description: str


KINDS: Final[Mapping[str, FaultKind]] = {
    kind.name: kind
    for kind in (
        FaultKind("lost_after", "all", "yes", True, False, 0, "done, then the connection closes without an answer"),
        FaultKind("late_effect", "writes", "late", True, False, 1000, "the connection drops; done `ms` later"),
        FaultKind("delay", "all", "yes", False, True, 1000, "done at once, answered `ms` later"),
        FaultKind("reset", "all", "no", True, False, 0, "connection reset before anything is done"),
        FaultKind("truncate", "all", "yes", True, False, 0, "done, half of the answer's bytes, then closed"),
        FaultKind("http_5xx", "all", "no", True, True, 0, "a server error; nothing done"),
        FaultKind("http_429", "all", "no", True, True, 0, "too many requests; nothing done (Retry-After = `ms`)"),
        FaultKind("html", "all", "yes", True, False, 0, "done, an HTML error page instead of the answer"),
        FaultKind("garbage", "all", "yes", True, False, 0, "done, an answer that cannot be decoded"),
        FaultKind("clock_skew", "all", "yes", False, True, 600_000, "the target's clock is `ms` ahead"),
        FaultKind("slow_reads", "reads", "yes", False, True, 5000, "reads show the state of `ms` ago"),
        FaultKind("empty_204", "reads", "yes", True, True, 0, "204 without body although there is data"),
        FaultKind("empty_null", "reads", "yes", True, True, 0, "success with null although there is data"),
        FaultKind(
            "shifting_pages", "reads", "yes", False, True, 0, "a row stands before this page's rows and no other's"
        ),
        FaultKind("lockout", "all", "yes", False, True, 0, "after `count` wrong passwords (3) only 401 until reset"),
    )
}

_KEYS: Final = {"target", "operation", "kind", "count", "probability", "ms", "seed"}
_LOCKOUT_AFTER: Final = 3


@dataclass(slots=True)
class Fault:
    """One fault in force, and how often it fired."""

    target: str
    operation: str
    kind: FaultKind
    count: int | None
    probability: float | None
    ms: int
    seed: int
    fired: int = 0
    _random: Random = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self._random = Random(self.seed)

    def matches(self, target: str, operation: str, writes: bool) -> bool:
        return (
            self.target in (target, "*")
            and (self.kind.on == "all" or (self.kind.on == "writes") == writes)
            and fnmatchcase(operation, self.operation)
        )

    def fires(self) -> bool:
        """Draws once. Call only for a request that matches, or runs would not repeat."""
        if self.kind.name == "lockout":
            return True
        if self.count is not None and self.fired >= self.count:
            return False
        if self.probability is not None and self._random.random() >= self.probability:
            return False
        self.fired += 1
        return True

    @property
    def random(self) -> Random:
        return self._random

    def render(self) -> dict[str, Any]:
        return {
            "target": self.target, "operation": self.operation, "kind": self.kind.name, "count": self.count,
            "probability": self.probability, "ms": self.ms, "seed": self.seed, "fired": self.fired,
        }  # fmt: skip


@dataclass(slots=True)
class Trouble:
    """What the faults in force do to one request."""

    conditions: Conditions = field(default_factory=Conditions)
    instead: Fault | None = None
    delay: float = 0.0
    names: tuple[str, ...] = ()


_NONE: Final = Trouble()


class Faults:
    """The list in force. Posting a list replaces it."""

    def __init__(self, targets: Mapping[str, SandboxTarget], seed: int) -> None:
        self._targets = targets
        self._seed = seed
        self._list: list[Fault] = []

    def replace(self, documents: Any) -> None:
        """All or nothing; raises `FaultError`."""
        if not isinstance(documents, list):
            raise FaultError("faults are a list of objects")
        self._list = [self._parse(document, self._seed + i) for i, document in enumerate(documents)]

    def forget(self, target: str | None) -> None:
        self._list = [fault for fault in self._list if target is not None and fault.target != target]

    def render(self) -> list[dict[str, Any]]:
        return [fault.render() for fault in self._list]

    def strike(self, target: str, operation: str, writes: bool, now: float) -> Trouble:
        """Which faults fire for this request; draws from their generators."""
        struck = [f for f in self._list if f.matches(target, operation, writes)]
        if not struck:
            return _NONE
        trouble, conditions = Trouble(), {}
        for fault in struck:
            kind = fault.kind
            if (kind.replaces and trouble.instead is not None) or not fault.fires():
                continue
            if kind.replaces:
                trouble.instead = fault
            elif kind.name == "delay":
                trouble.delay += fault.ms / 1000
            elif kind.name == "clock_skew":
                conditions["skew"] = fault.ms / 1000
            elif kind.name == "slow_reads":
                conditions["as_of"] = now - fault.ms / 1000
            elif kind.name == "shifting_pages":
                conditions["shifted"] = True
            else:
                conditions["lockout_after"] = fault.count or _LOCKOUT_AFTER
                continue  # named only where the target says that it refused because of it
            trouble.names += (kind.name,)
        trouble.conditions = Conditions(**conditions)  # type: ignore[arg-type]
        return trouble

    def locked(self, target: str, operation: str, writes: bool) -> None:
        """The target refused because of a lock-out."""
        for fault in self._list:
            if fault.kind.name == "lockout" and fault.matches(target, operation, writes):
                fault.fired += 1

    def _parse(self, document: Any, seed: int) -> Fault:
        if not isinstance(document, dict):
            raise FaultError("a fault is an object")
        unknown = sorted(set(document) - _KEYS)
        if unknown:
            raise FaultError(f"unknown key {', '.join(unknown)}; known: {', '.join(sorted(_KEYS))}")
        target, operation = document.get("target", "*"), document.get("operation", "*")
        if target != "*" and target not in self._targets:
            raise FaultError(f"unknown target {target!r}; known: {', '.join(self._targets)} and *")
        kind = KINDS.get(str(document.get("kind")))
        if kind is None:
            raise FaultError(f"unknown kind {document.get('kind')!r}; known: {', '.join(KINDS)}")
        operations = self._operations(target)
        if not isinstance(operation, str) or not any(fnmatchcase(name, operation) for name in operations):
            raise FaultError(f"no operation matches {operation!r}; known: {', '.join(sorted(operations))}")
        return Fault(
            target,
            operation,
            kind,
            _number(document, "count", int, 1, None),
            _number(document, "probability", float, 0, 1),
            _number(document, "ms", int, 0, None, kind.ms) or 0,
            _number(document, "seed", int, None, None, seed) or 0,
        )

    def _operations(self, target: str) -> set[str]:
        chosen: Iterable[SandboxTarget] = self._targets.values() if target == "*" else [self._targets[target]]
        return {name for each in chosen for name in each.operations}


def plain_form(fault: Fault, answer: Answer) -> Answer:
    """A spoilt answer where the target has no form of its own for it."""
    text = {"Content-Type": "text/plain; charset=utf-8"}
    match fault.kind.name:
        case "http_5xx":
            return Answer(503, b"Service Unavailable", text)
        case "http_429":
            return Answer(429, b"Too Many Requests", {**text, "Retry-After": str(-(-fault.ms // 1000))})
        case "html":
            page = b"<!DOCTYPE html><html><head><title>Runtime Error</title></head><body><h1>503</h1></body></html>"
            return Answer(503, page, {"Content-Type": "text/html; charset=utf-8"})
        case "garbage":
            return Answer(answer.status, fault.random.randbytes(len(answer.body) or 64), answer.headers)
        case "empty_204":
            return Answer(204)
        case _:
            return Answer(200, b"null", {"Content-Type": "application/json"})


def _number(document: Mapping[str, Any], key: str, kind: type, low: Any, high: Any, default: Any = None) -> Any:
    value = document.get(key)
    if value is None:
        return default
    numeric = (int, float) if kind is float else int
    if isinstance(value, bool) or not isinstance(value, numeric):
        raise FaultError(f"{key} is a number, not {value!r}")
    if (low is not None and value < low) or (high is not None and value > high):
        raise FaultError(f"{key} is out of range: {value!r}")
    return value
