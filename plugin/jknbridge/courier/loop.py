"""The courier's loops: due work, doubts and facts, each woken by what happens and otherwise asleep until the next due
time.

Only wiring: what may be sent is decided in ``take.py``, what an answer means in ``outcomes.py``, what a finding
allows in ``doubts.py``. Nothing here is retried in memory: whatever goes wrong between two ledger writes is found
again in the ledger."""

from __future__ import annotations

import asyncio
import contextlib
import traceback
from collections import defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import structlog
from sqlalchemy import Connection

from jknbridge import customs
from jknbridge.courier import doubts, due, outcomes
from jknbridge.courier import take as taking
from jknbridge.courier.calls import Prepared
from jknbridge.errors import LedgerBusy
from jknbridge.ledger import facts as fact_rows
from jknbridge.ledger import offsets
from jknbridge.reasons import Reason, register_all
from jknbridge.targets import (
    CannotTell,
    Client,
    CredentialRefused,
    Finding,
    Instance,
    Later,
    Outcome,
    Question,
    Unknown,
    Verb,
)

if TYPE_CHECKING:
    from jknbridge.host import Host

register_all(
    {
        "galat.klien": (
            "Galat klien {target}: {error}. Hasilnya sedang dicari tahu; laporkan kepada pembuat adaptor",
            "The client for {target} failed ({error}); finding out what came of it",
            "integrator",
        ),
    }
)

T = TypeVar("T")
log = structlog.get_logger("jknbridge.courier")
_WITNESS = 60.0  # a broker that is not there longer than this does not hold up effects: they are looked up first
_BATCH = 64
_READS = 20
"""Requests that a client may need for one question: the pages of a list, a history, a second look."""


class Courier:
    """Closes the difference between what is desired and what is held, for every instance this host serves."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self._clients: dict[str, Client] = {}
        self._hands: dict[int, str | None] = {}
        self._probing: set[str] = set()
        self._checking: set[int] = set()
        self._asking: set[int] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._turn = asyncio.Lock()
        self._first = 0
        self.stopping = False

    @property
    def busy(self) -> bool:
        """Whether anything is under way."""
        return bool(self._tasks)

    def client(self, instance: Instance) -> Client:
        if instance.name not in self._clients:
            adapter = self._host.instances.adapters[instance.target]
            self._clients[instance.name] = adapter.client(instance, self._host.http(instance))
        return self._clients[instance.name]

    # --- due work ----------------------------------------------------------------------------------------------------

    async def work(self) -> None:
        """Take due work and send it, until stopped."""
        wake = self._host.wakes.work
        if self._host.unwitnessed:  # a restored backup would send what the lost part of it sent already
            await self._host.clock.wait(_WITNESS, self._host.witnessed)
        while not self.stopping:
            wake.clear()
            async with self._turn:  # so that a stop does not come between an intent and its request
                taken = await self._write(self._take, urgent=True)
                # Only now: the write may have been run twice, or undone and tried again.
                for prepared in (*taken.intents, *taken.snapshots):
                    self._hands[prepared.submission] = prepared.lane
                for prepared in taken.intents:
                    self._host.limits.taken(prepared.call.instance)  # before the next look at what is free
                    self._spawn(self._send_taken(prepared))
                for prepared in taken.snapshots:
                    self._spawn(self._snapshot(prepared))
            if not taken.intents and not taken.snapshots:
                await self._sleep(wake, due.next_work)

    def _take(self, connection: Connection) -> taking.Taken:
        desk = self._host.desk()
        self._first += 1  # instances that share a credential share its places, by turns
        order = list(self._host.instances)
        first = self._first % max(len(order), 1)
        free = {i.name: self._host.limits.free(i) for i in (*order[first:], *order[:first])}
        return taking.take(
            connection,
            desk,
            self._context(free, cautious=bool(self._host.unwitnessed) or offsets.cautious(connection, desk.now)),
        )

    def _context(
        self, free: dict[str, int], snapshots: dict[int, Any] | None = None, *, cautious: bool = False
    ) -> taking.TakeContext:
        host = self._host
        return taking.TakeContext(
            instances=host.instances,
            free=free,
            ours=frozenset(self._hands),
            lanes=frozenset(lane for lane in self._hands.values() if lane),
            brake=host.settings.rem,
            worker=host.worker,
            late_effect=host.settings.waktu.late_effect,
            snapshots=snapshots or {},
            cautious=cautious,
        )

    async def _send_taken(self, prepared: Prepared) -> None:
        try:
            await self._send(prepared)
        finally:
            self._hands.pop(prepared.submission, None)
            await self._host.limits.given_back(prepared.call.instance)
            self._host.wakes.work.set()

    async def _send(self, prepared: Prepared) -> None:
        """Send, and write what came of it. The caller holds a place."""
        instance = prepared.call.instance
        outcome = await self._outcome(prepared)
        self._judge(instance, outcome)
        if isinstance(outcome, CredentialRefused):
            await self.close(instance, outcome.reason)
        await self._settle(prepared.request, outcome)

    async def _outcome(self, prepared: Prepared) -> Outcome:
        instance = prepared.call.instance
        try:
            sent = self.client(instance).send(prepared.call)
            return customs.outcome(await customs.called(sent, self._patience(1)))
        except Exception as error:  # a defect of the client; the request may have left, so the outcome is unknown
            return Unknown(_defect(instance, error))

    async def _settle(self, request: str, outcome: Outcome) -> None:
        waktu = self._host.settings.waktu
        await self._write(lambda c: outcomes.settle(c, self._host.desk(), request, outcome, waktu), urgent=True)
        self._host.wakes.after_change()

    async def _snapshot(self, prepared: Prepared) -> None:
        """Read the rows under the parent, then write the intent with them and send."""
        instance = prepared.call.instance
        try:
            async with self._host.limits.place(instance):
                if not self._host.may_ask(instance):
                    return  # closed or paused while it waited for its place
                rows = await self._read_snapshot(prepared)
                if isinstance(rows, Later | CredentialRefused):
                    self._judge(instance, rows)
                    if isinstance(rows, CredentialRefused):
                        await self.close(instance, rows.reason)
                    at = self._host.clock.now() + outcomes.backoff(2, self._host.settings.waktu)
                    await self._write(lambda c: due.put_off(c, prepared.submission, at))
                    return
                taken = await self._write(lambda c: self._take_with(c, prepared, rows), urgent=True)
                for intent in taken.intents:
                    await self._send(intent)
        finally:
            self._hands.pop(prepared.submission, None)
            self._host.wakes.work.set()

    async def _read_snapshot(self, prepared: Prepared) -> Sequence[Any] | Later | CredentialRefused:
        instance = prepared.call.instance
        try:
            read = self.client(instance).snapshot(prepared.call)
            return customs.snapshot(await customs.called(read, self._patience(_READS)))
        except Exception as error:
            return Later(_defect(instance, error))

    def _take_with(self, connection: Connection, prepared: Prepared, rows: Sequence[Any]) -> taking.Taken:
        context = self._context({}, {prepared.submission: rows})
        return taking.take_one(connection, self._host.desk(), context, prepared)

    # --- doubts ------------------------------------------------------------------------------------------------------

    async def settle_doubts(self) -> None:
        """Probe what is in doubt, one reading for all questions it answers, until stopped."""
        wake = self._host.wakes.doubts
        while not self.stopping:
            wake.clear()
            open_ = await self._read(self._doubts_due)
            groups: dict[str, list[doubts.Open]] = defaultdict(list)
            for one in open_:
                groups[one.instance].append(one)
            for name, group in groups.items():
                self._probing |= {one.request for one in group}
                self._spawn(self._probe(self._host.instances.by_name[name], group))
            checks = await self._read(self._checks_due)
            for submission, look in checks:
                self._checking.add(submission)
                self._spawn(self._check(submission, look))
            if not groups and not checks:
                await self._sleep(wake, due.next_doubt)

    def _doubts_due(self, connection: Connection) -> list[doubts.Open]:
        """Of each instance by itself: what may not be asked in one must not fill the batch of another."""
        host, desk, found = self._host, self._host.desk(), []
        for instance in filter(host.may_ask, host.instances):
            open_ = doubts.due(connection, desk, host.instances, instance.name, _BATCH, self._probing)
            found += [one for one in open_ if not _repeats(one) or host.limits.free(instance) > 0]
        return found

    def _checks_due(self, connection: Connection) -> list[tuple[int, doubts.Open | None]]:
        host, desk = self._host, self._host.desk()
        found: list[tuple[int, doubts.Open | None]] = []
        for instance in filter(host.may_ask, host.instances):
            found += doubts.checks_due(connection, desk, host.instances, instance.name, _BATCH, self._checking)
        return found

    async def _probe(self, instance: Instance, group: list[doubts.Open]) -> None:
        try:
            ask = [one for one in group if not _repeats(one)]
            for one in group:
                if _repeats(one):
                    await self._repeat(instance, one)
            if ask:
                async with self._host.limits.place(instance):
                    if not self._host.may_ask(instance):
                        return
                    read_at = self._host.clock.now()
                    findings = await self._findings(instance, ask)
                    away = await self._unreachable(instance, ask, findings)
                if not away:
                    for one, finding in zip(ask, findings, strict=True):
                        await self._found_out(one.request, finding, read_at)
        finally:
            self._probing -= {one.request for one in group}
            self._host.wakes.doubts.set()

    async def _findings(self, instance: Instance, group: list[doubts.Open]) -> Sequence[Finding]:
        self._host.counters["probes"] += len(group)
        try:
            asked = self.client(instance).probe([one.doubt for one in group])
            found = await customs.called(asked, self._patience(_READS * len(group)))
            return customs.findings(found, len(group))
        except Exception as error:
            return [CannotTell(_defect(instance, error))] * len(group)

    async def _unreachable(self, instance: Instance, group: list[doubts.Open], findings: Sequence[Finding]) -> bool:
        """Whether the reads failed because the target as a whole did: then nothing was found out, and no doubt is
        older for it. Its circuit opens, or its credential closes, as after any other call."""
        causes = [f.cause for f in findings if isinstance(f, CannotTell) and f.cause is not None]
        for cause in causes[:1]:
            self._judge(instance, cause)
            if isinstance(cause, CredentialRefused):
                await self.close(instance, cause.reason)
        away = len(causes) == len(findings) and any(isinstance(c, CredentialRefused) or c.busy for c in causes)
        if away:
            pause = max(self._host.limits.pause(instance), self._host.settings.waktu.retry_first)
            until = self._host.clock.now() + pause
            await self._write(lambda c: doubts.postpone(c, [one.request for one in group], until))
        return away

    async def _found_out(self, request: str, finding: Finding, read_at: float) -> None:
        waktu = self._host.settings.waktu
        await self._write(lambda c: doubts.found_out(c, self._host.desk(), request, finding, read_at, waktu))
        self._host.wakes.after_change()

    async def _repeat(self, instance: Instance, one: doubts.Open) -> None:
        host = self._host
        async with host.limits.place(instance):
            if not host.limits.may_send(instance):
                return  # it is a request with an effect: not from a shadow, nor into a closed door
            prepared = await self._write(
                lambda c: doubts.repeat(c, host.desk(), one.request, host.instances, host.worker), urgent=True
            )
            if prepared is not None:
                await self._send(prepared)

    async def _check(self, submission: int, one: doubts.Open | None) -> None:
        try:
            if one is None:
                await self._write(lambda c: doubts.unchecked(c, submission))
                return
            instance = self._host.instances.by_name[one.instance]
            async with self._host.limits.place(instance):
                if not self._host.may_ask(instance):
                    return
                findings = await self._findings(instance, [one])
            waktu = self._host.settings.waktu
            await self._write(lambda c: doubts.checked(c, self._host.desk(), submission, findings[0], waktu))
        finally:
            self._checking.discard(submission)
            self._host.wakes.doubts.set()

    # --- facts -------------------------------------------------------------------------------------------------------

    async def ask_facts(self) -> None:
        """Ask what adapters missed, until stopped."""
        wake = self._host.wakes.facts
        while not self.stopping:
            wake.clear()
            questions = await self._read(self._facts_due)
            for fact_id, name, question, tries in questions:
                self._asking.add(fact_id)
                self._spawn(self._ask(fact_id, self._host.instances.by_name[name], question, tries))
            if not questions:
                await self._sleep(wake, due.next_fact)

    def _facts_due(self, connection: Connection) -> list[tuple[int, str, Question, int]]:
        host, now = self._host, self._host.clock.now()
        found: list[tuple[int, str, Question, int]] = []
        for instance in filter(host.may_ask, host.instances):
            found += fact_rows.due(connection, host.ledger.vault, now, instance.name, _BATCH, self._asking)
        return found

    async def _ask(self, fact_id: int, instance: Instance, question: Question, tries: int) -> None:
        host = self._host
        try:
            async with host.limits.place(instance):
                if not host.may_ask(instance):
                    return  # one refused log-in is enough: those behind it are not sent after it
                try:
                    asked = self.client(instance).ask(question)
                    answer = customs.answer(await customs.called(asked, self._patience(_READS)))
                except Exception as error:
                    answer = Later(_defect(instance, error))
                if isinstance(answer, Later | CredentialRefused):
                    self._judge(instance, answer)
                else:
                    host.limits.well(instance)
                if isinstance(answer, CredentialRefused):
                    await self.close(instance, answer.reason)  # before the next one gets the place
            now = host.clock.now()
            retry = now + outcomes.backoff(tries + 1, host.settings.waktu)
            await self._write(lambda c: fact_rows.answered(c, host.ledger.vault, fact_id, answer, now, retry))
        finally:
            self._asking.discard(fact_id)
            host.wakes.facts.set()
            host.wakes.plan.set()

    # --- shared ------------------------------------------------------------------------------------------------------

    def _patience(self, requests: int) -> float:
        """How long a client may take over so many requests: each is bounded by ``total``, and one more for what lies
        between. A client that hangs keeps its own instance's place no longer than this."""
        return self._host.settings.waktu.total * (requests + 1)

    def _judge(self, instance: Instance, outcome: object) -> None:
        """What one answer says about the whole target."""
        if isinstance(outcome, Later) and outcome.busy:
            self._host.limits.unwell(instance, outcome.after)
        elif not isinstance(outcome, Unknown | Later):
            self._host.limits.well(instance)

    async def close(self, instance: Instance, reason: Reason) -> None:
        """Nothing is sent with this credential any more, by any worker, until its secret changes."""
        key, secret = instance.settings.limit_key, self._host.secret_hmac(instance)
        self._host.limits.closed.add(key)
        log.error("credential refused, closed", facility=instance.facility, target=instance.target, reason=reason.code)
        now = self._host.clock.now()
        await self._write(lambda c: outcomes.close_credential(c, key, secret, reason, now))

    async def _write(self, job: Callable[[Connection], T], *, urgent: bool = False) -> T:
        """Write, for as long as it takes: an answer in hand is not thrown away because the disk is full."""
        pause = 0.05
        while True:
            try:
                return await self._host.ledger.write(job, urgent=urgent)
            except LedgerBusy as error:
                log.error("ledger not written, trying again", error=str(error))
                await asyncio.sleep(pause)
                pause = min(pause * 2, 5.0)

    async def _read(self, job: Callable[[Connection], T]) -> T:
        return await self._host.ledger.read(job)

    async def _sleep(self, wake: asyncio.Event, next_due: Callable[[Connection], float | None]) -> None:
        at = await self._read(next_due)
        now = self._host.clock.now()
        held_up = min((p for i in self._host.instances if (p := self._host.limits.pause(i)) > 0), default=3600.0)
        wait = 3600.0 if at is None else max(at - now, 0.0)
        if at is not None and at <= now:
            wait = min(held_up, 1.0)  # due, but its place, circuit or credential does not allow it yet
        await self._host.clock.wait(min(wait, held_up) if wait else held_up, wake)

    def _spawn(self, work: Any) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("courier task failed", error=type(error).__name__, where=_where(error))
            self._host.failed(error)

    async def drain(self) -> None:
        """Let what is under way come to its end; nothing new is started. What a client holds up beyond its patience is
        cut off: its request stays *sending* in the ledger and is asked about at the next start."""
        self.stopping = True
        self._host.witnessed.set()
        self._host.wakes.all()
        now = asyncio.get_running_loop().time
        until = now() + self._patience(1)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout_at(until), self._turn:
                pass
        while self._tasks and now() < until:
            await asyncio.wait(set(self._tasks), timeout=until - now())
        if left := set(self._tasks):
            log.warning("drain cuts off", tasks=len(left))
            for task in left:
                task.cancel()
            await asyncio.wait(left, timeout=1.0)


def _defect(instance: Instance, error: Exception) -> Reason:
    """A defect of the client as a reason: what kind of error, never its text, which may quote a person."""
    kind = str(error) if isinstance(error, customs.Defect) else type(error).__name__
    log.error("client failed", target=instance.target, facility=instance.facility, error=kind)
    return Reason.of("galat.klien", target=instance.target, error=kind)


def _repeats(one: doubts.Open) -> bool:
    operation = one.doubt.call.kind.operation(one.doubt.call.verb)
    return operation is not None and operation.repeat_safe and one.doubt.call.verb is Verb.EDIT


def _where(error: BaseException) -> str:
    """The place in the program, without the text of the error: that may quote a person."""
    frames = traceback.extract_tb(error.__traceback__)
    return f"{Path(frames[-1].filename).name}:{frames[-1].lineno} {frames[-1].name}" if frames else "-"
