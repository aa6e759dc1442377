"""JSON as bytes, in one place: compact, UTF-8, and in canonical form where asked."""

from __future__ import annotations

import json
from typing import Any

_plain = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
_sorted = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), sort_keys=True).encode


def dumps(value: Any, *, sort: bool = False) -> bytes:
    return (_sorted if sort else _plain)(value).encode("utf-8", "surrogatepass")


def loads(data: bytes | str) -> Any:
    return json.loads(data)
