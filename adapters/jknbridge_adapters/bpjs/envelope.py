"""An HTTP answer of a BPJS service → a typed `Envelope` (bpjs-auth §7.3, §8, §11; pcare §22 #2 #6 #23 #27).

Says what the answer *is*, not what it means for a submission: that is each adapter's `outcomes.py`. The kinds:

    ok           HTTP 2xx, a success code, and a `response` that could be read (it may be null)
    refusal      the service said no, and the no could be read whole
    gateway      not the service's envelope: HTML page, plain text, a proxy's JSON. Even with HTTP 200
    empty        no body at all, or code 204. Only a 204 says "nothing found" (`found_nothing`); a 304 says "look"
    undecodable  something came that this program cannot read: cut short, no code, contradictory, or ciphertext that
                 does not decode. Never treated as "none": ssecd/jkn does, and loses data (bpjs-auth §15)

What counts as a success code differs per service (201 is a refusal everywhere but in PCare, bpjs-auth §7.1), so it is
the caller's to say.
"""

import json
import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from jknbridge_adapters.bpjs.crypto import AnswerKey, DecryptError, ciphertext, decrypt

PCARE_SUCCESS: Final = frozenset({"200", "201"})

_EXCERPT = 300
_TAGS = re.compile(r"<(script|style)\b.*?</\1\s*>|<[^>]*>", re.IGNORECASE | re.DOTALL)
_LONG_NUMBER = re.compile(r"\d{6,}")  # error pages repeat the path, and paths carry card numbers
_BARE_WORD = re.compile(r"[\w./+-]{1,64}", re.ASCII)
_BASE64_LIKE = re.compile(r"[A-Za-z0-9+/]{24,}={0,2}")


class Kind(StrEnum):
    OK = "ok"
    REFUSAL = "refusal"
    GATEWAY = "gateway"
    EMPTY = "empty"
    UNDECODABLE = "undecodable"


@dataclass(frozen=True, slots=True)
class Entry:
    """One `{field, message}` of a 201 or a 412. `field` is "" where the service named none."""

    field: str
    message: str


@dataclass(frozen=True, slots=True)
class Envelope:
    """One answer. `code` is text whatever it came as; without a code of its own it is the HTTP status.

    `response` is the decoded JSON value, only where `kind` is ok or refusal. `excerpt` is what a person may be shown
    of a page that is no envelope: tags stripped, long numbers masked. `why` names what made it undecodable.
    """

    kind: Kind
    http_status: int
    code: str
    message: str = ""
    response: Any = None
    entries: tuple[Entry, ...] = ()
    excerpt: str = ""
    why: str = ""

    @property
    def found_nothing(self) -> bool:
        """The service said that there is nothing: 204, or success with null, `[]` or `count: 0` (pcare §1, §22 #6)."""
        if self.kind is Kind.EMPTY:
            return self.code == "204"
        if self.kind is not Kind.OK:
            return False
        response = self.response
        if isinstance(response, dict) and "list" in response:
            return not response["list"] and not response.get("count")
        return response is None or response == []

    def entry(self, field: str) -> str | None:
        """The message of the entry with that field, whatever its position (pcare §5.1: notices stand beside it)."""
        wanted = field.lower()
        return next((entry.message for entry in self.entries if entry.field.lower() == wanted), None)

    def says(self, fragment: str) -> bool:
        """Whether any part of the answer holds the fragment; codes vary between sources, texts hardly (pcare §14.1)."""
        wanted = fragment.lower()
        return wanted in self.message.lower() or any(wanted in entry.message.lower() for entry in self.entries)


class _Unreadable(Exception):
    """Why `response` could not be read."""


def decode(http_status: int, body: bytes, key: AnswerKey, *, success: frozenset[str]) -> Envelope:
    """Never raises: whatever came is an `Envelope`."""
    text = body.decode("utf-8-sig", "replace").strip()
    status = str(http_status)
    if not text:
        return Envelope(Kind.EMPTY, http_status, status)
    if text[0] not in "{[":
        return Envelope(Kind.GATEWAY, http_status, status, excerpt=_excerpt(text))
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        return Envelope(Kind.UNDECODABLE, http_status, status, why="not JSON: cut short or damaged")
    meta = document.get("metaData", document.get("metadata")) if isinstance(document, dict) else None
    if not isinstance(meta, dict):
        if 200 <= http_status < 300:
            return Envelope(Kind.UNDECODABLE, http_status, status, why="JSON without metaData")
        return Envelope(Kind.GATEWAY, http_status, status, excerpt=_excerpt(text))

    code, message = _text(meta.get("code")), _text(meta.get("message"))
    succeeded = code in success
    well = 200 <= http_status < 300
    if well and not code:
        return Envelope(Kind.UNDECODABLE, http_status, status, message, why="no code")
    if not well and (succeeded or code == "204"):
        return Envelope(Kind.UNDECODABLE, http_status, code, message, why="HTTP status and code contradict each other")
    try:
        response = _read_response(document.get("response"), key, code if succeeded else "")
    except _Unreadable as error:
        return Envelope(Kind.UNDECODABLE, http_status, code, message, why=str(error))
    if code == "204":
        return Envelope(Kind.EMPTY, http_status, code, message)
    kind = Kind.OK if succeeded else Kind.REFUSAL
    return Envelope(kind, http_status, code or status, message, response, _entries(response, refused=not succeeded))


def _read_response(response: Any, key: AnswerKey, success_code: str) -> Any:
    """Decided by JSON type first, then by what the string could be; never by a failed attempt to decrypt."""
    if not isinstance(response, str):
        return response
    if not response:
        return None
    if ciphertext(response) is not None:
        try:
            return _parse(decrypt(response, key))
        except DecryptError as error:
            raise _Unreadable(f"ciphertext does not decode: {error}") from None
    if response[0] in '{["':
        try:
            return json.loads(response)  # already plain JSON text: one client guards against it (bpjs-auth §7.3)
        except (ValueError, RecursionError):
            pass
    if success_code == "201":
        raise _Unreadable("201 with a text that neither decrypts nor parses")  # pcare §22 #27
    if success_code and _BASE64_LIKE.fullmatch(response):
        raise _Unreadable("ciphertext cut short")
    return response


def _parse(plaintext: str) -> Any:
    try:
        value = json.loads(plaintext)
    except (ValueError, RecursionError):
        if _BARE_WORD.fullmatch(plaintext):
            return plaintext  # scalars should come quoted, but need not (bpjs-auth §15)
        raise _Unreadable("decrypted text is not JSON") from None
    if isinstance(value, str) and value[:1] in ("{", "["):
        try:
            return json.loads(value)  # encoded twice
        except (ValueError, RecursionError):
            return value
    return value


def _entries(response: Any, *, refused: bool) -> tuple[Entry, ...]:
    """`[{field, message}]` from an object, an array, or (in a refusal) a text."""
    items = response if isinstance(response, list) else [response]
    entries = []
    for item in items:
        if isinstance(item, dict) and "message" in item:
            entries.append(Entry(_text(item.get("field")), _text(item["message"])))
        elif refused and isinstance(item, str):
            entries.append(Entry("", item))
    return tuple(entries)


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return str(value).strip()


def _excerpt(text: str) -> str:
    words = " ".join(_TAGS.sub(" ", text[: _EXCERPT * 20]).split())
    return _LONG_NUMBER.sub("…", words)[:_EXCERPT]
