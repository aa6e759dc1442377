"""What a simulated target implements. The server knows nothing else of it.

A request is handled in two steps, because a fault may have to act before, instead of or long after the effect:
`recognise` says what is being asked without doing it, `answer` does it. Whatever `answer` changed it reports as
`Effect`s, whatever it let the client see as `Shown`; the logs and the judge live on these.

An adapter ships its target as a factory `make_sandbox(clock) -> SandboxTarget`. Nothing here is specific to BPJS: an
OAuth token service or a FHIR store fits the same protocol.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any, Protocol
from urllib.parse import unquote

from jknbridge.sandbox.options import Options

Clock = Callable[[], float]
"""Seconds since the epoch, UTC. `time.time`, or a test's own."""


@dataclass(slots=True)
class Call:
    """One HTTP request as it came. `raw_path` is not decoded: `%2F` stays inside its segment."""

    method: str
    raw_path: str
    query: str
    headers: Mapping[str, str]
    """Case-insensitive."""
    body: bytes
    segments: tuple[str, ...] = field(init=False)
    """The path's segments, each decoded on its own; a trailing slash adds none."""

    def __post_init__(self) -> None:
        parts = self.raw_path.strip("/").split("/")
        self.segments = tuple(unquote(part) if "%" in part else part for part in parts)


@dataclass(frozen=True, slots=True)
class Known:
    """What a call asks for, found out without doing it.

    `operation` is a name from `SandboxTarget.operations`, or "" where the target has no such call. `identities` name
    the things that a write would add, edit or delete, the same way for the request, the effect and the reads that show
    them; `natural` says that the target refuses a second one of that identity. `detail` is the target's own.
    """

    operation: str
    facility: str = ""
    identities: tuple[str, ...] = ()
    natural: bool = True
    detail: Any = None


@dataclass(frozen=True, slots=True)
class Effect:
    """One change of what the target holds. `key` is what a person would call it by, `receipt` what it was given."""

    facility: str
    operation: str
    identity: str
    key: str
    payload: Any
    natural: bool = True
    receipt: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Shown:
    """What a read let the client see: of the scope rows `first` to `last` of `total`.

    The scope is a prefix of identities, or `prefix*suffix` where the read is by something that stands in their end.
    A read that is no page has `first = 0` and `last = total`. The rows are the true ones: a page that shifted covers
    fewer of them than it has rows.
    """

    scope: str
    identities: tuple[str, ...]
    first: int
    last: int
    total: int


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    effects: tuple[Effect, ...] = ()
    shown: tuple[Shown, ...] = ()
    facility: str = ""
    fault: str = ""
    """A fault that the target itself applied (`lockout`)."""


@dataclass(frozen=True, slots=True)
class Conditions:
    """What faults ask of the target for one request."""

    skew: float = 0.0
    """Seconds that the target's clock is ahead, for whatever it checks by time."""
    as_of: float | None = None
    """Reads show the state of this moment."""
    shifted: bool = False
    """A list page is served with one foreign row before the others, which is in no other page."""
    lockout_after: int | None = None
    """Wrong passwords after which an account is refused until reset."""


class LoadError(ValueError):
    """What was to be loaded, or done by hand, is not acceptable. The message says why."""


class SandboxTarget(Protocol):
    @property
    def name(self) -> str:
        """`pcare`; used in logs, faults, options."""

    @property
    def prefixes(self) -> Sequence[str]:
        """First path segments that belong to this target, lower case."""

    @property
    def operations(self) -> Mapping[str, bool]:
        """Every operation, and whether it writes: `{"pendaftaran.add": True, "pendaftaran.list": False}`."""

    @property
    def options(self) -> Options: ...

    def recognise(self, call: Call) -> Known:
        """What is asked. Changes nothing and refuses nothing."""

    def answer(self, call: Call, known: Known, conditions: Conditions) -> Answer:
        """Does it."""

    def spoil(self, kind: str, call: Call, answer: Answer, rng: Random) -> Answer | None:
        """The answer as the fault `kind` makes it look at this target; None for the framework's own form."""

    def by_hand(self, facility: str, operation: str, body: Any) -> Answer:
        """The same change made by staff in the service's own web page. `LoadError` where it makes no sense."""

    def load(self, document: Mapping[str, Any]) -> Mapping[str, int]:
        """Synthetic people and places; returns how many of each. `LoadError` for anything not synthetic."""

    def state(self) -> Any:
        """What it holds, as JSON."""

    def reset(self) -> None:
        """Back to the defaults, options included."""

    def settings(self, base_url: str) -> Mapping[str, Any]:
        """The bridge's settings that point at this target, as the nested tables of its TOML."""
