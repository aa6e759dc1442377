"""The forms in which EMRs publish: bare resources, five kinds of Bundle, two of CloudEvent. And broken records.

:func:`wrap` turns one wave of one journey into records; :func:`broken` makes those that end as dead letters, each with
what must become of it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from jknbridge_consumers.demo.fhir import Resource
from jknbridge_consumers.publishing import Outgoing, key_of, outgoing, topic_for

_EMR = "https://emr.contoh.invalid/fhir"


@dataclass(frozen=True, slots=True)
class Parcel:
    """A record and how many entries it must be counted as: 0 where the whole record is to be dead-lettered."""

    record: Outgoing
    entries: int
    dead_entries: int = 0


def wrap(form: str, resources: Sequence[Resource], topics: Sequence[str]) -> list[Parcel]:
    return _WRAPPERS[form](resources, topics)


def _bare(resources: Sequence[Resource], topics: Sequence[str]) -> list[Parcel]:
    return [Parcel(outgoing(one, topics), 1) for one in resources]


def _event_structured(resources: Sequence[Resource], topics: Sequence[str]) -> list[Parcel]:
    made = []
    for one in resources:
        event = {**_attributes(one), "datacontenttype": "application/fhir+json", "data": one}
        value = json.dumps(event).encode()
        headers = (("content-type", b"application/cloudevents+json; charset=utf-8"),)
        made.append(Parcel(Outgoing(topic_for(one["resourceType"], topics), key_of(one), value, headers), 1))
    return made


def _event_binary(resources: Sequence[Resource], topics: Sequence[str]) -> list[Parcel]:
    made = []
    for one in resources:
        plain = outgoing(one, topics)
        headers = [(f"ce_{name}", value.encode()) for name, value in _attributes(one).items()]
        headers.append(("content-type", b"application/fhir+json"))
        made.append(Parcel(Outgoing(plain.topic, plain.key, plain.value, tuple(headers)), 1))
    return made


def _attributes(resource: Resource) -> dict[str, str]:
    type_, meta = resource["resourceType"], resource["meta"]
    return {
        "specversion": "1.0", "id": f"{type_}-{resource['id']}-{meta['versionId']}", "source": _EMR,
        "type": f"invalid.contoh.emr.{type_.lower()}.updated", "subject": f"{type_}/{resource['id']}",
        "time": meta["lastUpdated"],
    }  # fmt: skip


def _bundle(kind: str, entries: list[dict[str, Any]], topics: Sequence[str]) -> list[Parcel]:
    bundle = {"resourceType": "Bundle", "type": kind, "entry": entries}
    return [Parcel(outgoing(bundle, topics), len(entries))]


def _entry(resource: Resource, **more: Any) -> dict[str, Any]:
    return {"fullUrl": f"{_EMR}/{resource['resourceType']}/{resource['id']}", "resource": resource, **more}


def _asked(resource: Resource) -> dict[str, str]:
    return {"method": "PUT", "url": f"{resource['resourceType']}/{resource['id']}"}


def _done(resource: Resource) -> dict[str, str]:
    meta = resource["meta"]
    return {"status": "200", "etag": f'W/"{meta["versionId"]}"', "lastModified": meta["lastUpdated"]}


def _collection(resources: Sequence[Resource], topics: Sequence[str]) -> list[Parcel]:
    return _bundle("collection", [_entry(one) for one in resources], topics)


def _history(resources: Sequence[Resource], topics: Sequence[str]) -> list[Parcel]:
    entries = [_entry(one, request=_asked(one), response=_done(one)) for one in resources]
    return _bundle("history", entries, topics)


def _transaction(resources: Sequence[Resource], topics: Sequence[str]) -> list[Parcel]:
    return _bundle("transaction", [_entry(one, request=_asked(one)) for one in resources], topics)


def _message(resources: Sequence[Resource], topics: Sequence[str]) -> list[Parcel]:
    header = {
        "resourceType": "MessageHeader", "id": "kepala-pesan", "eventUri": f"{_EMR}/kunjungan",
        "source": {"endpoint": _EMR},
    }  # fmt: skip
    return _bundle("message", [_entry(header), *(_entry(one) for one in resources)], topics)


def _notification(resources: Sequence[Resource], topics: Sequence[str]) -> list[Parcel]:
    """A Subscription's notification as the R4 backport has it: the status first, as Parameters."""
    entries = [_status(), *(_entry(one, request=_asked(one), response=_done(one)) for one in resources)]
    return _bundle("history", entries, topics)


def _status() -> dict[str, Any]:
    status: Resource = {
        "resourceType": "Parameters", "id": "status-langganan",
        "parameter": [
            {"name": "subscription", "valueReference": {"reference": "Subscription/jknbridge"}},
            {"name": "type", "valueCode": "event-notification"},
        ],
    }  # fmt: skip
    asked = {"method": "GET", "url": "Subscription/jknbridge/$status"}
    return _entry(status, request=asked, response={"status": "200"})


_WRAPPERS: Mapping[str, Callable[[Sequence[Resource], Sequence[str]], list[Parcel]]] = {
    "bare": _bare,
    "collection": _collection,
    "cloudevent": _event_structured,
    "history": _history,
    "cloudevent-binary": _event_binary,
    "transaction": _transaction,
    "message": _message,
    "notification": _notification,
}
FORMS = tuple(_WRAPPERS)


def broken(good: Resource, topics: Sequence[str]) -> list[Parcel]:
    """Not JSON; JSON that is no FHIR; id-only notification; transaction without identities; a bad entry beside a good
    one; a type nobody reads; a tombstone on a topic whose key names nothing. ``good``: a resource published already.
    """
    place = topic_for("Encounter", topics)

    def raw(document: Any) -> Outgoing:
        return Outgoing(place, b"rusak", json.dumps(document).encode())

    changed = {"fullUrl": f"{_EMR}/Encounter/{good['id']}"}
    id_only = {"resourceType": "Bundle", "type": "history", "entry": [_status(), changed]}
    nameless = {
        "resourceType": "Bundle", "type": "transaction",
        "entry": [{
            "fullUrl": "urn:uuid:00000000-0000-4000-8000-000000000001",
            "resource": {"resourceType": "Encounter", "status": "finished"},
            "request": {"method": "POST", "url": "Encounter"},
        }],
    }  # fmt: skip
    half = {
        "resourceType": "Bundle", "type": "collection",
        "entry": [_entry(good), {"resource": {"resourceType": "Observation", "status": "final"}}, "bukan entri"],
    }  # fmt: skip
    unread = {"resourceType": "Basic", "id": "lain-1", "code": {"text": "tidak dibaca siapa pun"}}
    return [
        Parcel(Outgoing(place, b"rusak", b"ini bukan JSON"), 0),
        Parcel(raw({"pesan": "tanpa resourceType"}), 0),
        Parcel(raw(id_only), 0),
        Parcel(raw(nameless), 0),
        Parcel(raw(half), 3, dead_entries=2),
        Parcel(outgoing(unread, topics), 1),
        Parcel(Outgoing(place, b"kunj-001", None), 1),
    ]
