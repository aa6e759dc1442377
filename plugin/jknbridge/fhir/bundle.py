"""A Bundle taken apart, whatever kind it is (DESIGN §4 step 1, §5).

==========================  ======================================================================================
kind                        what its entries say
==========================  ======================================================================================
collection, searchset,      each resource is a version
message, document, none
history                     each resource is a version, ``method: DELETE`` a delete; version and time may stand in
                            ``response`` only (``etag``, ``lastModified``)
transaction, batch          what is asked for: PUT and POST are versions, DELETE a delete, PATCH cannot be read, GET
                            and HEAD ask for nothing. A transaction is one unit: with a wanted entry that has no
                            lasting identity it is refused whole
transaction-response,       an answer with a resource is a version, without one it says nothing
batch-response
Subscription notification   the first entry is the status (SubscriptionStatus, or Parameters in the R4 backport); the
                            others are versions. Without any resource it is refused, naming what to change
==========================  ======================================================================================

An entry's identity is ``resource.id``, or what ``request.url`` (PUT, DELETE) or ``fullUrl`` names as ``Type/id``. A
``urn:uuid`` is no identity: it means something inside this Bundle only.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from jknbridge.fhir.references import address, is_id
from jknbridge.reasons import Reason

Skipped: TypeAlias = Literal["notification", "request", "response"]
"""An entry that says nothing about a resource, and is not meant to."""

# Tuples: what is looked for comes out of a resource and may be of any type, also one that a set cannot hold.
_STATUS_TYPES = ("SubscriptionStatus", "Parameters")
_NOTIFICATION_KINDS = ("history", "subscription-notification")
_SILENT_NOTIFICATIONS = ("handshake", "heartbeat")
_RESPONSES = ("transaction-response", "batch-response")
_PATCHES = ("Parameters", "Binary")


@dataclass(frozen=True, slots=True)
class Opened:
    """A Bundle's entries, and ``known``: what it calls them (``fullUrl``) → ``Type/id``. ``kind`` is its type, or
    ``notification``."""

    kind: str
    entries: list[Any]
    known: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Item:
    """One entry that speaks of a resource. ``named`` is the ``Type/id`` it gives; ``id`` may be of any type still."""

    resource: dict[str, Any] | None
    id: object
    deleted: bool
    named: tuple[str, str] | None
    version_id: str | None
    last_modified: object


def open_bundle(bundle: Mapping[str, Any], wanted_types: frozenset[str], max_entries: int) -> Opened | Reason:
    """The entries and their names, or why the whole Bundle is refused."""
    entries = bundle.get("entry")
    if entries is None:
        entries = []
    if not isinstance(entries, list):
        return Reason.of("bundle.bad_entries")
    if len(entries) > max_entries:
        return Reason.of("bundle.too_many_entries", count=len(entries), limit=max_entries)
    said = bundle.get("type")
    kind = said if isinstance(said, str) else ""
    if (status := _notification_status(entries, kind)) is not None:
        kind = "notification"
        if not _carries_something(entries[1:]) and not _is_silent(status):
            return Reason.of("notification.id_only")
    known: dict[str, str] = {}
    for entry in entries:
        resource = entry.get("resource") if isinstance(entry, dict) else None
        if not isinstance(resource, dict):
            continue
        type_, id_ = resource.get("resourceType"), _identity(entry, resource)
        if isinstance(type_, str) and is_id(id_):
            full_url = entry.get("fullUrl")
            if isinstance(full_url, str):
                known[full_url] = known[full_url.lower()] = f"{type_}/{id_}"
        elif kind == "transaction" and id_ is None and isinstance(type_, str) and type_ in wanted_types:
            return Reason.of("bundle.no_identity", type=type_)
    return Opened(kind, entries, known)


def read_entry(entry: object, kind: str) -> Item | Skipped | Reason:
    """What one entry says, a word if it is not meant to say anything, or why it cannot be read."""
    if not isinstance(entry, dict):
        return Reason.of("bundle.bad_entry")
    resource = entry.get("resource")
    if resource is not None and not isinstance(resource, dict):
        return Reason.of("bundle.bad_entry")
    type_ = resource.get("resourceType") if resource is not None else None
    if kind == "notification" and _is_status(resource):
        return "notification"
    method = _method(entry)
    if method in {"GET", "HEAD"} and resource is None:
        return "request"
    if method == "PATCH" and (resource is None or type_ in _PATCHES):
        return Reason.of("bundle.patch")
    if method != "DELETE" and resource is None:
        if kind in _RESPONSES:
            return "response"
        return Reason.of("notification.id_only" if kind == "notification" else "bundle.empty_entry")
    if type_ == "Bundle":
        return Reason.of("bundle.nested")
    response = entry.get("response")
    response = response if isinstance(response, dict) else {}
    return Item(
        resource,
        _identity(entry, resource) if resource is not None else None,
        method == "DELETE",
        _named(entry, resource),
        _etag(response.get("etag")),
        response.get("lastModified"),
    )


def _identity(entry: Mapping[str, Any], resource: Mapping[str, Any]) -> object:
    if (own := resource.get("id")) is not None:
        return own
    named = _addressed(entry)
    return named[1] if named is not None and named[0] == resource.get("resourceType") else None


def _named(entry: Mapping[str, Any], resource: Mapping[str, Any] | None) -> tuple[str, str] | None:
    if (named := _addressed(entry)) is not None:
        return named
    if resource is None:
        return None
    type_, id_ = resource.get("resourceType"), resource.get("id")
    return (type_, id_) if isinstance(type_, str) and isinstance(id_, str) and address(f"{type_}/{id_}") else None


def _addressed(entry: Mapping[str, Any]) -> tuple[str, str] | None:
    request = entry.get("request")
    url = request.get("url") if isinstance(request, dict) else None
    return address(url) or address(entry.get("fullUrl"))


def _method(entry: Mapping[str, Any]) -> str:
    request = entry.get("request")
    method = request.get("method") if isinstance(request, dict) else None
    return method.upper() if isinstance(method, str) else ""


def _etag(etag: object) -> str | None:
    """The versionId in an ETag: ``W/"3"`` → ``3``."""
    return etag.removeprefix("W/").strip('"') if isinstance(etag, str) else None


def _notification_status(entries: list[Any], kind: str) -> Mapping[str, Any] | None:
    """The status a notification opens with. Parameters are one only where the backport puts them: in a history."""
    first = entries[0].get("resource") if entries and isinstance(entries[0], dict) else None
    if not isinstance(first, dict) or not _is_status(first):
        return None
    if first["resourceType"] == "Parameters" and kind not in _NOTIFICATION_KINDS:
        return None
    return first


def _is_status(resource: Mapping[str, Any] | None) -> bool:
    return resource is not None and resource.get("resourceType") in _STATUS_TYPES


def _carries_something(entries: list[Any]) -> bool:
    return any(
        isinstance(entry, dict) and (entry.get("resource") is not None or _method(entry) == "DELETE")
        for entry in entries
    )


def _is_silent(status: Mapping[str, Any]) -> bool:
    """Whether the notification is one that carries no resource by design: R5 ``type``, or the backport's parameter."""
    if status.get("type") in _SILENT_NOTIFICATIONS:
        return True
    parameters = status.get("parameter")
    if not isinstance(parameters, list):
        return False
    return any(
        isinstance(one, dict) and one.get("name") == "type" and one.get("valueCode") in _SILENT_NOTIFICATIONS
        for one in parameters
    )
