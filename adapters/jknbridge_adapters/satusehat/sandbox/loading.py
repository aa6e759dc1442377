"""``POST /_sandbox/load``: resources put into the store as they are, and clients that may call.

``{"target": "satusehat", "owner": "<organisation>", "resources": […]}``. Verbatim under the resource's own id,
replacing a known one, without validation; at once visible to read, search, the check of references, PUT and PATCH.
"""

from collections.abc import Mapping
from typing import Any, Final

from jknbridge.sandbox.target import LoadError
from jknbridge_adapters.satusehat.sandbox.clients import Desk, client
from jknbridge_adapters.satusehat.sandbox.store import Store

_KEYS: Final = ("owner", "resources", "clients")
_ANCIENT: Final = 0.0
"""Loaded rows are old: a slow index has had time to see them."""


def load(store: Store, desk: Desk, document: Mapping[str, Any], now: float) -> dict[str, int]:
    """Returns how many of each. All or nothing."""
    unknown = sorted(set(document) - set(_KEYS))
    if unknown:
        raise LoadError(f"unknown key {', '.join(unknown)}; known: target, {', '.join(_KEYS)}")
    owner, resources, clients = document.get("owner", ""), document.get("resources", []), document.get("clients", [])
    if not isinstance(owner, str) or not isinstance(resources, list) or not isinstance(clients, list):
        raise LoadError("owner is an organisation's id; resources and clients are lists of objects")
    for index, resource in enumerate(resources):
        names = [resource.get(name) if isinstance(resource, dict) else None for name in ("resourceType", "id")]
        if not all(isinstance(name, str) and name for name in names):
            raise LoadError(f"resources[{index}] is an object with resourceType and id")
    admitted = [client(row) for row in clients]
    for resource in resources:
        store.put(resource, owner, _ANCIENT, updated=store.tick(now))
    desk.clients.update({each.client_id: each for each in admitted})
    return {"resources": len(resources), "clients": len(admitted)}
