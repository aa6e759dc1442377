"""How ``plan`` shows values: references and codes readable, what is known of them resolved, personal values masked on
request.

A reference is ``{"ref", "key", "field", "value"}``, a code ``{"code", "local", "display", "value"}``; ``value`` is
``None`` where there is no receipt or no mapping yet.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from jknbridge.verdicts import Code, Ref

_LETTER, _DIGIT = re.compile(r"[^\W\d_]"), re.compile(r"\d")
_LONGEST = 60


class Resolver:
    """What is known of references and codes. ``code_of``: (list, local) → the target's code or ``None``."""

    def __init__(
        self,
        receipts: Mapping[tuple[str, str], Mapping[str, str]],
        code_of: Callable[[str, str], str | None],
        *,
        mask: bool = False,
    ) -> None:
        self._receipts = receipts
        self._code_of = code_of
        self._mask = mask

    def value(self, item: Ref | Code) -> str | None:
        if isinstance(item, Ref):
            return self._receipts.get((item.receipt, item.key), {}).get(item.field)
        return self._code_of(item.list, item.local) or item.if_unmapped

    def resolved(self, value: Any) -> Any:
        """``value`` with every reference and code replaced; raises :class:`LookupError` for what is not known yet."""
        if isinstance(value, Ref | Code):
            found = self.value(value)
            if found is None:
                raise LookupError(value)
            return found
        return _through(value, self.resolved)

    def shown(self, value: Any) -> Any:
        """``value`` as plain JSON for a reader."""
        if isinstance(value, Ref):
            names = {"ref": value.receipt, "key": value.key, "field": value.field}
            return {**names, "value": self.plain(self.value(value))}
        if isinstance(value, Code):
            display = self.plain(value.display)
            return {"code": value.list, "local": value.local, "display": display, "value": self.value(value)}
        if isinstance(value, Mapping | list | tuple):
            return _through(value, self.shown)
        return self.plain(value)

    def plain(self, value: Any) -> Any:
        return masked(value) if self._mask else value


def _through(value: Any, change: Callable[[Any], Any]) -> Any:
    if isinstance(value, Mapping):
        return {name: change(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [change(item) for item in value]
    return value


def masked(value: Any) -> Any:
    """The shape of a value without the value: letters become ``x``, digits ``9``."""
    if isinstance(value, bool) or value is None:
        return value
    if isinstance(value, Mapping | list | tuple):
        return _through(value, masked)
    text = _DIGIT.sub("9", _LETTER.sub("x", str(value)))
    return text if len(text) <= _LONGEST else text[:_LONGEST] + "…"


def line(value: Any) -> str:
    """One shown value on one line of text."""
    if isinstance(value, Mapping) and "ref" in value:
        known = value["value"]
        return str(known) if known is not None else f"← {value['ref']}.{value['field']} (belum ada / not there yet)"
    if isinstance(value, Mapping) and "code" in value:
        local = f"{value['code']} {value['local']}" + (f" “{value['display']}”" if value["display"] else "")
        return (
            f"{value['value']} ({local})" if value["value"] is not None else f"? {local} (belum dipetakan / unmapped)"
        )
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{name}: {line(item)}" for name, item in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(line(item) for item in value) + "]"
    return "-" if value is None else str(value)
