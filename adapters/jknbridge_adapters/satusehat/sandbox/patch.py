"""PATCH: JSON Patch lists (satusehat §13.2, §15). Patient's is a service of its own (``patients.py``).

Ops are add, replace, remove and test; ``add`` below an absent parent makes the parent, as was seen for Location. The
rules judge what the patch brought in, not what was there before.
"""

import json
from collections.abc import Mapping
from copy import deepcopy
from typing import Any, Final

from jknbridge_adapters.satusehat.rules_check_bundle import platform
from jknbridge_adapters.satusehat.sandbox import patients
from jknbridge_adapters.satusehat.sandbox.answers import Refuse, Reply
from jknbridge_adapters.satusehat.sandbox.context import Context
from jknbridge_adapters.satusehat.sandbox.identities import fingerprint
from jknbridge_adapters.satusehat.sandbox.members import canonical
from jknbridge_adapters.satusehat.sandbox.search import not_found
from jknbridge_adapters.satusehat.sandbox.writes import (
    answered,
    consent,
    own,
    parse,
    references,
    refuse_if,
    violations,
)

CONTENT_TYPE: Final = "application/json-patch+json"
_OPS: Final = frozenset({"add", "replace", "remove", "test"})
_EPISODE_MEMBERS: Final = ("id", "meta", "resourceType", "status", "statusHistory")


class PatchError(ValueError):
    """An operation that cannot be applied; the message says which."""


def patch(ctx: Context, kind: str, resource_id: str, content_type: str, raw: bytes) -> Reply:
    if content_type.partition(";")[0].strip().lower() != CONTENT_TYPE:
        text = f"invalid Content-Type: {content_type}, must be {CONTENT_TYPE}"
        raise Refuse.store(400, "value", "invalid_headers", text)
    operations = parse(raw)
    if not isinstance(operations, list) or not all(isinstance(operation, dict) for operation in operations):
        raise Refuse.rules([platform(20008, "structure")])
    held = ctx.store.get(kind, resource_id)
    if held is None:
        raise not_found(kind, resource_id)
    if kind == "Patient":
        return patients.patch(ctx, held, operations)
    own(ctx, held)
    _episode(ctx, kind, operations)
    _location(kind, operations)
    before = held.body
    try:
        after = canonical(apply(before, [_named(before, operation) for operation in operations]))
    except PatchError as error:
        raise Refuse.store(400, "structure", "merge_failed", str(error)) from None
    if not isinstance(after, dict) or (after.get("resourceType"), after.get("id")) != (kind, resource_id):
        raise Refuse.store(400, "structure", "merge_failed", "resource type and id cannot be changed")
    old = {(v.rule, v.element, v.message) for v in violations(ctx, before, None)}
    new = violations(ctx, after, None)
    refuse_if([v for v in new if (v.rule, v.element, v.message) not in old])
    if (dangling := references(ctx, after, ctx.store)) != references(ctx, before, ctx.store):
        refuse_if(dangling)
    consent(ctx, after)
    record = ctx.keep(answered(ctx, after), resource_id, operation="edit", payload=operations,
                      sent=[fingerprint(after)], owner=held.owner)  # fmt: skip
    shown = record.body
    if kind == "EpisodeOfCare":
        shown = {name: shown[name] for name in _EPISODE_MEMBERS if name in shown}
    return Reply(200, shown, record)


def _episode(ctx: Context, kind: str, operations: list[dict[str, Any]]) -> None:
    replaced = any(o.get("op") in ("replace", "add") and str(o.get("path")).startswith("/patient") for o in operations)
    if kind == "EpisodeOfCare" and ctx.options["episode_patch_patient"] and not replaced:
        raise Refuse.said(400, "value", "EpisodeOfCare.status :: patient reference can't be empty")


def _location(kind: str, operations: list[dict[str, Any]]) -> None:
    """10171: `replace` of the system alone; `add` of it passed (§6)."""
    system = {"op": "replace", "path": "/operationalStatus/system"}
    if kind == "Location" and any({**operation, **system} == operation for operation in operations):
        refuse_if([platform(10171, "value", "Location.operationalStatus.system")])


def _named(body: Mapping[str, Any], operation: Mapping[str, Any]) -> dict[str, Any]:
    """A first segment in another case means the member of FHIR's spelling (§1)."""
    path = str(operation.get("path", ""))
    first, slash, rest = path.removeprefix("/").partition("/")
    spelt = next((name for name in body if name.lower() == first.lower()), next(iter(canonical({first: 0}))))
    return {**operation, "path": f"/{spelt}{slash}{rest}"}


def apply(document: Any, operations: list[dict[str, Any]]) -> Any:
    """The document after the list; raises ``PatchError`` and changes nothing of the original."""
    result = deepcopy(document)
    for operation in operations:
        op, path = operation.get("op"), str(operation.get("path", ""))
        if op not in _OPS or not path.startswith("/"):
            raise PatchError(f"unsupported operation {op!r} at {path!r}")
        if op != "remove" and "value" not in operation:
            raise PatchError(f"{op} at {path} has no value")
        tokens = [token.replace("~1", "/").replace("~0", "~") for token in path[1:].split("/")]
        _step(result, tokens, str(op), deepcopy(operation.get("value")), path)
    return result


def _step(node: Any, tokens: list[str], op: str, value: Any, path: str) -> None:
    *parents, name = tokens
    for parent in parents:
        makes = op == "add" and isinstance(node, dict)
        node = node.setdefault(parent, {}) if makes else _child(node, parent, path)
    if op == "test":
        if json.dumps(_child(node, name, path), sort_keys=True) != json.dumps(value, sort_keys=True):
            raise PatchError(f"test failed at {path}")
    elif op == "add" and isinstance(node, list):
        node.insert(len(node) if name == "-" else _index(node, name, path, len(node)), value)
    elif op == "add" and isinstance(node, dict):
        node[name] = value
    else:
        _child(node, name, path)
        key: Any = _index(node, name, path, len(node) - 1) if isinstance(node, list) else name
        if op == "remove":
            del node[key]
        else:
            node[key] = value


def _child(node: Any, token: str, path: str) -> Any:
    if isinstance(node, dict) and token in node:
        return node[token]
    if isinstance(node, list):
        return node[_index(node, token, path, len(node) - 1)]
    raise PatchError(f"no value at {path}")


def _index(node: list[Any], token: str, path: str, last: int) -> int:
    if not token.isdigit() or int(token) > last:
        raise PatchError(f"no value at {path}")
    return int(token)
