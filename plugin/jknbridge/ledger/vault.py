"""Encryption at rest: AES-256-GCM with a data key per patient, wrapped by a master key (DESIGN §6).

Erasing a patient destroys the data key; rotating the master key re-wraps the data keys and touches nothing else.
Look-ups and fingerprints of personal values are HMACs under keys derived from the master key's *lineage* secret,
which a rotation keeps."""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
import zlib
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from jknbridge.compact import dumps, loads
from jknbridge.errors import StartRefused

_NONCE = 12


class Vault:
    """Seals and opens boxes. ``lineage`` keys the HMACs; ``master`` wraps data keys. Thread-safe."""

    def __init__(self, master: bytes, lineage: bytes) -> None:
        if len(master) != 32:
            raise StartRefused("the master key must be 32 bytes (64 hex digits)")
        self._master = AESGCM(master)
        self._lineage = lineage
        self._ciphers: dict[bytes, AESGCM] = {}

    def new_key(self) -> bytes:
        """A fresh data key, wrapped."""
        nonce = os.urandom(_NONCE)
        return nonce + self._master.encrypt(nonce, AESGCM.generate_key(256), b"data-key")

    def unwrap(self, wrapped: bytes) -> bytes:
        """The bytes a wrapped key stands for. Raises when the master key does not fit."""
        return self._master.decrypt(wrapped[:_NONCE], wrapped[_NONCE:], b"data-key")

    def rewrap(self, wrapped: bytes, master: bytes) -> bytes:
        """The same data key under a new master key."""
        key = self.unwrap(wrapped)
        nonce = os.urandom(_NONCE)
        return nonce + AESGCM(master).encrypt(nonce, key, b"data-key")

    def seal(self, value: Any, wrapped: bytes | None) -> bytes:
        """``value`` as plain JSON, compressed where it helps, sealed under a data key (``None``: the master key)."""
        return self.seal_bytes(dumps(value), wrapped)

    def seal_bytes(self, plain: bytes, wrapped: bytes | None) -> bytes:
        packed = b"\x01" + zlib.compress(plain, 1) if len(plain) > 400 else b"\x00" + plain
        nonce = os.urandom(_NONCE)
        return nonce + self._cipher(wrapped).encrypt(nonce, packed, None)

    def open(self, box: bytes, wrapped: bytes | None) -> Any:
        return loads(self.open_bytes(box, wrapped))

    def open_bytes(self, box: bytes, wrapped: bytes | None) -> bytes:
        packed = self._cipher(wrapped).decrypt(box[:_NONCE], box[_NONCE:], None)
        return zlib.decompress(packed[1:]) if packed[:1] == b"\x01" else packed[1:]

    def hmac(self, purpose: str, *parts: str) -> str:
        """A keyed digest (64 hex digits) for look-ups and fingerprints of personal values."""
        message = "\x1f".join((purpose, *parts)).encode()
        return hmac.new(self._lineage, message, hashlib.sha256).hexdigest()

    def fingerprint(self, value: Any) -> str:
        """A keyed digest of a JSON value in canonical form."""
        return hmac.new(self._lineage, b"fp\x1f" + dumps(value, sort=True), hashlib.sha256).hexdigest()

    def _cipher(self, wrapped: bytes | None) -> AESGCM:
        if wrapped is None:
            return self._master
        cipher = self._ciphers.get(wrapped)
        if cipher is None:
            cipher = AESGCM(self.unwrap(wrapped))
            if len(self._ciphers) > 50_000:
                self._ciphers.clear()
            self._ciphers[wrapped] = cipher
        return cipher


def master_key(text: str | None, file: Path | None, default: Path | None) -> tuple[bytes, Path | None]:
    """The master key from the environment or a file; made at ``default`` on the first start. Returns (key, file
    made).
    """
    if text:
        return _key(text, "ledger.kunci"), None
    path = file or default
    if path is None:
        raise StartRefused("the ledger needs a master key: set ledger.kunci_file, or ledger.kunci from a secret")
    if path.exists():
        return _key(path.read_text().strip(), str(path)), None
    if file is not None:
        raise StartRefused(f"the master key file {file} does not exist")
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    key = secrets.token_bytes(32)
    with os.fdopen(handle, "w") as out:
        out.write(key.hex() + "\n")
        out.flush()
        os.fsync(out.fileno())
    return key, path


def _key(text: str, where: str) -> bytes:
    try:
        key = bytes.fromhex(text)
    except ValueError as error:
        raise StartRefused(f"{where} is not hex") from error
    if len(key) != 32:
        raise StartRefused(f"{where} must be 64 hex digits")
    return key
