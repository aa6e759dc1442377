"""SATUSEHAT (Kemenkes, FHIR R4): Encounter, Condition, Observation and what else a visit leaves in the national record.

Hook implementations only. Open ``rules.py`` for the platform's rule table and ``rules_check.py`` for how it is applied;
``sandbox/`` is the simulated platform. Adapter and sandbox judge by the same rules: what the one lets out the other
takes. Contract: satusehat. Not for KYC, KFA and master data, whose paths the sandbox does not serve.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from jknbridge.spec import hookimpl

if TYPE_CHECKING:
    from jknbridge.clock import Clock
    from jknbridge.sandbox.target import SandboxTarget


@hookimpl
def jknbridge_sandboxes() -> Mapping[str, Callable[[Clock], SandboxTarget]]:
    return {"satusehat": _sandbox}


def _sandbox(clock: Clock) -> SandboxTarget:
    """Imported only when a sandbox starts: a worker never loads the simulated target."""
    from jknbridge_adapters.satusehat.sandbox import make_sandbox

    return make_sandbox(clock.now)
