"""One ``run`` per SQLite ledger: a lock file beside it, held by the operating system for as long as the process lives.

Two workers over one SQLite file would send side by side without leases (DESIGN §6: one process owns it). The lock
dies with its process, so a crash leaves nothing to clean up. PostgreSQL needs none: leases divide the work there.
"""

from __future__ import annotations

import contextlib
import json
import os
import time
from collections.abc import Iterator
from pathlib import Path

from jknbridge.cli.common import ledger_file
from jknbridge.cli.output import moment
from jknbridge.errors import StartRefused


@contextlib.contextmanager
def only_worker(url: str) -> Iterator[None]:
    """Hold the ledger at ``url`` as its only worker. Raises :class:`StartRefused` saying who holds it."""
    file = ledger_file(url)
    if file is None:
        yield
        return
    file.parent.mkdir(parents=True, exist_ok=True)
    path = lock_path(file)
    handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        if not _lock(handle):
            raise StartRefused(_holder(path, file))
        os.ftruncate(handle, 0)
        os.pwrite(handle, json.dumps({"pid": os.getpid(), "since": time.time()}).encode(), 0)
        yield
    finally:
        os.close(handle)  # gives the lock back; the file stays, or two processes could hold two files of one name


def lock_path(file: Path) -> Path:
    return file.with_name(file.name + ".lock")


def _lock(handle: int) -> bool:
    import fcntl

    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _holder(path: Path, file: Path) -> str:
    try:
        held = json.loads(path.read_text())
        who = f"pid {held['pid']}, sejak / since {moment(held['since'])}"
    except (OSError, ValueError, KeyError):
        who = "proses lain / another process"
    return (
        f"`jknbridge run` lain ({who}) sedang memakai buku besar {file}: hentikan itu dahulu, atau pakai PostgreSQL "
        f"untuk beberapa pekerja / another `jknbridge run` holds this ledger: stop it first, or use PostgreSQL"
    )
