"""What the simulated platform holds: resources with versions, and the index that searches go through.

A record keeps the versions it had, so a search can be served from the state of a moment ago (a slow index). Ids and
versions are the platform's: version = unpadded base64url of the nanoseconds of ``lastUpdated`` (satusehat §4).
"""

from base64 import urlsafe_b64encode
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid5

from jknbridge.sandbox.rows import Rows
from jknbridge_adapters.satusehat.paths import fold, values
from jknbridge_adapters.satusehat.sandbox.identities import Name, fingerprint, name_of
from jknbridge_adapters.satusehat.sandbox.parameters import Keys, keys_of

_IDS = UUID("5a7c0000-0000-4000-8000-000000000000")


@dataclass(frozen=True, slots=True)
class Record:
    """One stored resource as of one write. ``sent``: fingerprints of the content it was written with."""

    type: str
    id: str
    body: dict[str, Any]
    owner: str
    updated: int
    """Nanoseconds since the epoch, whole microseconds."""
    keys: Keys
    name: Name
    sent: frozenset[str]

    @property
    def version(self) -> str:
        return version(self.updated)

    @property
    def etag(self) -> str:
        return f'W/"{self.version}"'


def version(updated: int) -> str:
    return urlsafe_b64encode(str(updated).encode()).rstrip(b"=").decode()


def last_updated(updated: int) -> str:
    moment = datetime.fromtimestamp(updated // 10**9, UTC).replace(microsecond=updated // 1000 % 10**6)
    return moment.isoformat(timespec="microseconds")


class Store:
    """Resources by (type, id). Implements ``violations.StoreView``."""

    def __init__(self) -> None:
        self._rows: Rows[tuple[str, str], Record] = Rows(lambda record: record.type)
        self._index: dict[tuple[str, str, str], dict[str, None]] = {}
        self._clock = 0
        self._made = 0
        self.opted_out: set[str] = set()

    def clear(self) -> None:
        self._rows.clear()
        self._index.clear()
        self.opted_out.clear()

    def __len__(self) -> int:
        return len(self._rows)

    def __iter__(self) -> Iterator[Record]:
        return self._rows.values()

    def tick(self, now: float) -> int:
        """The moment of a write: never the same twice, so that versions differ under a test's clock too."""
        self._clock = max(int(now * 10**6) * 1000, self._clock + 1000)
        return self._clock

    def new_id(self, resource_type: str) -> str:
        """A UUID; of a Patient an IHS number."""
        self._made += 1
        if resource_type == "Patient":
            return f"P{9 * 10**10 + self._made:011d}"
        return str(uuid5(_IDS, f"{resource_type}/{self._made}"))

    def get(self, resource_type: str, resource_id: str, as_of: float | None = None) -> Record | None:
        return self._rows.get((resource_type, resource_id), as_of)

    def exists(self, resource_type: str, resource_id: str) -> bool:
        return self.get(resource_type, resource_id) is not None

    def has_active_episode(self, patient: str, kind: str) -> bool:
        return any(
            record.body.get("status") == "active" and ("type", kind) in record.keys
            for record in self.having("EpisodeOfCare", "patient", patient)
        )

    def having(self, resource_type: str, parameter: str, value: str) -> list[Record]:
        """Records that have this value now."""
        ids = self._index.get((resource_type, parameter, value), ())
        found = (self._rows.get((resource_type, resource_id)) for resource_id in ids)
        return [record for record in found if record is not None and (parameter, value) in record.keys]

    def candidates(
        self, resource_type: str, choices: Iterable[tuple[str, list[str]]], as_of: float | None
    ) -> list[Record]:
        """Records that have, for each parameter, one of its values; oldest first."""
        wanted = list(choices)
        if not wanted:
            return self._rows.of(resource_type, as_of)
        sets = [
            {id_: None for value in values_ for id_ in self._index.get((resource_type, parameter, value), ())}
            for parameter, values_ in wanted
        ]
        found = (self._rows.get((resource_type, id_), as_of) for id_ in min(sets, key=len))
        return [
            record
            for record in found
            if record is not None
            and all(any((parameter, value) in record.keys for value in values_) for parameter, values_ in wanted)
        ]

    def duplicate_of(self, body: dict[str, Any], *, content: bool) -> Record | None:
        """A record of this type with an identifier in common and, if ``content``, equal content at its last write.

        So the bytes of a POST are taken again once a PUT has changed what they made: whether the platform compares
        with the first content or the present one was never seen (satusehat §15), and this is the worse case.
        """
        kind, mark = body["resourceType"], fingerprint(body)
        for holder in values(fold(body), "identifier"):
            if not isinstance(holder, dict) or not holder.get("value"):
                continue
            for record in self.having(kind, "identifier", f"{holder.get('system', '')}|{holder['value']}"):
                if not content or mark in record.sent:
                    return record
        return None

    def put(self, body: dict[str, Any], owner: str, now: float, *, updated: int, sent: Iterable[str] = ()) -> Record:
        """Stores ``body`` as it is under its type and id."""
        kind, resource_id = body["resourceType"], body["id"]
        root = fold(body)
        keys = keys_of(kind, root)
        marks = frozenset({fingerprint(body), *sent})
        record = Record(kind, resource_id, body, owner, updated, keys, name_of(body, root), marks)
        self._rows.put((kind, resource_id), record, now)
        for parameter, value in keys:
            self._index.setdefault((kind, parameter, value), {})[resource_id] = None
        return record


Rewrite = Callable[[str], str]


def rewritten(value: Any, change: Rewrite) -> Any:
    """The tree with every ``reference`` changed."""
    if isinstance(value, dict):
        return {
            name: change(member) if name == "reference" and isinstance(member, str) else rewritten(member, change)
            for name, member in value.items()
        }
    return [rewritten(item, change) for item in value] if isinstance(value, list) else value
