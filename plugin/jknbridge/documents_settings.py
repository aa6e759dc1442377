"""``docs/settings.md``: every section of the config file, printed from the models that read it.

Part of :mod:`jknbridge.documents`. Types are put into words that a person who writes TOML knows. Not for values in
force: that is ``jknbridge config show``.
"""

from __future__ import annotations

import json
import types
from collections.abc import Iterable, Iterator
from datetime import date, time
from enum import Enum
from pathlib import Path
from typing import Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel, SecretBytes, SecretStr
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from jknbridge import settings as own
from jknbridge.masking import is_secret_name
from jknbridge.plugins import Plugins

INTRODUCTION = """\
# Settings

One TOML file: `--config`, else `$JKNBRIDGE_CONFIG`, else `jknbridge.toml` here. An unknown key stops
the start and is named; `jknbridge config show` prints what is in force, with secrets masked. Over the file stand
environment variables:

* `JKNBRIDGE__<SECTION>__<KEY>=value`, e.g. `JKNBRIDGE__FASKES__99990001__PCARE__PASSWORD`;
* the same with `_FILE` at the end names a file to read the value from, e.g.
  `JKNBRIDGE__FASKES__99990001__PCARE__PASSWORD_FILE=/run/secrets/pcare_password`.

**secret** values are never printed or logged; keep them out of the file by one of these two ways.
"""
_FILLED_BY_SECTIONS = {"FacilitySettings": {"targets"}, "Settings": {"bagian"}}
"""Fields that hold other sections once those have been read; nobody writes them."""
_WORDS: dict[Any, str] = {
    str: "text",
    int: "whole number",
    float: "number",
    bool: "true or false",
    date: "date",
    time: "time",
    Path: "file",
    SecretStr: "text",
    SecretBytes: "text",
    type(None): "",
}


def page(plugins: Plugins) -> str:
    return INTRODUCTION + "".join(_section(*section) for section in sections(plugins))


def sections(plugins: Plugins) -> Iterator[tuple[str, str, dict[str, FieldInfo]]]:
    """Heading, introduction and fields of every section, in the order of the page."""
    loose = {}
    for name, field in own.Settings.model_fields.items():
        model = _model_in(field.annotation)
        if model is None:
            loose[name] = field
        elif name not in ("sumber", "faskes"):
            yield f"[{name}]", _doc(model), _fields(model)
    yield "[sumber.<name>]", _doc(own.SumberSettings), _fields(own.SumberSettings)
    yield "[faskes.<kode>]", _doc(own.FacilitySettings), _fields(own.FacilitySettings)
    yield "[faskes.<kode>.<target>]", _doc(own.TargetSettings), _fields(own.TargetSettings)
    for target, adapter in plugins.adapters.items():
        yield (
            f"[faskes.<kode>.{target}]",
            "Beside the keys of every target:",
            _fields(adapter.settings, own.TargetSettings),
        )
    for name, model in plugins.settings().items():
        yield f"[{name}]", _doc(model), _fields(model)
    yield "before any section", "", {n: f for n, f in loose.items() if n not in _FILLED_BY_SECTIONS["Settings"]}


def _section(heading: str, introduction: str, fields: dict[str, FieldInfo]) -> str:
    from jknbridge.documents import table

    rows = ((f"`{n}`", type_of(n, f), default_of(f), f.description or "") for n, f in fields.items())
    text = f"\n## `{heading}`\n\n" + (f"{introduction}\n\n" if introduction else "")
    return text + table(("Key", "Type", "Default", "Meaning"), rows)


def _fields(model: type[BaseModel], base: type[BaseModel] | None = None) -> dict[str, FieldInfo]:
    hidden = _FILLED_BY_SECTIONS.get(model.__name__, set()) | set(base.model_fields if base else ())
    return {name: field for name, field in model.model_fields.items() if name not in hidden}


def _doc(model: type[BaseModel]) -> str:
    """The first paragraph of the model's own docstring, as Markdown."""
    return " ".join((model.__dict__.get("__doc__") or "").split("\n\n")[0].replace("``", "`").split())


def _model_in(annotation: Any) -> type[BaseModel] | None:
    """The section class in ``LedgerSettings`` or ``dict[str, SumberSettings]``."""
    parts = [annotation, *get_args(annotation)]
    return next((part for part in parts if isinstance(part, type) and issubclass(part, BaseModel)), None)


# --- one key in words -------------------------------------------------------------------------------------------------


def type_of(name: str, field: FieldInfo) -> str:
    """``whole number ≥ 1``, ``list of text``, ``text, **secret**``."""
    secret = any(part in (SecretStr, SecretBytes) for part in (field.annotation, *get_args(field.annotation)))
    marks = ", **secret**" if secret or (is_secret_name(name) and field.annotation is str) else ""
    return _words(field.annotation) + "".join(_limits(field.metadata)) + marks


def _words(annotation: Any) -> str:
    if annotation in _WORDS:
        return _WORDS[annotation]
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Literal:
        return _one_of(arguments)
    if origin in (Union, types.UnionType):
        return " or ".join(filter(None, map(_words, arguments)))
    if origin in (list, tuple, set, frozenset):
        return f"list of {_words(arguments[0])}"
    if origin is dict:
        return f"table of {_words(arguments[1])}"
    if isinstance(annotation, type) and issubclass(annotation, Enum):
        return _one_of(member.value for member in annotation)
    if hasattr(annotation, "__metadata__"):  # Annotated inside another type
        return _words(arguments[0]) + "".join(_limits(annotation.__metadata__))
    return "value"


def _one_of(values: Iterable[Any]) -> str:
    return ", ".join(f"`{value}`" for value in values)


def _limits(metadata: Iterable[Any]) -> Iterator[str]:
    """Bounds as pydantic keeps them: annotated-types, or a field inside an ``Annotated`` alias."""
    for item in metadata:
        if isinstance(item, FieldInfo):
            yield from _limits(item.metadata)
        for attribute, sign in (("ge", "≥"), ("gt", ">"), ("le", "≤"), ("lt", "<")):
            if (bound := getattr(item, attribute, None)) is not None:
                yield f" {sign} {bound}"


def default_of(field: FieldInfo) -> str:
    """As it would stand in the file; ``required`` where there is none."""
    value = field.get_default(call_default_factory=True)
    if value is PydanticUndefined:
        return "**required**"
    if value is None:
        return ""
    return f"`{_toml(value)}`"


def _toml(value: Any) -> str:
    if isinstance(value, Enum):
        return _toml(value.value)
    if isinstance(value, date | time):
        return value.isoformat()
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_toml, value))}]"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key} = {_toml(item)}" for key, item in value.items()) + "}"
    return json.dumps(str(value) if isinstance(value, Path) else value, ensure_ascii=False)
