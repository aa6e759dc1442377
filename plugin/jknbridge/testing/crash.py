"""Children that kill themselves: SIGKILL at a named step of a whole bridge, and a clean start over the same ledger.

A :class:`Nursery` forks children from a server process that has imported everything and started no thread, so a child
costs milliseconds. A :class:`Task` says what a child does: build a host over a ledger file, run it with its edges
until ``records`` are taken in and nothing is left to do, then write a :class:`Report`; with ``kill`` it ends itself
by SIGKILL at that :class:`Step`. Without ``kill`` the report counts the steps, so that a test can go through all of
them.

Steps are those of :mod:`jknbridge.checkpoints`. A ledger transaction that wrote nothing is none (its commit changes
no byte of the file), and ``ledger.begin`` is none beside ``ledger.before``: both die before the same commit.
:func:`deaths` picks from a counted run the steps to die at.

Not for what a run came to: the sandbox's ground truth and the topics say that, in the parent.
"""

from __future__ import annotations

import asyncio
import importlib
import json
import multiprocessing
import os
import runpy
import signal
import threading
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from multiprocessing.context import ForkServerContext, ForkServerProcess
from pathlib import Path
from typing import Any, NamedTuple

_PRELOAD = ("jknbridge.host", "jknbridge.contacts", "jknbridge.testing.bench", "alembic.command", "alembic.context")
WRITES = ("INSERT", "UPDATE", "DELETE", "CREATE", "DROP", "ALTER")


class Step(NamedTuple):
    """The ``n``-th time (from 1) that the program reaches ``name``."""

    name: str
    n: int

    def __str__(self) -> str:
        return f"{self.name} #{self.n}"


@dataclass(frozen=True, slots=True)
class Task:
    """What one child does. ``plugins``: modules to register; ``records``: how many are to be taken in; ``publishes``:
    whether one of the plugins empties the outbox; ``mappings``: list → local → code, set before it starts;
    ``clock``: file of a :class:`~jknbridge.clock.SharedClock`, where the test moves time; ``first``: a Python file
    to run before anything else, where a mutation control puts a bug back."""

    folder: Path
    config: Mapping[str, Any]
    plugins: Sequence[str]
    records: int
    mappings: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    kill: Step | None = None
    publishes: bool = True
    clock: Path | None = None
    first: Path | None = None
    seconds: float = 60.0

    @property
    def report(self) -> Path:
        return self.folder / "laporan.json"

    @property
    def log(self) -> Path:
        return self.folder / "anak.log"


@dataclass(frozen=True, slots=True)
class Report:
    """What a child that came to its end saw. ``steps``: names in the order they were reached; ``rows``: (kind, local
    key, held, work, how) of each submission.
    """

    steps: Sequence[str]
    ledger: str
    rows: Sequence[Sequence[str | None]]
    counters: Mapping[str, int]

    @classmethod
    def of(cls, task: Task) -> Report:
        return cls(**json.loads(task.report.read_text()))


class Nursery:
    """Forks children. ``preload``: modules the server imports once, beside this one."""

    def __init__(self, preload: Sequence[str]) -> None:
        context = multiprocessing.get_context("forkserver")
        assert isinstance(context, ForkServerContext)
        context.set_forkserver_preload(["__main__", __name__, *_PRELOAD, *preload])
        self._context = context

    def start(self, task: Task) -> ForkServerProcess:
        """A running child; ``exitcode`` is ``-SIGKILL`` if it reached its step and 0 if all was done."""
        child = self._context.Process(target=live, args=(task,), daemon=True)
        child.start()
        return child


class Observer:
    """Counts the steps of this process and ends it at the chosen one."""

    def __init__(self, kill: Step | None) -> None:
        self._kill = kill
        self._lock = threading.Lock()
        self._wrote = False
        self._counts: Counter[str] = Counter()
        self.steps: list[str] = []

    def reached(self, name: str) -> None:
        with self._lock:
            if name == "ledger.begin":
                self._wrote = False
                return
            if name.startswith("ledger.") and not self._wrote:
                return
            self.steps.append(name)
            self._counts[name] += 1
            if self._kill == (name, self._counts[name]):
                os.kill(os.getpid(), signal.SIGKILL)

    def executing(self, connection: Any, cursor: Any, statement: str, *_: Any) -> None:
        """SQLAlchemy's ``before_cursor_execute``: only the ledger's one writer executes writing statements."""
        if statement.lstrip()[:6].upper().startswith(WRITES):
            self._wrote = True


def deaths(steps: Sequence[str]) -> list[Step]:
    """Where to die, given the steps of a whole run. Dying after a commit and dying before the next one leave the same
    bytes and the same world if nothing but ledger work lies between, so the first of such a pair is left out."""
    counts: Counter[str] = Counter()
    chosen = []
    for name, following in zip(steps, [*steps[1:], ""], strict=True):
        counts[name] += 1
        if (name, following) != ("ledger.after", "ledger.before"):
            chosen.append(Step(name, counts[name]))
    return chosen


def live(task: Task) -> None:
    """The child's whole life. Runs in a process of its own; returns when all is done."""
    from sqlalchemy import Engine, event

    from jknbridge import checkpoints

    _say_into(task.log)
    if task.first:
        runpy.run_path(str(task.first))
    observer = Observer(task.kill)
    event.listen(Engine, "before_cursor_execute", observer.executing)
    checkpoints.install(observer.reached)
    asyncio.run(_work(task, observer))


def _say_into(path: Path) -> None:
    """Both outputs of this process into a file, which tells a failing test what happened."""
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    for stream in (1, 2):
        os.dup2(handle, stream)
    os.close(handle)


async def _work(task: Task, observer: Observer) -> None:
    from jknbridge.clock import SharedClock, SystemClock
    from jknbridge.host import Host
    from jknbridge.plugins import build
    from jknbridge.settings import parse

    plugins = build([importlib.import_module(name) for name in task.plugins], entry_points=False)
    clock = SharedClock(task.clock) if task.clock else SystemClock()
    host = Host(parse(task.config, plugins), plugins, clock=clock)
    host.check_start()
    _map(host, task.mappings)
    running = asyncio.create_task(host.run())
    try:
        async with asyncio.timeout(task.seconds):
            while not (running.done() or await host.ledger.read(lambda c: _all_done(c, task))):
                await asyncio.wait({running}, timeout=0.2)
    finally:
        host.stop()
        await running
    rows = host.ledger.read_now(_rows)
    host.close()
    report = Report(observer.steps, host.ledger.id, rows, dict(host.counters))
    task.report.write_text(json.dumps(asdict(report)))


def _map(host: Any, mappings: Mapping[str, Mapping[str, str]]) -> None:
    from jknbridge.ledger import schema as s
    from jknbridge.ledger.sql import upsert

    rows = [
        {"facility": "*", "list": name, "local": local, "code": code, "set_at": 0.0, "set_by": "uji"}
        for name, pairs in mappings.items()
        for local, code in pairs.items()
    ]
    host.ledger.write_now(lambda c: upsert(c, s.mapping, rows, ("facility", "list", "local")))


def _all_done(connection: Any, task: Task) -> bool:
    """Every record taken in, no work left, every outbox row with the broker, no look for a surplus due."""
    from sqlalchemy import func, select

    from jknbridge.ledger import schema as s
    from jknbridge.testing.bench import Bench

    taken = connection.execute(select(func.sum(s.source_offset.c.next_offset))).scalar() or 0
    unsent = select(func.count()).select_from(s.outbox).where(s.outbox.c.state == "new")
    looks = select(func.count()).select_from(s.submission).where(s.submission.c.check_at.is_not(None))
    left = sum(connection.execute(query).scalar_one() for query in ((unsent, looks) if task.publishes else (looks,)))
    return taken >= task.records and not left and not Bench.open_work(connection)


def _rows(connection: Any) -> list[list[str | None]]:
    from sqlalchemy import select

    from jknbridge.ledger import schema as s

    c = s.submission.c
    return [list(row) for row in connection.execute(select(c.kind, c.key, c.held, c.work, c.how).order_by(c.id))]
