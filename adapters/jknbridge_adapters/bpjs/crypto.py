"""Signature, log-in header and the cipher of BPJS answers (bpjs-auth §1, §2, §6; vectors in §13).

Pure functions of their arguments. The timestamp is always handed in, never read here: the very string that went out in
the header is part of the key that opens the answer, and clients that compute it twice fail at second boundaries
(bpjs-auth §3: seen in Khanza and mLITE). Not for encryption at rest, which is the ledger's.

There is no MAC. A wrong key passes the padding check once in 256 times (KAT-3 with timestamp + 4), so `decrypt` also
wants the LZ-String alphabet, a complete LZ-String text, and something in it; `envelope.py` then wants JSON.
"""

import binascii
import hashlib
import hmac
from base64 import b64decode, b64encode
from typing import Final, NamedTuple

from Crypto.Cipher import AES

from jknbridge_adapters.bpjs import lzstring

KD_APLIKASI: Final = "095"
"""The third part of X-authorization, a constant for PCare bridging (bpjs-auth §1)."""

_BLOCK: Final = 16
_LZ_BYTES: Final = lzstring.ALPHABET.encode()


class DecryptError(ValueError):
    """The text is not an answer encrypted with this key. Names the step that failed, never the bytes."""


class AnswerKey(NamedTuple):
    """AES-256 key and its IV, which is the key's first half."""

    key: bytes
    iv: bytes


class Login(NamedTuple):
    """What X-authorization carries."""

    username: str
    password: str
    kd_aplikasi: str


def signature(cons_id: str, secret_key: str, timestamp: str) -> str:
    """X-signature: 44 characters of base64. Method, path and body are not signed."""
    return b64encode(hmac.digest(secret_key.encode(), f"{cons_id}&{timestamp}".encode(), "sha256")).decode()


def authorization(username: str, password: str, kd_aplikasi: str = KD_APLIKASI) -> str:
    """X-authorization, UTF-8 before base64 (pcare §22 #29)."""
    return "Basic " + b64encode(f"{username}:{password}:{kd_aplikasi}".encode()).decode()


def parse_authorization(header: str) -> Login | None:
    """First, last and the middle joined: a password may hold colons (bpjs-auth §1). None where it is no such header."""
    scheme, _, encoded = header.partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        username, _, rest = b64decode(encoded.strip(), validate=True).decode().partition(":")
    except ValueError:
        return None
    password, colon, kd_aplikasi = rest.rpartition(":")
    return Login(username, password, kd_aplikasi) if colon else None


def headers(
    cons_id: str, secret_key: str, user_key: str, timestamp: str, x_authorization: str | None = None
) -> dict[str, str]:
    """The headers that every call carries; `x_authorization` only for services that share the FKTP log-in."""
    signed = {
        "X-cons-id": cons_id,
        "X-timestamp": timestamp,
        "X-signature": signature(cons_id, secret_key, timestamp),
        "user_key": user_key,
    }
    if x_authorization is not None:
        signed["X-authorization"] = x_authorization
    return signed


def answer_key(cons_id: str, secret_key: str, timestamp: str) -> AnswerKey:
    """The key of the answer to the request that carried this timestamp string, byte for byte."""
    digest = hashlib.sha256(f"{cons_id}{secret_key}{timestamp}".encode()).digest()
    return AnswerKey(digest, digest[:_BLOCK])


def encrypt(plaintext: str, key: AnswerKey) -> str:
    """What stands in `response` for this JSON text."""
    packed = lzstring.compress(plaintext).encode()
    pad = _BLOCK - len(packed) % _BLOCK
    return b64encode(AES.new(key.key, AES.MODE_CBC, key.iv).encrypt(packed + bytes([pad]) * pad)).decode()


def ciphertext(text: str) -> bytes | None:
    """The bytes of a text that could be ciphertext: base64 of a non-zero multiple of 16 bytes. Else None."""
    try:
        raw = b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None
    return raw if raw and len(raw) % _BLOCK == 0 else None


def decrypt(response: str, key: AnswerKey) -> str:
    """The plaintext (normally JSON). Raises `DecryptError` for a wrong key, a foreign text or a damaged one."""
    raw = ciphertext(response)
    if raw is None:
        raise DecryptError("not base64 of whole blocks")
    padded = AES.new(key.key, AES.MODE_CBC, key.iv).decrypt(raw)
    pad = padded[-1]
    if not 1 <= pad <= _BLOCK or padded[-pad:] != bytes([pad]) * pad:
        raise DecryptError("padding")
    packed = padded[:-pad]
    if not packed or packed.translate(None, _LZ_BYTES):
        raise DecryptError("not in the LZ-String alphabet")
    try:
        text = lzstring.decompress(packed)
    except lzstring.LzError as error:
        raise DecryptError(f"LZ-String: {error}") from None
    if not text:
        raise DecryptError("nothing inside")
    return text
