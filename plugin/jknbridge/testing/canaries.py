"""Canaries: people who exist in no register, whose traces are looked for where no patient data may be (DESIGN §2.9).

:data:`SYNTHETIC` recognises every person of tests and sandbox by shape; :class:`Canaries` are the distinctive ones of
one scenario. :func:`listening` hears everything that is logged at DEBUG, as it was said and as it was printed.
"""

from __future__ import annotations

import io
import logging
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

import structlog

from jknbridge import logs
from jknbridge.masking import Masker

SYNTHETIC = re.compile(r"(?<!\d)0009999\d{6}(?!\d)|(?<!\d)9999\d{12}(?!\d)|KENARI|PESERTA UJI")
"""A card number or NIK that only tests use, or a name that only tests use."""


@dataclass(frozen=True, slots=True)
class Canaries:
    """What must not be found: names, card numbers, NIKs, free words."""

    words: tuple[str, ...]

    def seen_in(self, what: str | bytes | None) -> list[str]:
        """The canaries in a text or in bytes; in bytes also as UTF-16, as hexadecimal and in JSON's escapes."""
        if what is None:
            return []
        data = what.encode("utf-8", "replace") if isinstance(what, str) else what
        folded = data.lower()
        return [word for word in self.words if any(form in folded for form in _forms(word))]


def _forms(word: str) -> Sequence[bytes]:
    plain = word.lower().encode()
    return plain, word.lower().encode("utf-16-le"), plain.hex().encode(), word.lower().replace(" ", "%20").encode()


@dataclass(slots=True)
class Heard:
    """``said``: every record as it was handed to the logging library, tracebacks included, before any masking.
    ``printed``: what the program's own handler wrote."""

    said: list[str] = field(default_factory=list)
    stream: io.StringIO = field(default_factory=io.StringIO)

    @property
    def printed(self) -> str:
        return self.stream.getvalue()


class _Ear(logging.Handler):
    def __init__(self, heard: Heard) -> None:
        super().__init__(logging.DEBUG)
        self._heard = heard

    def emit(self, record: logging.LogRecord) -> None:
        trace = logging.Formatter().formatException(record.exc_info) if record.exc_info else ""
        event = record.msg if isinstance(record.msg, dict) else record.getMessage()
        self._heard.said.append(f"{record.name} {event!r} {record.args!r} {trace}")


@contextmanager
def listening() -> Iterator[Heard]:
    """Logs as ``jknbridge run`` sets them up, at DEBUG, heard twice. Everything is put back as it was."""
    root = logging.getLogger()
    names = ["", *logs.PINNED]
    levels = {name: logging.getLogger(name).level for name in names}
    before = structlog.get_config()
    heard = Heard()
    handler = logs.configure(Masker(), level="DEBUG", form="json", stream=heard.stream)
    ear = _Ear(heard)
    root.addHandler(ear)
    try:
        yield heard
    finally:
        root.removeHandler(ear)
        root.removeHandler(handler)
        for name, level in levels.items():
            logging.getLogger(name).setLevel(level)
        structlog.configure(**before)
