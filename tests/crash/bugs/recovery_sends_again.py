"""The bug: what was under way when the process ended is simply sent again."""

from typing import Any

from sqlalchemy import update

from jknbridge.courier import doubts
from jknbridge.ledger import schema as s


def forget(connection: Any, now: float) -> int:
    connection.execute(update(s.request).where(s.request.c.state == "sending").values(state="closed"))
    cut = update(s.submission).where(s.submission.c.work == "sending")
    return int(connection.execute(cut.values(work="retry", due_at=now)).rowcount)


doubts.recover = forget
