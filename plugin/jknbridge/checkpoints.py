"""Named points of the program's path, for the crash tests: SIGKILL at every ledger write, send, receive, commit,
produce.

``reached("produce.before")`` does nothing unless an observer is installed. The crash harness installs one that counts
the points of a run, then one that kills its own process at the n-th of them (DESIGN §2.2, §2.3; the issue's list of
crashes).

Not for metrics or logs, and never a place for behaviour: production code must not be able to tell whether anybody
listens. A point's name is ``<step>.<before|after>``; nothing else is passed, so no patient data can be.

=====================  ============================================================================================
``receive.after``      a batch was polled from Kafka and is not in the ledger yet
``commit.before``      the batch is durable in the ledger, its copy in Kafka is not yet committed
``commit.after``       Kafka's commit was handed to the broker
``produce.before``     an outbox row is about to be sent
``produce.after``      the broker acknowledged the row, the outbox does not know yet
=====================  ============================================================================================

Other rooms add points of their own; the name says the step.
"""

from __future__ import annotations

from collections.abc import Callable

Observer = Callable[[str], None]

_observer: Observer | None = None


def reached(name: str) -> None:
    """Tell the installed observer, if there is one. Called on whichever thread reached the point."""
    if _observer is not None:
        _observer(name)


def install(observer: Observer | None) -> None:
    """Listen to every point from now on; ``None`` stops listening. For tests only."""
    global _observer
    _observer = observer
