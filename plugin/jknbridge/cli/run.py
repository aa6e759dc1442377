"""``jknbridge run``: the long-running worker. It starts, stays up and says so when broker or target is not there."""

from __future__ import annotations

import asyncio
import os
import signal
from typing import TYPE_CHECKING, Any

import click

from jknbridge.cli.common import App, Exit, finish, pass_app, shared_options
from jknbridge.errors import StartRefused

if TYPE_CHECKING:
    from jknbridge.host import Host

_STATUS_SECONDS = 30.0
_LOOK_SECONDS = 5.0


@click.command()
@shared_options
@pass_app
def run(app: App) -> None:
    """Jalankan jembatan sampai dihentikan / run the bridge until it is stopped.

    SIGTERM atau SIGINT: yang sedang berjalan diselesaikan dahulu; sinyal kedua berhenti seketika. Aman: yang terputus
    dicari tahu hasilnya setelah mulai lagi. / SIGTERM or SIGINT drains, a second one ends at once. Both are safe.
    """
    import structlog

    from jknbridge.cli.process_lock import only_worker

    app.start_logs("INFO")
    log = structlog.get_logger("jknbridge.run")
    settings = app.settings
    if not settings.faskes and not settings.sumber:
        raise StartRefused(
            "tidak ada [faskes.…] maupun [sumber.…] di konfigurasi: tidak ada yang dikerjakan / neither facilities nor "
            "sources in the config: nothing to do (--config FILE)"
        )
    with only_worker(settings.ledger.url), app.host(create=True, migrate=True) as host:
        if host.ledger.key_made is not None:
            log.warning("kunci_dibuat", file=str(host.ledger.key_made), note="simpan salinannya / keep a copy of it")
        host.check_start()
        log.info("mulai", **about(app, host))
        asyncio.run(_run(host))
        log.info("selesai", worker=host.worker)
    finish(Exit.OK)


def about(app: App, host: Host) -> dict[str, Any]:
    """What this worker is about to do, for its first log line."""
    return {
        "worker": host.worker,
        "pid": os.getpid(),
        "ledger": host.ledger.id,
        "config": str(app.config_path) if app.config_path else None,
        "sources": sorted(host.settings.sumber),
        "instances": {instance.name: instance.settings.mode.value for instance in host.instances},
    }


async def _run(host: Host) -> None:
    loop = asyncio.get_running_loop()
    signals = _Signals(host)
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, signals.came, number)
    watch = asyncio.create_task(_say_how_it_stands(host))
    try:
        await host.run()
    finally:
        watch.cancel()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.remove_signal_handler(number)


class _Signals:
    """The first asks for an orderly end, the second is one."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self._asked = False

    def came(self, number: int) -> None:
        import structlog

        log = structlog.get_logger("jknbridge.run")
        if self._asked:
            log.warning("berhenti_seketika", signal=number)
            os._exit(128 + number)
        self._asked = True
        log.info("berhenti", signal=number, note="menyelesaikan yang sedang berjalan / draining")
        self._host.stop()


async def _say_how_it_stands(host: Host) -> None:
    """A line when something outside stops answering, on change, each half minute, and when all is well again."""
    import structlog

    log = structlog.get_logger("jknbridge.run")
    said, at = frozenset[str](), 0.0
    while True:
        await asyncio.sleep(_LOOK_SECONDS)
        wrong, now = troubles(host), asyncio.get_running_loop().time()
        if wrong and (wrong.keys() != said or now - at >= _STATUS_SECONDS):
            log.warning("belum_tersambung", **wrong)
            at = now
        elif said and not wrong:
            log.info("tersambung_lagi")
        said = frozenset(wrong)


def troubles(host: Host) -> dict[str, Any]:
    """What outside is not as it should be: edges not connected, targets that do not answer, closed credentials."""
    wrong: dict[str, Any] = {}
    for name, status in host.status()["edges"].items():
        if said := edge_trouble(status):
            wrong[name] = said
    for instance in host.instances:
        if instance.settings.limit_key in host.limits.closed:
            wrong[instance.name] = "kredensial ditolak / credential refused"
        elif (pause := host.limits.pause(instance)) > 0:
            wrong[instance.name] = f"dicoba lagi / tried again in {pause:.0f} s"
    return wrong


def edge_trouble(status: dict[str, Any]) -> str | None:
    """In words what an edge's status says is wrong. An edge may say it itself (``ok``); else by the usual names."""
    well = status.get("ok")
    if well is None:
        idle = status.get("phase") in ("starting", "stopped")  # nothing to read, or not begun
        well = idle or (status.get("connected", True) and status.get("waiting_since") is None)
    stopped = status.get("stopped")
    if well and not stopped:
        return None
    if stopped:
        return f"sumber berhenti / sources stopped: {len(stopped)}"
    return str(status.get("last_error") or status.get("phase") or "tidak tersambung / not connected")
