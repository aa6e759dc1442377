"""Why something did not happen, in words that staff understand: one code, one sentence in Bahasa Indonesia, one in
English.

A reason goes wherever a person looks: the work list, the dead letter's header, ``plan``, ``report``. So the texts stand
in tables that can be read, translated and tested, never in an ``f""`` at the place where something went wrong.

* Each room keeps a table of its own and registers it when imported: :func:`register_all` (see
  :mod:`jknbridge.fhir.reasons`); an adapter, ours or a stranger's, does the same. A code is ``<room>.<what>``.
* ``who`` says who can mend it. It steers the work lists: nobody should read what is another's to do.
* **No patient data.** A parameter is something the caller knows to be safe: an element path, a limit, a topic, a field
  name; never a value out of a resource or an answer. What is passed is cut to one short printable line, which protects
  headers and logs from odd text, not from a name.

Not for exceptions: those are named after what happens next and may carry a reason.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from string import Formatter
from typing import Literal, TypeAlias, get_args

Who: TypeAlias = Literal["IT", "klinik", "integrator", "BPJS"]
"""IT: the hospital's operations; klinik: the staff who record visits; integrator: whoever connects the EMR; BPJS: the
target."""

Table: TypeAlias = Mapping[str, tuple[str, str, Who]]
"""code → (Bahasa Indonesia, English, who can mend it)"""

_CODE = re.compile(r"[a-z][a-z0-9_]*(\.[a-z0-9_]+)+")
_LONGEST_PARAMETER = 120


@dataclass(frozen=True, slots=True)
class Reason:
    """One reason, ready to be shown. Equal code and parameters give equal reasons."""

    code: str
    id: str
    en: str
    who: Who

    @classmethod
    def of(cls, code: str, **params: object) -> Reason:
        """The registered reason ``code`` with its parameters filled in.

        Raises :class:`LookupError` for an unknown code or a missing parameter: both are defects of the caller, and
        tests that walk the tables find them.
        """
        try:
            id_, en, who = _registered[code]
        except KeyError:
            raise LookupError(f"no reason is registered as {code!r}") from None
        shown = {name: _one_line(value) for name, value in params.items()}
        try:
            return cls(code, id_.format_map(shown), en.format_map(shown), who)
        except KeyError as missing:
            raise LookupError(f"the reason {code!r} needs the parameter {missing}") from None

    def to_json(self) -> dict[str, str]:
        """The four fields as plain JSON: what the ledger stores and ``--json`` prints."""
        return {"code": self.code, "id": self.id, "en": self.en, "who": self.who}

    @classmethod
    def from_json(cls, stored: Mapping[str, str]) -> Reason:
        """A stored reason as it was shown then, whatever today's table says under that code."""
        who = stored["who"]
        for known in get_args(Who):
            if who == known:
                return cls(stored["code"], stored["id"], stored["en"], known)
        raise ValueError(f"nobody called {who!r} can mend a reason")


_registered: dict[str, tuple[str, str, Who]] = {}


def register(code: str, id: str, en: str, who: Who) -> None:
    """Make ``code`` known. Once more with the same texts is harmless (modules are reloaded); with others it raises.

    Checked here so that a slip fails at import and not on the day the reason is needed: the code's form, that both
    languages take the same parameters, and that these are plain names (``{path}``, never ``{path.x}`` or ``{path!r}``).
    """
    if not _CODE.fullmatch(code):
        raise ValueError(f"a reason's code is <room>.<what> in lower case, not {code!r}")
    if who not in get_args(Who):
        raise ValueError(f"{code}: nobody called {who!r} can mend a reason")
    if _parameters(code, id) != _parameters(code, en):
        raise ValueError(f"{code}: the two languages take different parameters")
    row = (id, en, who)
    if _registered.setdefault(code, row) != row:
        raise ValueError(f"{code} is registered already with other words")


def register_all(table: Table) -> None:
    """:func:`register` each row of a room's table."""
    for code, (id_, en, who) in table.items():
        register(code, id_, en, who)


def registered() -> Table:
    """All rows known by now: for the documentation and for tests that walk them."""
    return dict(sorted(_registered.items()))


def parameters(code: str) -> frozenset[str]:
    """The parameters that :meth:`Reason.of` needs for ``code``."""
    return _parameters(code, _registered[code][1])


def _parameters(code: str, text: str) -> frozenset[str]:
    names = set()
    for _, name, spec, conversion in Formatter().parse(text):
        if name is None:
            continue
        if not name.isidentifier() or spec or conversion:
            raise ValueError(f"{code}: {{{name}}} is not a plain parameter")
        names.add(name)
    return frozenset(names)


def _one_line(value: object) -> str:
    text = "".join(letter if letter.isprintable() else "?" for letter in str(value)[: _LONGEST_PARAMETER + 1])
    return text if len(text) <= _LONGEST_PARAMETER else text[:_LONGEST_PARAMETER] + "…"
