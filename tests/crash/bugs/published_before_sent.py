"""The bug: outbox rows are marked published when they are taken, not when the broker acknowledged them."""

from typing import Any

from jknbridge_consumers.edges import LedgerOutbox

_take = LedgerOutbox.take


def take(self: LedgerOutbox, limit: int) -> Any:
    rows = _take(self, limit)
    self.published([row.id for row in rows])
    return rows


LedgerOutbox.take = take  # type: ignore[method-assign]
