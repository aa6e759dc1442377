"""Element paths of the rule table (satusehat §20.1), walked over a resource.

Lists are walked and all values tested; ``[x]`` is any type of a choice; ``X`` stands for an index;
``extension(url:N)`` are the extensions whose url is, or ends in, N. The platform matches member names without regard
to case (§1), so paths walk a *folded* resource: the same tree with lower-case member names. Not a FHIRPath.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Final

_SEGMENT: Final = re.compile(r"([A-Za-z]+)(\[x\])?(?:\(url:([^)]+)\))?")
_SPLIT: Final = re.compile(r"\.(?![^(]*\))")


@dataclass(frozen=True, slots=True)
class Step:
    """One member of a path. ``name`` is folded, ``label`` as the table spells it."""

    name: str
    label: str
    choice: bool = False
    url: str = ""


@dataclass(frozen=True, slots=True)
class Found:
    """A value, where it stands, and the object that holds it (folded)."""

    where: str
    value: Any
    parent: dict[str, Any]


@dataclass(slots=True)
class Walk:
    """What a path finds: values; places where it, or a parent, is absent or empty; scalars where objects are due."""

    found: list[Found] = field(default_factory=list)
    gaps: list[str] = field(default_factory=list)
    unfit: list[str] = field(default_factory=list)


def fold(value: Any) -> Any:
    """The tree with lower-case member names."""
    if isinstance(value, dict):
        return {
            name.lower(): fold(member) if isinstance(member, (dict, list)) else member for name, member in value.items()
        }
    return [fold(item) for item in value] if isinstance(value, list) else value


def segments(path: str) -> list[str]:
    """The path's parts without the indexes: a dot inside ``(url:…)`` separates nothing."""
    return [part for part in _SPLIT.split(path) if part != "X"]


@lru_cache(maxsize=4096)
def compile_path(path: str) -> tuple[Step, ...]:
    """Steps of a path below the resource: ``period.start``, ``medication[x]``, ``extension(url:value).valueCode``."""
    steps = []
    for part in segments(path):
        matched = _SEGMENT.fullmatch(part)
        if matched is None:
            raise ValueError(f"not an element path: {path!r}")
        name, choice, url = matched.groups()
        steps.append(Step(name.lower(), part, choice is not None, url or ""))
    return tuple(steps)


def walk(root: dict[str, Any], path: str, start: str) -> Walk:
    """Everything ``path`` names in the folded ``root``; places read ``{start}.member[0].member``."""
    result = Walk()
    _visit(root, compile_path(path), 0, start, result)
    return result


def values(root: dict[str, Any], path: str) -> list[Any]:
    return [found.value for found in walk(root, path, "").found]


def empty(value: Any) -> bool:
    return value is None or (isinstance(value, (str, list, dict)) and not value)


def _visit(node: dict[str, Any], steps: tuple[Step, ...], depth: int, here: str, result: Walk) -> None:
    step, last = steps[depth], depth + 1 == len(steps)
    place = f"{here}.{step.label}"
    seen = False
    for spot, item in _items(node, step, place):
        seen = True
        if empty(item):
            result.gaps.append(spot)
        elif last:
            result.found.append(Found(spot, item, node))
        elif isinstance(item, dict):
            _visit(item, steps, depth + 1, spot, result)
        else:
            result.unfit.append(spot)
    if not seen:
        result.gaps.append(place)


def _items(node: dict[str, Any], step: Step, place: str) -> Iterator[tuple[str, Any]]:
    """The members that a step means, list items one by one."""
    if step.choice:
        members = [member for name, member in node.items() if name.startswith(step.name)]
    else:
        members = [node[step.name]] if step.name in node else []
    for member in members:
        for index, item in enumerate(member) if isinstance(member, list) else [(-1, member)]:
            if step.url and not _is_extension(item, step.url):
                continue
            yield (place if index < 0 else f"{place}[{index}]"), item


def _is_extension(item: Any, url: str) -> bool:
    sent = item.get("url") if isinstance(item, dict) else None
    return isinstance(sent, str) and (sent == url or sent.endswith(f"/{url}"))
