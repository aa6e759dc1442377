"""The bridge's TOML for a sandbox, written out: `jknbridge sandbox --print-config`. The reader is tomllib, not this."""

import json
from collections.abc import Mapping
from datetime import date


def render_toml(tables: Mapping[str, object], path: tuple[str, ...] = ()) -> str:
    """Nested mappings as TOML: the plain values of a table first, then its sub-tables."""
    lines = [f"{_key(name)} = {_value(value)}" for name, value in tables.items() if not isinstance(value, Mapping)]
    if lines and path:
        lines.insert(0, f"[{'.'.join(map(_key, path))}]")
    parts = ["\n".join(lines)] if lines else []
    parts += [render_toml(value, (*path, name)) for name, value in tables.items() if isinstance(value, Mapping)]
    return "\n\n".join(part.strip("\n") for part in parts if part) + "\n"


def _key(name: str) -> str:
    return name if name.replace("_", "").replace("-", "").isalnum() and name.isascii() else json.dumps(name)


def _value(value: object) -> str:
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(map(_value, value))}]"
    return json.dumps(value, ensure_ascii=False)  # TOML's strings, numbers and booleans are JSON's
