"""A list whose ``count`` comes as text, or not at all, is not taken for complete (bpjs-auth §11 #10, pcare §22 #4)."""

from __future__ import annotations

from typing import Any

import pytest

from jknbridge_adapters.bpjs.envelope import Envelope, Kind
from jknbridge_adapters.bpjs.session import Answer
from jknbridge_adapters.pcare.reading import Reader, Rows, Unread


class Lists:
    """Answers page by page, as PCare would; ``count`` as the case wants it."""

    def __init__(self, rows: int, count: Any) -> None:
        self._rows = [{"noUrut": f"A{n}"} for n in range(rows)]
        self._count = count

    async def read(self, *segments: str) -> Answer:
        start, limit = int(segments[-2]), int(segments[-1])
        page: dict[str, Any] = {"list": self._rows[start : start + limit]}
        if self._count is not None:
            page["count"] = self._count
        return Answer(Envelope(Kind.OK, 200, "200", response=page))


@pytest.mark.parametrize("count", [25, "25"])
async def test_every_page_is_read_whatever_the_count_is_written_as(count: Any) -> None:
    reading = await Reader(Lists(25, count), page=10).paged("pendaftaran")  # type: ignore[arg-type]
    assert isinstance(reading, Rows)
    assert len(reading.rows) == 25


async def test_a_full_page_without_a_count_is_not_a_whole_list() -> None:
    reading = await Reader(Lists(25, None), page=10).paged("pendaftaran")  # type: ignore[arg-type]
    assert isinstance(reading, Unread) or len(reading.rows) == 25


async def test_a_page_that_is_not_full_needs_no_count() -> None:
    reading = await Reader(Lists(7, None), page=10).paged("pendaftaran")  # type: ignore[arg-type]
    assert isinstance(reading, Rows)
    assert len(reading.rows) == 7
