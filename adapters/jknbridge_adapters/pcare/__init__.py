"""PCare (FKTP): registrations, visits and drugs of primary care. Hook implementations only; open ``adapter.py`` next.

Contract: pcare (all), bpjs-auth, kontak §2-§4. Not for Antrean, iCare or VClaim, which are targets of their own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from jknbridge.spec import hookimpl

if TYPE_CHECKING:
    from jknbridge.clock import Clock
    from jknbridge.sandbox.target import SandboxTarget
    from jknbridge.targets import Adapter


@hookimpl
def jknbridge_adapters() -> Sequence[Adapter]:
    from jknbridge_adapters.pcare.adapter import PCareAdapter

    return [PCareAdapter()]


@hookimpl
def jknbridge_sandboxes() -> Mapping[str, Callable[[Clock], SandboxTarget]]:
    return {"pcare": _sandbox}


def _sandbox(clock: Clock) -> SandboxTarget:
    """Imported only when a sandbox starts: a worker never loads the simulated target."""
    from jknbridge_adapters.pcare.sandbox import make_sandbox

    return make_sandbox(clock.now)
