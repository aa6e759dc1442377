"""Reconciliation: list reads of a facility's day against what we hold there (DESIGN §4 step 9).

Staff type in BPJS's own web pages too. What they deleted is noted as gone: *held* becomes absent, the contact is
retracted and the submission is parked, never added again by itself. What they typed is foreign: noted and left alone. A
reading that cannot be believed concludes nothing. Only list reads are sent from here, never a request with an effect.

:func:`reconcile` is one round, for the command; :func:`nightly` is the loop of a running worker. What a reading means
is in :mod:`jknbridge.reconciling_match`, what is written in :mod:`jknbridge.reconciling_ledger`.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

import structlog
from sqlalchemy import Connection, select

from jknbridge.clock import utc
from jknbridge.errors import LedgerBusy
from jknbridge.http import Http
from jknbridge.ledger import schema as s
from jknbridge.ledger.sql import upsert
from jknbridge.reasons import Reason, register_all
from jknbridge.reconciling_ledger import Concluded, Noted, Rules, conclude, held_for, unread
from jknbridge.reconciling_match import Ours
from jknbridge.reconciling_settings import RekonsiliasiSettings
from jknbridge.settings import Mode
from jknbridge.targets import Client, CredentialRefused, Day, Held, Instance

if TYPE_CHECKING:
    from jknbridge.host import Host

register_all(
    {
        "rekonsiliasi.mode": (
            "Tidak dibaca: mode faskes ini untuk tujuan ini adalah {mode}",
            "Not read: this facility's mode at this target is {mode}",
            "IT",
        ),
        "rekonsiliasi.tertutup": (
            "Tidak dibaca: kredensial ditutup, sisi sana sedang tidak menjawab, atau jam pemeliharaan",
            "Not read: the credential is closed, the target does not answer, or it is under maintenance",
            "IT",
        ),
        "rekonsiliasi.dilewati": (
            "Tidak dibaca: bacaan sebelumnya dengan kredensial ini gagal",
            "Not read: an earlier reading with this credential failed",
            "IT",
        ),
        "rekonsiliasi.galat": (
            "Galat adaptor saat membaca: {error}. Tidak ada yang disimpulkan; laporkan kepada pembuat adaptor",
            "The adapter failed while reading ({error}); nothing is concluded",
            "integrator",
        ),
    }
)

T = TypeVar("T")
ClientOf: TypeAlias = Callable[[Instance], Client]
log = structlog.get_logger("jknbridge.reconciling")
_AT_ONCE = 4
_LOOK_AGAIN = 300.0
"""Seconds until a night that may not be read yet (paused, closed) is looked at again."""


@dataclass(frozen=True, slots=True)
class DayReport:
    """One instance's day. ``outcome``: ``read``, ``unread`` (not believed, or held by the brake) or ``skipped``."""

    instance: Instance
    day: date
    outcome: str
    reason: Reason
    same: int = 0
    undecided: int = 0
    noted: tuple[Noted, ...] = ()

    def counts(self) -> dict[str, int]:
        found = Counter(one.outcome for one in self.noted)
        return {
            "same": self.same,
            "gone": found["gone"],
            "changed": found["changed"],
            "foreign": found["foreign"],
            "undecided": self.undecided,
        }

    def to_json(self, *, rows: bool = False) -> dict[str, Any]:
        """Plain JSON; ``rows`` adds what the target showed, which may be personal."""
        return {
            "instance": self.instance.name,
            "facility": self.instance.facility,
            "target": self.instance.target,
            "day": self.day.isoformat(),
            "outcome": self.outcome,
            "reason": self.reason.to_json(),
            **self.counts(),
            "noted": [
                {
                    "outcome": one.outcome,
                    "kind": one.kind,
                    "key": one.key,
                    "submission": one.submission,
                    "values": dict(one.values),
                    "reason": one.reason.to_json(),
                    **({"row": dict(one.row)} if rows else {}),
                }
                for one in self.noted
            ],
        }


def days_back(instance: Instance, now: float, many: int) -> list[date]:
    """The facility's current calendar day and those before it, ``many`` in all, newest first."""
    today = utc(now).astimezone(instance.facility_settings.zone).date()
    return [today - timedelta(days=back) for back in range(many)]


async def reconcile(
    host: Host, wanted: Iterable[tuple[Instance, Sequence[date]]], client_of: ClientOf, *, release: bool = False
) -> list[DayReport]:
    """Read each day and conclude what it allows. A credential whose reading failed is not tried again in this round: a
    wrong password asked for day after day locks the account at the target."""
    reports: list[DayReport] = []
    failed: set[str] = set()
    for instance, days in wanted:
        for day in days:
            reason = _not_now(host, instance, failed)
            if reason is not None:
                reports.append(DayReport(instance, day, "skipped", reason))
                continue
            report, believed = await _one_day(host, instance, day, client_of(instance), release=release)
            reports.append(report)
            if not believed:
                failed.add(instance.settings.limit_key)
    return reports


def _not_now(host: Host, instance: Instance, failed: set[str]) -> Reason | None:
    if instance.settings.limit_key in failed:
        return Reason.of("rekonsiliasi.dilewati")
    if instance.settings.mode is Mode.JEDA:  # a shadow reads and compares
        return Reason.of("rekonsiliasi.mode", mode=instance.settings.mode.value)
    return None if host.may_ask(instance) else Reason.of("rekonsiliasi.tertutup")


async def _one_day(
    host: Host, instance: Instance, day: date, client: Client, *, release: bool
) -> tuple[DayReport, bool]:
    held = await host.ledger.read(lambda c: held_for(c, host.desk(), host.instances, instance, day))
    async with host.limits.place(instance):
        began = host.clock.now()
        read = await _read(client, instance, day, held)
    if isinstance(read.cause, CredentialRefused):
        await host.courier.close(instance, read.cause.reason)
    rules = Rules(host.settings.waktu.visibility, host.settings.rem, release)

    def write(connection: Connection) -> Concluded:
        if read.rows is None:
            reason = read.reason or Reason.of("rekonsiliasi.galat", error="Day")
            return unread(connection, host.desk(), instance, day, reason)
        return conclude(connection, host.desk(), instance, held, day, read, began, rules)

    came_to = await _patiently(host, write)
    host.wakes.after_change()
    noted = tuple(came_to.noted)
    report = DayReport(instance, day, came_to.outcome, came_to.reason, came_to.same, came_to.undecided, noted)
    log.info(
        "reconciled", facility=instance.facility, target=instance.target, day=day.isoformat(), outcome=report.outcome,
        reason=report.reason.code, **report.counts(),
    )  # fmt: skip
    return report, read.rows is not None


async def _read(client: Client, instance: Instance, day: date, held: Sequence[Ours]) -> Day:
    try:
        return await client.day(day, [Held(ours.call) for ours in held])
    except Exception as error:  # a defect of the client must not stop the round of the other facilities
        log.error("reading a day failed", target=instance.target, error=type(error).__name__)
        return Day(None, Reason.of("rekonsiliasi.galat", error=type(error).__name__))


async def _patiently(host: Host, job: Callable[[Connection], T]) -> T:
    """Write for as long as it takes: `run` or a command may hold the ledger."""
    pause = 0.05
    while True:
        try:
            return await host.ledger.write(job)
        except LedgerBusy as error:
            log.error("ledger not written, trying again", error=str(error))
            await asyncio.sleep(pause)
            pause = min(pause * 2, 5.0)


@asynccontextmanager
async def own_clients(host: Host) -> AsyncIterator[ClientOf]:
    """Clients of a process that reconciles beside `run`, with connections of their own."""
    https: dict[str | None, Http] = {}
    clients: dict[str, Client] = {}

    def client_of(instance: Instance) -> Client:
        if instance.name not in clients:
            waktu, proxy = host.settings.waktu, instance.settings.proxy
            if proxy not in https:
                https[proxy] = Http(connect=waktu.connect, total=waktu.total, proxy=proxy)
            clients[instance.name] = host.instances.adapters[instance.target].client(instance, https[proxy])
        return clients[instance.name]

    try:
        yield client_of
    finally:
        for http in https.values():
            await http.close()


# --- every night -----------------------------------------------------------------------------------------------------


async def nightly(host: Host, rules: RekonsiliasiSettings) -> None:
    """Reconcile each instance once a night at ``rules.jam`` on its facility's clock, until cancelled.

    A night that the worker slept through is caught up when it comes back. The night is claimed in the ledger before
    it is read, so that of several workers one does it; a worker that dies over it loses that night, and the next one
    reads the same days again (``hari``).
    """
    gate = asyncio.Semaphore(_AT_ONCE)
    while rules.aktif:
        now = host.clock.now()
        last = await _patiently(host, lambda c: _last_nights(c, host, rules))
        due = [i for i in host.instances if _night(i, rules, now) > last[i.name]]
        free = [i for i in due if _not_now(host, i, set()) is None]
        await asyncio.gather(*(_one_night(host, instance, rules, gate) for instance in free))
        wait = min((_until_next(i, rules, host.clock.now()) for i in host.instances), default=86400.0)
        await host.clock.wait(min(wait, _LOOK_AGAIN) if len(free) < len(due) else wait, asyncio.Event())


async def _one_night(host: Host, instance: Instance, rules: RekonsiliasiSettings, gate: asyncio.Semaphore) -> None:
    async with gate:
        night = _night(instance, rules, host.clock.now())
        if await _patiently(host, lambda c: _claim_night(c, host, instance, night)):
            days = days_back(instance, host.clock.now(), rules.hari)
            await reconcile(host, [(instance, days)], host.courier.client)


def _local(instance: Instance, now: float) -> datetime:
    return utc(now).astimezone(instance.facility_settings.zone)


def _night(instance: Instance, rules: RekonsiliasiSettings, now: float) -> str:
    """The newest night whose hour has come, as a date."""
    local = _local(instance, now)
    return (local.date() if local.time() >= rules.jam else local.date() - timedelta(days=1)).isoformat()


def _until_next(instance: Instance, rules: RekonsiliasiSettings, now: float) -> float:
    local = _local(instance, now)
    day = local.date() if local.time() < rules.jam else local.date() + timedelta(days=1)
    return max(datetime.combine(day, rules.jam, local.tzinfo).timestamp() - now, 1.0)


def _name(host: Host, instance: Instance) -> str:
    return f"rekonsiliasi|{host.ledger.vault.hmac('night', instance.name)[:40]}"


def _last_nights(connection: Connection, host: Host, rules: RekonsiliasiSettings) -> dict[str, str]:
    """The last night read, by instance. An instance seen for the first time begins with its next night."""
    known = {row.name: row.value for row in connection.execute(select(s.meta))}
    found = {}
    for instance in host.instances:
        name = _name(host, instance)
        found[instance.name] = known.get(name) or _night(instance, rules, host.clock.now())
        if name not in known:
            upsert(connection, s.meta, [{"name": name, "value": found[instance.name]}], ("name",))
    return found


def _claim_night(connection: Connection, host: Host, instance: Instance, night: str) -> bool:
    c = s.meta.c
    claimed = connection.execute(
        s.meta.update().where(c.name == _name(host, instance), c.value < night).values(value=night)
    )
    return bool(claimed.rowcount)
