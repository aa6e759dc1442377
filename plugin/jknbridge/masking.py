"""No card number, NIK or secret leaves in a log line, an exception's text or an error on the terminal (DESIGN §2.9).

The last fence, not the first: code never logs a person's values on purpose. What still gets there (a library's
exception that quotes a body, a URL with a card in its path) is recognised by shape, a run of exactly 13 or 16 digits,
and configured secrets by their text. Names cannot be recognised by shape and are kept out by discipline and by
canaries in the tests.

A millisecond timestamp has 13 digits too and is masked with the rest: a number less in a log is cheaper than a card
in one.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable, Iterator, Mapping, MutableMapping
from typing import Any
from urllib.parse import quote

from pydantic import BaseModel, SecretBytes, SecretStr

_PERSON = r"(?<!\d)(?:\d{13}|\d{16})(?!\d)"
_SHORTEST_SECRET = 5  # shorter ones would turn ordinary words into stars
_SECRET_NAME = re.compile(r"passw|secret|kunci|sandi|token", re.IGNORECASE)
_PLAIN = (bool, float, type(None))


class Masker:
    """Masks text and whatever a log event may hold. ``secrets``: texts that must never be shown.

    One compiled expression serves both; text without a match is returned as it is (0.4 us for a usual line).
    """

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        self._secrets: set[str] = set()
        self.learn(secrets)

    def learn(self, secrets: Iterable[str]) -> None:
        """Know more secrets, in clear and as they stand in a URL. Called when the settings have been read."""
        for secret in secrets:
            if len(secret) >= _SHORTEST_SECRET:
                self._secrets |= {secret, quote(secret, safe=""), repr(secret)[1:-1]}
        longest_first = sorted(self._secrets, key=len, reverse=True)
        self._pattern = re.compile("|".join([*map(re.escape, longest_first), _PERSON]))

    def text(self, text: str) -> str:
        return self._pattern.sub(self._star, text)

    def _star(self, match: re.Match[str]) -> str:
        return "[rahasia]" if match[0] in self._secrets else f"[{len(match[0])} angka]"

    def value(self, value: Any) -> Any:
        """A log event's value: text, numbers, containers; anything else as its masked ``repr``."""
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, _PLAIN):
            return value
        if isinstance(value, int):
            shown = self.text(str(value))
            return value if shown == str(value) else shown
        if isinstance(value, Mapping):
            return {self.text(str(key)): self.value(item) for key, item in value.items()}
        if isinstance(value, list | tuple | set | frozenset):
            return [self.value(item) for item in value]
        if isinstance(value, bytes):
            return self.text(value.decode("utf-8", "replace"))
        return self.text(str(value) if isinstance(value, BaseException) else repr(value))

    def processor(self, logger: Any, method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        """For structlog: the last processor before the renderer, after tracebacks became text. Keys starting with an
        underscore are structlog's own."""
        for key, value in event.items():
            if not key.startswith("_"):
                event[key] = self.value(value)
        return event


class MaskFilter(logging.Filter):
    """The same for the standard library's records, for handlers that structlog does not format."""

    def __init__(self, masker: Masker) -> None:
        super().__init__()
        self._masker = masker

    def filter(self, record: logging.LogRecord) -> bool:
        record.msg, record.args = self._masker.text(record.getMessage()), None
        if record.exc_info and record.exc_info[0] is not None:
            record.exc_text = self._masker.text(logging.Formatter().formatException(record.exc_info))
            record.exc_info = None
        return True


def secrets_of(value: Any, name: str = "") -> Iterator[str]:
    """Every secret in settings: ``SecretStr`` fields, and plain texts under a name that says so (passed-on options)."""
    if isinstance(value, SecretStr | SecretBytes):
        secret = value.get_secret_value()
        yield secret.decode("utf-8", "replace") if isinstance(secret, bytes) else secret
    elif isinstance(value, BaseModel):
        for field in type(value).model_fields:
            yield from secrets_of(getattr(value, field), field)
    elif isinstance(value, Mapping):
        for key, item in value.items():
            yield from secrets_of(item, str(key))
    elif isinstance(value, list | tuple):
        for item in value:
            yield from secrets_of(item, name)
    elif isinstance(value, str):
        if "://" in value and "@" in value:  # a password in a database's or proxy's URL
            yield value.partition("://")[2].rpartition("@")[0].partition(":")[2]
        elif is_secret_name(name):
            yield value


def is_secret_name(name: str) -> bool:
    """Whether a setting of that name holds a secret although its type does not say so. A ``_file`` only names one."""
    return bool(_SECRET_NAME.search(name)) and not name.endswith(("_file", "keyfile"))
