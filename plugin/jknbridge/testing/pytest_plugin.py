"""Fixtures for whoever tests an adapter or a bridge; registered with pytest by our package, imports nothing until
asked.

``jkn_stage``     makes a :class:`~jknbridge.testing.stage.Stage` (host, target in memory, own clock), closed afterwards
``jkn_sandbox``   runs a simulated target on a port of its own: ``jkn_sandbox(make_sandbox)`` → ``SandboxThread``
``jkn_bench``     makes a :class:`~jknbridge.testing.bench.Bench` (host over HTTP, real but short times)

The conformance suite is :mod:`jknbridge.testing.conformance`: a class to inherit, not a fixture.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

pytest.register_assert_rewrite("jknbridge.testing.conformance")

if TYPE_CHECKING:
    from jknbridge.sandbox.server import SandboxThread
    from jknbridge.testing.bench import Bench
    from jknbridge.testing.stage import Stage


@pytest.fixture
def jkn_stage(tmp_path: Path) -> Iterator[Callable[..., Stage]]:
    from jknbridge.testing.stage import Stage

    with contextlib.ExitStack() as stack:

        def make(**config: Any) -> Stage:
            made = Stage(_folder(tmp_path, "panggung"), **config)
            stack.callback(lambda: made.close())
            return made

        yield make


@pytest.fixture
def jkn_sandbox() -> Iterator[Callable[..., SandboxThread]]:
    import time

    from jknbridge.sandbox.server import SandboxThread

    with contextlib.ExitStack() as stack:
        yield lambda make, **options: stack.enter_context(SandboxThread([make(time.time)], **options))


@pytest.fixture
def jkn_bench(tmp_path: Path) -> Iterator[Callable[..., Bench]]:
    from jknbridge.testing.bench import Bench

    with contextlib.ExitStack() as stack:

        def make(*args: Any, **config: Any) -> Bench:
            made = Bench(_folder(tmp_path, "meja"), *args, **config)
            stack.callback(lambda: made.close())
            return made

        yield make


def _folder(parent: Path, name: str) -> Path:
    made = parent / f"{name}-{len(list(parent.iterdir()))}"
    made.mkdir()
    return made
