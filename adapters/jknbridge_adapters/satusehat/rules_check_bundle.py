"""Rules 20011 and 20017 to 20021: what a transaction Bundle's entries must look like (satusehat §18).

The entries' resources are judged one by one by ``rules_check.check``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from jknbridge_adapters.satusehat.rules import BY_NUMBER
from jknbridge_adapters.satusehat.violations import Violation, filled, numbered

_PREFIX: Final = "urn:uuid:"
_UUID: Final = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
PLACEHOLDER: Final = re.compile(r"UJI-[A-Z0-9-]+")
"""Stands for a variable in the published samples (all accepted fullUrls are UUIDs or such variables, §18)."""


def check_entries(entries: Sequence[Any], *, placeholders: bool = False) -> list[Violation]:
    """Violations of the Bundle's own form. ``placeholders`` lets ``urn:uuid:UJI-…`` pass for a UUID."""
    violations: list[Violation] = []
    seen: set[str] = set()
    for entry in entries:
        resource = entry.get("resource") if isinstance(entry, Mapping) else None
        kind = str(resource.get("resourceType", "")) if isinstance(resource, Mapping) else ""
        if kind == "Bundle":
            violations.append(platform(20011, "structure"))
            continue
        full_url = entry.get("fullUrl") if isinstance(entry, Mapping) else None
        number = _full_url_rule(full_url, seen, placeholders)
        if number is not None:
            violations.append(platform(number, "value", Type=kind, fullUrl=full_url))
        if isinstance(full_url, str):
            seen.add(full_url)
    return violations


def _full_url_rule(full_url: Any, seen: set[str], placeholders: bool) -> int | None:
    if full_url is None or full_url == "":
        return 20021
    if not isinstance(full_url, str) or full_url.rstrip(":") == "urn:uuid":
        return 20017
    if not full_url.startswith(_PREFIX):
        return 20018
    rest = full_url.removeprefix(_PREFIX)
    if not _UUID.fullmatch(rest) and not (placeholders and PLACEHOLDER.fullmatch(rest)):
        return 20019
    return 20020 if full_url in seen else None


def platform(number: int, code: str, element: str = "", **values: Any) -> Violation:
    """A violation of a rule that is not about an element, with the dictionary's fixed text."""
    return Violation(number, code, element, numbered(filled(BY_NUMBER[number].text, **values), number))
