"""Is this valid FHIR R4B? For what we compose and for what ``plan`` is shown; never on the path of an event.

``fhir.resources`` forbids unknown fields and costs 250 us a resource. Here its findings are collected, not raised: what
is unknown to R4B is worth a line to an integrator and no reason to refuse an event. It does not check code lists; those
are the target's rules.

A finding names the element and what is wrong with it in our own words. It never holds the value, nor the library's
message, which may quote it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pydantic import BaseModel

_SAYS: Mapping[str, str] = {
    "bool_type": "true or false expected",
    "bool_parsing": "true or false expected",
    "decimal_parsing": "number expected",
    "decimal_type": "number expected",
    "extra_forbidden": "unknown in FHIR R4B",
    "fhir-validation-wrong-resource-type": "resource or element of another type",
    "int_from_float": "whole number expected",
    "int_parsing": "whole number expected",
    "int_type": "whole number expected",
    "json_invalid": "object expected",
    "json_type": "object expected",
    "list_type": "list expected",
    "missing": "required and missing",
    "model_field_validation.missing": "required and missing",
    "model_type": "object expected",
    "string_pattern_mismatch": "not in the form FHIR asks for",
    "string_too_long": "too long",
    "string_too_short": "empty",
    "string_type": "text expected",
    "url_parsing": "address expected",
}
"""pydantic's kind of error → our words. What is not listed is "not valid here"."""

_SAYS_MORE: tuple[tuple[str, str], ...] = (
    ("None is not allowed as an element", "null stands in the list"),
    ("Any of one field value is expected", "more than one of the choices, or none, is given"),
    ("Field required", "required and missing"),
    ("Date value string does not match", "date expected"),
    ("DateTime value string does not match", "date or time expected"),
    ("Instant value string does not match", "instant expected"),
    ("Time value string does not match", "time expected"),
    ("Wrong fhir", "resource or element of another type"),
)
"""Beginnings of the library's own messages → our words; they say more than their kind does."""

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,63}")


def unknown_and_invalid(resource: Mapping[str, Any]) -> list[str]:
    """One line per finding, ``"Encounter.period.start: date or time expected"``; empty if the resource is valid.

    The first call for a type imports its models (0.2-0.4 s). Never raises.
    """
    type_ = resource.get("resourceType")
    model = _model(type_) if isinstance(type_, str) else None
    if model is None:
        return ["resourceType: no resource type of FHIR R4B"]
    outer, contained = _apart(resource)
    findings = _findings(model, str(type_), outer)
    for at, inner in enumerate(contained):
        findings += (f"{type_}.contained[{at}] {line}" for line in unknown_and_invalid(inner))
    return list(dict.fromkeys(findings))


def _apart(resource: Mapping[str, Any]) -> tuple[dict[str, Any], list[Mapping[str, Any]]]:
    """The resource without its contained ones, and these: the library raises KeyError for a contained type it lacks."""
    contained = resource.get("contained")
    if not isinstance(contained, list) or not all(isinstance(one, Mapping) for one in contained):
        return dict(resource), []
    return {name: value for name, value in resource.items() if name != "contained"}, contained


def _findings(model: type[BaseModel], type_: str, resource: dict[str, Any]) -> list[str]:
    from pydantic import ValidationError

    try:
        model.model_validate(resource)
    except ValidationError as invalid:
        return [
            f"{_path(type_, error['loc'])}: {_words(error['type'], error['msg'])}"
            for error in invalid.errors(include_input=False, include_url=False, include_context=False)
        ]
    except Exception:
        # A slip of the library ("12" where an object belongs); its message may quote the value. Each element is checked
        # alone, so that this one does not hide what is found in the others; what it alone lacks is no finding then.
        names = [name for name in resource if name != "resourceType"]
        if len(names) == 1:
            return [f"{_path(type_, names)}: not valid here"]
        alone = (_findings(model, type_, {"resourceType": type_, name: resource[name]}) for name in names)
        return [line for lines in alone for line in lines if not line.endswith(_SAYS["missing"])]
    return []


@cache
def _model(type_: str) -> type[BaseModel] | None:
    if not _NAME.fullmatch(type_):
        return None
    from fhir.resources.R4B import get_fhir_model_class
    from fhir.resources.R4B.resource import Resource

    try:
        model: type[BaseModel] = get_fhir_model_class(type_)
    except (LookupError, ValueError):
        return None
    return model if issubclass(model, Resource) else None


def _path(type_: str, parts: Iterable[int | str]) -> str:
    path = type_
    for part in parts:
        if isinstance(part, int):
            path += f"[{part}]"
        else:  # the name of an unknown field is the sender's text: shown only if it looks like a name
            path += "." + (part if _NAME.fullmatch(part) else "?")
    return path


def _words(kind: str, message: str) -> str:
    said = message.removeprefix("Value error, ")
    more = next((ours for theirs, ours in _SAYS_MORE if said.startswith(theirs)), None)
    return more or _SAYS.get(kind, "not valid here")
