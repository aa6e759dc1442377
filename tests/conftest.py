"""For the whole run: nobody's card number, NIK or name in what a test logs or writes to stderr (issue: "canaries").

Every test speaks of synthetic people only, so they are recognised by shape. Loggers are as loud as ``jknbridge run``
lets them be: DEBUG, with those pinned that quote bodies and URLs. A test that shows a person on purpose is named in
:data:`MAY_QUOTE`.
"""

from __future__ import annotations

import logging
from collections.abc import Generator, Iterator
from typing import Any

import pytest

from jknbridge import logs
from jknbridge.testing.canaries import SYNTHETIC

MAY_QUOTE = ("tests/cli/test_masking.py",)
"""Parts of node ids."""


@pytest.fixture(scope="session", autouse=True)
def _loud() -> Iterator[None]:
    names = {"": logging.DEBUG, **logs.PINNED}
    before = {name: logging.getLogger(name).level for name in names}
    for name, level in names.items():
        logging.getLogger(name).setLevel(level)
    yield
    for name, level in before.items():
        logging.getLogger(name).setLevel(level)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: Any) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if report.passed and not any(part in item.nodeid for part in MAY_QUOTE):
        for title, text in report.sections:
            seen = SYNTHETIC.search(text) if "log" in title or "stderr" in title else None
            if seen is not None:
                line = text[text.rfind("\n", 0, seen.start()) + 1 :].partition("\n")[0]
                report.outcome = "failed"
                report.longrepr = f"patient data in {title!r}: {line[:300]}"
                break
    return report
