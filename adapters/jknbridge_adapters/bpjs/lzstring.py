"""LZ-String "EncodedURIComponent", the compression inside every encrypted BPJS answer (bpjs-auth §6.4).

Written after the JavaScript original (`lz-string` 1.5.0) and working on UTF-16 code units as it does: a character
outside the BMP is two units, split before compressing and joined after decompressing (PyPI `lzstring` 1.0.4 corrupts
them). Not for lz4, which is Kafka's, and not for LZ-String's other alphabets, which BPJS does not use.

Unlike the original, a text that is not LZ-String raises `LzError`; the original answers `null`, `""` or junk.
"""

import binascii
import re
import struct
from operator import length_hint
from typing import Final

ALPHABET: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+-$"
"""What the compressed text is made of. `$` only ever pads, and reads as zero bits."""

_BASE64: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
_BYTE_LITERAL, _WORD_LITERAL, _END = 0, 1, 2
_FIRST_FREE = 3
_STOP: Final = -1  # no unit; every phrase << 16 | -1 is -1, which is no key
_SLACK: Final = 8
_SINGLES: Final = [chr(unit) for unit in range(256)]
_SURROGATE: Final = re.compile("[\ud800-\udfff]")


class LzError(ValueError):
    """The text is not a complete LZ-String text. Says nothing about what it held: that may be a patient's data."""


def _reversed6(value: int) -> int:
    return int(f"{value:06b}"[::-1], 2)


# A code's bits are written lowest first, a character's highest first. With each character's six bits mirrored and the
# text turned round, one C-speed base64 decode yields the whole bit stream as a little-endian number.
_TO_BASE64: Final = bytes.maketrans(
    ALPHABET.encode(), bytes(ord(_BASE64[_reversed6(i % 64)]) for i in range(len(ALPHABET)))
)
_KNOWN: Final = ALPHABET.encode()
_PAIRS: Final = [ALPHABET[_reversed6(i & 63)] + ALPHABET[_reversed6(i >> 6)] for i in range(4096)]


def compress(text: str) -> str:
    """The text that `LZString.compressToEncodedURIComponent` gives, character for character."""
    units: bytes | tuple[int, ...]
    if text.isascii():
        units = text.encode()
    else:
        raw = text.encode("utf-16-le", "surrogatepass")
        units = struct.unpack(f"<{len(raw) // 2}H", raw)

    # Flat tables of numbers: a dict per phrase looks faster and is slower, for the garbage collector walks them all.
    singles: dict[int, int] = {}
    phrases: dict[int, int] = {}  # (code of the phrase << 16 | next unit) -> code of the longer phrase
    unsaid: dict[int, int] = {}  # code of a unit that has not been written yet -> the unit
    size, width, room = _FIRST_FREE, 2, 2
    out: list[str] = []
    acc, filled = 0, 0  # bits not written yet, lowest first
    phrase = -1
    for unit in (*units, _STOP):
        longer = phrases.get(phrase << 16 | unit)
        if longer is not None:
            phrase = longer
            continue
        code = singles.get(unit, -1)
        if code < 0 and unit != _STOP:
            code = singles[unit] = size
            unsaid[size] = unit
            size += 1
        if phrase < 0:
            phrase = code
            continue
        if phrase in unsaid:
            literal = unsaid.pop(phrase)
            kind = _BYTE_LITERAL if literal < 256 else _WORD_LITERAL
            acc |= (literal << width | kind) << filled
            filled += width + (8 << kind)
            room -= 1
            if not room:
                room = 1 << width
                width += 1
        else:
            acc |= phrase << filled
            filled += width
        while filled >= 12:
            out.append(_PAIRS[acc & 4095])
            acc >>= 12
            filled -= 12
        room -= 1
        if not room:
            room = 1 << width
            width += 1
        if unit != _STOP:
            phrases[phrase << 16 | unit] = size
            size += 1
            phrase = code
    acc |= _END << filled
    filled += width
    while filled >= 12:
        out.append(_PAIRS[acc & 4095])
        acc >>= 12
        filled -= 12
    # The original always closes one more character, even where the last one is already full.
    out.append(_PAIRS[acc][: filled // 6 + 1])
    return "".join(out)


def decompress(text: str | bytes) -> str:
    """The text that was compressed. Raises `LzError` for anything that is not one complete LZ-String text.

    A blank counts as `+`, as in the original: form decoding turns one into the other.
    """
    try:
        data = text.encode("ascii") if isinstance(text, str) else bytes(text)
    except UnicodeEncodeError:
        raise LzError("not in the LZ-String alphabet") from None
    data = data.replace(b" ", b"+")
    if not data:
        raise LzError("empty text")
    if data.translate(None, _KNOWN):
        raise LzError("not in the LZ-String alphabet")
    stream = binascii.a2b_base64(b"A" * (-len(data) % 4) + data.translate(_TO_BASE64)[::-1])[::-1]
    # Zero words behind the end let the loop read past it; whether it did is asked once, when it is over.
    words = struct.unpack(f"<{len(stream) // 4 + _SLACK}I", stream + bytes(_SLACK * 4 - len(stream) % 4))
    try:
        return _expand(words, len(data) * 6)
    except StopIteration:
        raise LzError("cut short") from None


def _expand(words: tuple[int, ...], length: int) -> str:
    """One loop, kept flat on purpose: a call per code would double its time."""
    more = iter(words)
    acc, have = next(more), 32  # bits not read yet, lowest first
    wide = False

    code = acc & 3
    if code == _END:
        return ""
    if code > _WORD_LITERAL:
        raise LzError("broken: starts with a reference")
    bits = 8 << code
    entry = chr(acc >> 2 & (1 << bits) - 1)
    acc >>= 2 + bits
    have -= 2 + bits
    wide = code == _WORD_LITERAL

    entries = ["", "", "", entry]
    out = [entry]
    phrase = entry
    size, width, mask, room = 4, 3, 7, 4
    while True:
        if have < width:
            acc |= next(more) << have
            have += 32
        code = acc & mask
        acc >>= width
        have -= width
        if code > _END:
            if code < size:
                entry = entries[code]
            elif code == size:
                entry = phrase + phrase[0]
            else:
                raise LzError("broken: reference to a phrase not yet known")
        elif code == _END:
            break
        else:
            bits = 8 << code
            if have < bits:
                acc |= next(more) << have
                have += 32
            if code == _BYTE_LITERAL:
                entry = _SINGLES[acc & 255]
            else:
                entry = chr(acc & 65535)
                wide = True
            acc >>= bits
            have -= bits
            entries.append(entry)
            size += 1
            room -= 1
            if not room:
                room = 1 << width
                width += 1
                mask = (1 << width) - 1
        out.append(entry)
        entries.append(phrase + entry[0])
        phrase = entry
        size += 1
        room -= 1
        if not room:
            room = 1 << width
            width += 1
            mask = (1 << width) - 1
    if (len(words) - length_hint(more)) * 32 - have > length:
        raise LzError("cut short")
    result = "".join(out)
    if wide and _SURROGATE.search(result):
        return result.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "surrogatepass")
    return result
