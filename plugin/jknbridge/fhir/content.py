"""A resource as canonical JSON, and the two hashes taken of it (DESIGN §1, §5).

======================  =============================================  ===============================================
hash                    of                                             used for
======================  =============================================  ===============================================
:func:`content_hash`    the whole resource except ``meta``             order and conflicts: is this the same version?
:func:`input_hash`      without ``meta``, narrative (``text``) and     revisions: has anything changed that an adapter
                        identifiers that we issued                     could translate?
======================  =============================================  ===============================================

``meta`` is out of both: version and time of change stand in the order key, tags and profiles are the server's business.
The narrative stays in the first, where it can tell two versions apart, and is out of the second, so that the EMR may
write noUrut, noKunjungan or an IHS id back without setting off a revision.

Canonical: keys sorted, no white space, UTF-8. Numbers as Python reads them (``1.50`` and ``1.5`` are equal).

These are plain SHA-256: personal values of little entropy stand in them only beside everything else in the resource.
Who stores a fingerprint of a single value makes an HMAC of it (DESIGN §6).
"""

from __future__ import annotations

import json
from collections.abc import Collection
from hashlib import sha256
from typing import Any

DELETED_HASH = sha256(b"deleted").hexdigest()
"""The content hash of every delete: two deletes never conflict."""

_canonical = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode


def content_hash(resource: dict[str, Any]) -> str:
    """SHA-256 (hex) of the whole resource except ``meta``.

    Raises :class:`ValueError` for what JSON in UTF-8 cannot hold (an infinite number such as ``1e999``, half a
    surrogate pair), and :class:`RecursionError` for what is nested too deeply.
    """
    if "meta" in resource:
        resource = {name: value for name, value in resource.items() if name != "meta"}
    return sha256(_canonical(resource).encode()).hexdigest()


def inputs(resource: dict[str, Any], issued_systems: Collection[str] = ()) -> dict[str, Any]:
    """The resource without what is no input: ``meta``, narrative, and identifiers of the systems that we issue."""
    kept = {name: value for name, value in resource.items() if name not in {"meta", "text"}}
    identifiers = kept.get("identifier")
    if isinstance(identifiers, list):
        theirs = [one for one in identifiers if not (isinstance(one, dict) and one.get("system") in issued_systems)]
        if theirs:
            kept["identifier"] = theirs
        else:
            del kept["identifier"]
    return kept


def input_hash(resource: dict[str, Any], issued_systems: Collection[str] = ()) -> str:
    """SHA-256 (hex) of :func:`inputs`. Raises as :func:`content_hash` does."""
    return sha256(_canonical(inputs(resource, issued_systems)).encode()).hexdigest()


def identifiers(resource: dict[str, Any]) -> tuple[str, ...]:
    """``"system|value"`` of each identifier of the resource, in its order (``"|value"`` where it names no system).

    FHIR has a list on most types and a single one on some (Composition, QuestionnaireResponse); both are read, and what
    has another shape is left out.
    """
    found = resource.get("identifier")
    if found is None:
        return ()
    return tuple(token for one in (found if isinstance(found, list) else [found]) if (token := identifier_token(one)))


def identifier_token(identifier: object) -> str | None:
    """``"system|value"`` of one Identifier; ``None`` without a value."""
    if not isinstance(identifier, dict):
        return None
    system, value = identifier.get("system"), identifier.get("value")
    if not isinstance(value, str) or not value.strip() or not value.isprintable():
        return None
    return f"{system}|{value.strip()}" if isinstance(system, str) and system.isprintable() else f"|{value.strip()}"
