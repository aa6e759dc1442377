"""What the judge calls a resource: ``Type:parent|system|value``, or ``Type:parent|~content`` without an identifier.

The parent is what the type is listed by (the Encounter of an Observation, the Patient of an Encounter), so that a
complete list of the parent's rows covers it as a prefix, and a search by identifier as ``Type:*|system|value``.
An identifier is what makes a second one a double here, although the platform itself would take it (satusehat §15).
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from jknbridge_adapters.satusehat.paths import fold, values
from jknbridge_adapters.satusehat.rules_check_references import split
from jknbridge_adapters.satusehat.sandbox.parameters import PARENT
from jknbridge_adapters.satusehat.sandbox.store import fingerprint

_OWN_SYSTEM: Final[Mapping[str, str]] = {
    "Encounter": "/encounter/",
    "MedicationDispense": "/prescription-item/",
    "MedicationRequest": "/prescription-item/",
    "Patient": "/id/nik",
}
"""Of several identifiers the one that names this row: a prescription's number stands on all of its items."""


def identity(body: Mapping[str, Any]) -> str:
    root = fold(body)
    kind = str(root.get("resourcetype", ""))
    own = own_identifier(body)
    mark = f"~{fingerprint(dict(body))}" if own is None else f"{own[0]}|{own[1]}"
    return f"{kind}:{parent(kind, root)}|{mark}"


def natural(body: Mapping[str, Any]) -> bool:
    return own_identifier(body) is not None


def own_identifier(body: Mapping[str, Any]) -> tuple[str, str] | None:
    root = fold(body)
    held = [holder for holder in values(root, "identifier") if isinstance(holder, dict) and holder.get("value")]
    pairs = [(str(holder.get("system", "")), str(holder["value"])) for holder in held]
    preferred = _OWN_SYSTEM.get(str(root.get("resourcetype", "")), "")
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
