"""What the judge calls a resource: ``Type:parent|system|value``, or ``Type:parent|~content`` without an identifier.

The parent is what the type is listed by (the Encounter of an Observation, the Patient of an Encounter), so that a
complete list of the parent's rows covers it as a prefix, and a search by identifier as ``Type:*|system|value``.
An identifier is what makes a second one a double here, although the platform itself would take it (satusehat §15).
"""

import json
from collections.abc import Mapping, Sequence
from hashlib import blake2b
from typing import Any, Final, NamedTuple

from jknbridge_adapters.satusehat.paths import fold, values
from jknbridge_adapters.satusehat.rules_check_references import split
from jknbridge_adapters.satusehat.sandbox.parameters import PARENT

_OWN_SYSTEM: Final[Mapping[str, str]] = {
    "Encounter": "/encounter/",
    "MedicationDispense": "/prescription-item/",
    "MedicationRequest": "/prescription-item/",
    "Patient": "/id/nik",
}
"""Of several identifiers the one that names this row: a prescription's number stands on all of its items."""


class Name(NamedTuple):
    """What the judge calls a resource, whether an identifier names it, and that identifier's value."""

    identity: str
    natural: bool
    value: str


def name_of(body: Mapping[str, Any], root: dict[str, Any] | None = None) -> Name:
    """``root`` is the folded body, where the caller has it."""
    root = fold(body) if root is None else root
    kind = str(root.get("resourcetype", ""))
    own = _own_identifier(kind, root)
    mark = f"~{fingerprint(body)}" if own is None else f"{own[0]}|{own[1]}"
    return Name(f"{kind}:{parent(kind, root)}|{mark}", own is not None, own[1] if own else "")


def fingerprint(body: Mapping[str, Any]) -> str:
    """Equal for equal content, members in any order; what the platform adds is no content (satusehat §15)."""
    content = {name: value for name, value in body.items() if name not in ("id", "meta")}
    text = json.dumps(content, sort_keys=True, separators=(",", ":"))
    return blake2b(text.encode(), digest_size=16).hexdigest()


def _own_identifier(kind: str, root: dict[str, Any]) -> tuple[str, str] | None:
    held = [holder for holder in values(root, "identifier") if isinstance(holder, dict) and holder.get("value")]
    pairs = [(str(holder.get("system", "")), str(holder["value"])) for holder in held]
    preferred = _OWN_SYSTEM.get(kind, "")
    return next((pair for pair in pairs if preferred in pair[0]), pairs[0] if pairs else None)


def parent(kind: str, root: dict[str, Any]) -> str:
    """``Type/id`` of what the resource hangs on, or the empty string. ``root`` is folded."""
    for element in (PARENT.get(kind, "encounter"), "subject"):
        for sent in values(root, f"{element}.reference"):
            if isinstance(sent, str):
                return sent if sent.startswith("urn:") else "/".join(split(sent))
    return ""


def scope(kind: str, asked: Mapping[str, Sequence[str]]) -> str | None:
    """The identities that a search with these parameters lists completely; None if it cannot be said."""
    only = {name: texts for name, texts in asked.items() if not (kind == "MedicationDispense" and name == "subject")}
    if len(only) != 1:
        return None
    name, texts = next(iter(only.items()))
    if len(texts) != 1:
        return None
    if name == "identifier":
        return f"{kind}:*|{texts[0]}" if "|" in texts[0] else None
    listed_by = {"encounter", "context"} if kind not in PARENT else {PARENT[kind]}
    return f"{kind}:{texts[0]}|" if name in listed_by else None
