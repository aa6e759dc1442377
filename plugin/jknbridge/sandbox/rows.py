"""Rows of a simulated target that can be read as they were some time ago.

`slow_reads` needs the state of `ms` ago, so a row is a list of (time, value) and a removal is a version without value.
Not a database: everything stays in memory until `clear`.
"""

from collections.abc import Callable, Hashable, Iterator
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class Rows(Generic[K, V]):
    """Rows by key, and by group (`group(value)`, such as a facility's day) in the order they came."""

    def __init__(self, group: Callable[[V], Hashable]) -> None:
        self._group = group
        self._live: dict[K, V] = {}
        self._versions: dict[K, list[tuple[float, V | None]]] = {}
        self._groups: dict[Hashable, dict[K, None]] = {}

    def __len__(self) -> int:
        return len(self._live)

    def put(self, key: K, value: V, now: float) -> None:
        """Adds, or gives the row a new value. The group of a row never changes."""
        if key not in self._live:
            members = self._groups.setdefault(self._group(value), {})
            members.pop(key, None)  # a row added again stands last
            members[key] = None
        self._live[key] = value
        self._versions.setdefault(key, []).append((now, value))

    def remove(self, key: K, now: float) -> V:
        value = self._live.pop(key)
        self._versions[key].append((now, None))
        return value

    def get(self, key: K, as_of: float | None = None) -> V | None:
        if as_of is None:
            return self._live.get(key)
        return next((value for time, value in reversed(self._versions.get(key, ())) if time <= as_of), None)

    def of(self, group: Hashable, as_of: float | None = None) -> list[V]:
        """The group's rows, oldest first."""
        found = (self.get(key, as_of) for key in self._groups.get(group, ()))
        return [value for value in found if value is not None]

    def ever(self, key: K) -> V | None:
        """The last value of a row, gone or not."""
        return next((value for _, value in reversed(self._versions.get(key, ())) if value is not None), None)

    def items(self) -> Iterator[tuple[K, V]]:
        return iter(self._live.items())

    def values(self) -> Iterator[V]:
        return iter(self._live.values())

    def clear(self) -> None:
        self._live.clear()
        self._versions.clear()
        self._groups.clear()
