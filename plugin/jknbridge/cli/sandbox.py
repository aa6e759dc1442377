"""``jknbridge sandbox``: the simulated targets on one local port (DESIGN §8)."""

from __future__ import annotations

import asyncio
import json
import os
import signal
from typing import TYPE_CHECKING

import click

from jknbridge.cli.common import App, pass_app, shared_options

if TYPE_CHECKING:
    from jknbridge.sandbox.server import Sandbox


@click.command()
@click.option(
    "--port", type=click.IntRange(0, 65535), default=0, show_default=True, help="0: porta bebas / any free one"
)
@click.option(
    "--target", "names", multiple=True, help="Hanya tujuan ini / only this target (boleh berulang / repeatable)"
)
@click.option("--seed", type=int, default=0, show_default=True, help="Benih acak gangguan / seed of the faults")
@click.option(
    "--print-config",
    is_flag=True,
    help="Cetak TOML yang menunjuk ke sini; dengan --port tertentu lalu selesai / print the TOML that points here",
)
@shared_options
@pass_app
def sandbox(app: App, port: int, names: tuple[str, ...], seed: int, print_config: bool) -> None:
    """Layanan BPJS tiruan untuk mencoba; hanya data sintetis / simulated targets to try against; synthetic data only.

    Mencetak satu baris JSON {"port", "pid"} begitu siap / prints one JSON line once it listens. Admin: /_sandbox/*.
    """
    from jknbridge.clock import SystemClock
    from jknbridge.sandbox.server import Sandbox

    clock = app.clock or SystemClock()
    factories = app.plugins.sandboxes()
    if unknown := sorted(set(names) - set(factories)):
        raise click.UsageError(
            f"tidak ada tujuan / no target {', '.join(unknown)}; ada / there is: {', '.join(factories)}"
        )
    targets = [make(clock) for name, make in factories.items() if not names or name in names]
    made = Sandbox(targets, clock=clock.now, seed=seed)
    if print_config and port:
        made.port = port
        click.echo(made.print_config(), nl=False)
        return
    try:
        asyncio.run(_serve(made, port, print_config))
    except OSError as error:
        raise click.UsageError(f"porta / port {port}: {error.strerror}") from error


async def _serve(made: Sandbox, port: int, print_config: bool) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    await made.start(port)
    try:
        # One line, flushed: whoever started us reads it to learn the port. Without --port it is known only now.
        click.echo(json.dumps({"port": made.port, "pid": os.getpid(), "targets": sorted(made.targets)}))
        if print_config:
            click.echo(made.print_config(), nl=False)
        await stop.wait()
    finally:
        await made.stop()
