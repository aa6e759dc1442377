"""How the ledger is opened and written: one writer thread with group commit, readers beside it (DESIGN §6).

Every write is a function of a connection, run inside a transaction that many jobs share: jobs queue, the writer takes
all that wait, commits once and wakes everybody. So a thousand small writes a second cost a few fsyncs. Intents go
before intake (``urgent``). A job's result is handed out only after the commit."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import os
import queue
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine, create_engine, event, select
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError, IntegrityError, OperationalError
from sqlalchemy.pool import QueuePool, StaticPool

from jknbridge import checkpoints
from jknbridge.errors import LedgerBusy, StartRefused
from jknbridge.ledger import schema
from jknbridge.ledger.migrate import bring_up_to_date
from jknbridge.ledger.vault import Vault, master_key
from jknbridge.settings import LedgerSettings

T = TypeVar("T")
_URGENT, _NORMAL, _STOP = 0, 1, 2


@dataclass(order=True)
class _Job:
    rank: int
    order: int
    run: Callable[[Connection], Any] = field(compare=False)
    done: Future[Any] = field(compare=False)


class Ledger:
    """One open ledger: ``read`` and ``write`` for asyncio, ``read_now`` and ``write_now`` for threads and commands."""

    def __init__(self, engine: Engine, vault: Vault, ledger_id: str, key_made: Path | None = None) -> None:
        self._engine = engine
        self.vault = vault
        self.id = ledger_id
        self.key_made = key_made
        self._jobs: queue.PriorityQueue[_Job] = queue.PriorityQueue()
        self._orders = itertools.count()
        self._writer = threading.Thread(target=self._write_loop, name="ledger-writer", daemon=True)
        self._writer.start()
        self._closed = False
        self._committed: Callable[[], None] = lambda: None
        self._rolled_back: Callable[[], None] = lambda: None
        self._watch: Connection | None = None

    # --- asyncio side ------------------------------------------------------------------------------------------------

    async def write(self, job: Callable[[Connection], T], *, urgent: bool = False) -> T:
        """Run ``job`` in the writer's next transaction; returns after the commit. Raises what ``job`` raises."""
        return await asyncio.wrap_future(self._submit(job, urgent))

    async def read(self, job: Callable[[Connection], T]) -> T:
        return await asyncio.to_thread(self.read_now, job)

    # --- threads and commands ----------------------------------------------------------------------------------------

    def write_now(self, job: Callable[[Connection], T], *, urgent: bool = False) -> T:
        return self._submit(job, urgent).result()

    def read_now(self, job: Callable[[Connection], T]) -> T:
        with self._engine.connect() as connection:
            return job(connection)

    def version(self) -> int:
        """A number that moves when anybody commits (SQLite), so that what a command decided is looked at at once."""
        if self._engine.dialect.name != "sqlite":
            return int(time.monotonic())
        if self._watch is None:  # the number is only comparable on one connection
            self._watch = self._engine.connect().execution_options(isolation_level="AUTOCOMMIT")
        number = int(self._watch.exec_driver_sql("PRAGMA data_version").scalar_one())
        self._watch.rollback()  # inside a transaction the number would stand still
        return number

    def on_commit(self, committed: Callable[[], None], rolled_back: Callable[[], None]) -> None:
        """What the writer thread calls after each commit or roll-back: for caches of what a transaction made."""
        self._committed, self._rolled_back = committed, rolled_back

    @property
    def dialect(self) -> str:
        return self._engine.dialect.name

    def close(self) -> None:
        if not self._closed:
            self._closed = True
            self._jobs.put(_Job(_STOP, next(self._orders), lambda _: None, Future()))
            self._writer.join(timeout=30)
            if self._watch is not None:
                self._watch.close()
            self._engine.dispose()

    # --- the writer --------------------------------------------------------------------------------------------------

    def _submit(self, job: Callable[[Connection], T], urgent: bool) -> Future[T]:
        if self._closed:
            raise LedgerBusy("the ledger is closed")
        done: Future[T] = Future()
        self._jobs.put(_Job(_URGENT if urgent else _NORMAL, next(self._orders), job, done))
        return done

    def _write_loop(self) -> None:
        while True:
            batch = [self._jobs.get()]
            with contextlib.suppress(queue.Empty):
                while len(batch) < 256:
                    batch.append(self._jobs.get_nowait())
            stop = any(job.rank == _STOP for job in batch)
            # A job whose caller was cancelled is dropped here; from now on it cannot be cancelled any more. Handing a
            # result to a cancelled future would end this thread, and everybody after it would wait for ever.
            work = [job for job in batch if job.rank != _STOP and job.done.set_running_or_notify_cancel()]
            if work:
                self._commit(work)
            if stop:
                return

    def _commit(self, jobs: list[_Job]) -> None:
        """All jobs in one transaction; where one fails, each again in its own, so that it undoes nobody else's work.

        A job may therefore run twice and must keep its effects inside the connection.
        """
        results: list[Any] = []
        try:
            with _writing(self._engine) as connection:
                results.extend(job.run(connection) for job in jobs)
            self._committed()
        except BaseException as error:  # whatever a job raises: without this thread everybody would wait for ever
            self._rolled_back()
            if len(jobs) > 1:
                for job in jobs:
                    self._commit([job])
            else:
                jobs[0].done.set_exception(_explained(error))
            return
        for job, result in zip(jobs, results, strict=True):
            job.done.set_result(result)


def _explained(error: BaseException) -> BaseException:
    """Trouble of the database itself (disk full, lock, gone) under a name of ours; what the job raised as it is."""
    if isinstance(error, DBAPIError) and not isinstance(error, IntegrityError):
        busy = LedgerBusy(f"the ledger could not be written: {type(error.orig).__name__}: {error.orig}")
        busy.__cause__ = error
        return busy
    return error


def open_ledger(settings: LedgerSettings, *, migrate: bool = True) -> Ledger:
    """Open (and create, migrate) the ledger. Raises :class:`StartRefused` with what to mend."""
    url = make_url(settings.url)
    engine = _engine(settings.url)
    default = None
    if url.get_backend_name() == "sqlite" and url.database:
        default = Path(url.database).with_suffix(".kunci")
    try:
        bring_up_to_date(engine, allowed=migrate)
        secret = settings.kunci.get_secret_value() if settings.kunci else None
        master, made = master_key(secret, settings.kunci_file, default)
        ledger_id, lineage = _identity(engine, Vault(master, b""))
    except OperationalError as error:
        raise StartRefused(
            f"the ledger {url.render_as_string(hide_password=True)} cannot be opened: {error.orig}"
        ) from error
    return Ledger(engine, Vault(master, lineage), ledger_id, made)


def _engine(text: str) -> Engine:
    url = make_url(text)
    if url.get_backend_name() != "sqlite":
        return create_engine(
            url, poolclass=QueuePool, pool_size=8, isolation_level="READ COMMITTED", hide_parameters=True
        )
    memory = url.database in (None, "", ":memory:")
    if not memory:  # boxes are sealed, but local ids and counts are nobody else's business either
        Path(str(url.database)).parent.mkdir(parents=True, exist_ok=True)
        os.close(os.open(str(url.database), os.O_CREAT | os.O_RDWR, 0o600))
    engine = create_engine(
        url,
        hide_parameters=True,  # an error of the database is logged, and must not quote what was to be written
        poolclass=StaticPool if memory else QueuePool,
        **({} if memory else {"pool_size": 8}),
        connect_args={"check_same_thread": False, "timeout": 30},
    )
    event.listen(engine, "connect", _configure_sqlite)
    event.listen(engine, "begin", _begin_immediate)
    return engine


def _configure_sqlite(connection: Any, _: Any) -> None:
    connection.isolation_level = None  # we say BEGIN ourselves: pysqlite's own begins too late for savepoints
    for pragma in (
        "journal_mode=WAL",
        "synchronous=FULL",  # a receipt that is lost with the power is a visit entered double
        "foreign_keys=ON",
        "busy_timeout=30000",  # commands decide work while `run` is writing
        "journal_size_limit=67108864",
    ):
        connection.execute(f"PRAGMA {pragma}").close()


def _begin_immediate(connection: Connection) -> None:
    # Read-then-write under a deferred BEGIN fails 94 % BUSY beside a second process (measured): writers say so at once.
    immediate = connection.get_execution_options().get("writer", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if immediate else "BEGIN")


def _identity(engine: Engine, vault: Vault) -> tuple[str, bytes]:
    """The ledger's id and its lineage secret (wrapped by the master key), made on the first start."""
    with _writing(engine) as connection:
        rows = {row.name: row.value for row in connection.execute(select(schema.meta))}
        if "ledger_id" not in rows:
            rows = {"ledger_id": uuid.uuid4().hex, "lineage": vault.new_key().hex(), "sequence": "0"}
            connection.execute(schema.meta.insert(), [{"name": k, "value": v} for k, v in rows.items()])
        try:
            lineage = vault.unwrap(bytes.fromhex(rows["lineage"]))
        except Exception as error:
            raise StartRefused(
                "the master key does not fit this ledger: restore the key file it was made with"
            ) from error
    return rows["ledger_id"], lineage


@contextlib.contextmanager
def _writing(engine: Engine) -> Iterator[Connection]:
    with engine.connect().execution_options(writer=True) as connection:
        with connection.begin():
            checkpoints.reached("ledger.begin")
            yield connection
            checkpoints.reached("ledger.before")
        checkpoints.reached("ledger.after")
