"""What every adapter must stand, against its own simulated target: inherit :class:`Conformance`, fill in
:class:`Terrain`.

    class TestPCare(Conformance):
        terrain = Terrain("pcare", ("jknbridge_adapters.pcare",), make_sandbox, visit_events, ("pendaftaran.add", …))

Each test runs a whole bridge over HTTP and asks the sandbox's ground truth: effects once, nothing doubled, nothing sent
again blindly. Not for what a payload says: that is the business of the adapter's own tests.
"""

from __future__ import annotations

import asyncio
import importlib
import time
import tomllib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from signal import SIGKILL
from typing import Any, ClassVar

import pytest

from jknbridge.plugins import Plugins, build
from jknbridge.sandbox.server import SandboxThread
from jknbridge.sandbox.target import Clock, SandboxTarget
from jknbridge.testing.bench import Bench
from jknbridge.testing.crash import Nursery, Report, Step, Task
from jknbridge.testing.rig import Rig

Events = Sequence[Mapping[str, Any]]
UNREADABLE = ("lost_after", "truncate", "html", "garbage")
"""Ways in which an answer is lost after its effect."""
LATE_MS = 600
"""When a late effect comes: after the bench's ``visibility``, before its ``late_effect``."""


@dataclass(frozen=True, slots=True)
class Terrain:
    """What the suite needs of an adapter. ``events``: the FHIR resources of one journey; ``withdrawn``: the
    version that cancels it (``None`` where the target takes nothing back); ``effects``: the adds it comes to,
    as the sandbox names operations, in order; ``lists``: the reads that a probe goes by."""

    target: str
    plugins: Sequence[str]
    make_sandbox: Callable[[Clock], SandboxTarget]
    events: Callable[[], Events]
    effects: Sequence[str]
    lists: Sequence[str] = ()
    withdrawn: Callable[[], Events] | None = None
    mappings: Mapping[str, Mapping[str, str]] = field(default_factory=dict)


class Conformance:
    """The suite. Every test has a sandbox and a ledger of its own."""

    terrain: ClassVar[Terrain]

    @pytest.fixture
    def thread(self) -> Iterator[SandboxThread]:
        with SandboxThread([self.terrain.make_sandbox(time.time)]) as running:
            yield running

    @pytest.fixture
    def rig(self, tmp_path: Path, thread: SandboxThread) -> Iterator[Rig]:
        made = Rig(tmp_path, thread, self._plugins())
        made.bench.map(self.terrain.mappings)
        yield made
        made.bench.close()

    # --- the target holds the journey once ---------------------------------------------------------------------------

    def test_each_effect_once_and_in_order(self, rig: Rig) -> None:
        self._work(rig)
        assert rig.effects() == list(self.terrain.effects)

    def test_the_same_events_again_send_nothing(self, rig: Rig) -> None:
        self._work(rig)
        writes = rig.writes()
        self._work(rig)
        assert rig.writes() == writes

    def test_it_is_withdrawn_the_other_way_round(self, rig: Rig) -> None:
        if self.terrain.withdrawn is None:
            pytest.skip("this target withdraws nothing")
        self._work(rig)
        rig.bench.publish(*self.terrain.withdrawn())
        asyncio.run(rig.work())
        taken_back = rig.effects()[len(self.terrain.effects) :]
        assert taken_back == [name.replace(".add", ".delete") for name in reversed(self.terrain.effects)]

    # --- answers lost ------------------------------------------------------------------------------------------------

    @pytest.mark.parametrize("kind", UNREADABLE)
    def test_a_lost_answer_is_found_by_asking(self, rig: Rig, kind: str) -> None:
        rig.faults(*self._each_add(kind))
        self._work(rig)
        self._once(rig)
        assert "found" in {row["how"] for row in rig.bench.rows()}

    def test_a_late_effect_makes_no_second_one(self, rig: Rig) -> None:
        rig.faults(*self._each_add("late_effect", ms=LATE_MS))
        self._work(rig)
        self._once(rig)

    def test_a_request_that_never_arrived_is_repeated(self, rig: Rig) -> None:
        rig.faults(*self._each_add("reset"))
        self._work(rig)
        self._once(rig)

    def test_an_outage_is_not_absence(self, rig: Rig) -> None:
        """Answers are lost, and the lists that would show the effect are empty at first."""
        empty = [
            {"target": self.terrain.target, "operation": name, "kind": kind, "count": 1}
            for name in self.terrain.lists
            for kind in ("empty_204", "empty_null")
        ]
        rig.faults(*self._each_add("lost_after"), *empty)
        self._work(rig)
        self._once(rig)

    # --- crashes -----------------------------------------------------------------------------------------------------

    def test_a_crash_at_any_send_is_asked_about(self, tmp_path: Path) -> None:
        nursery = Nursery([])
        clean = self._crash(tmp_path, nursery, None)
        sends = [name for name in clean if name.startswith("send.")]
        seen: Counter[str] = Counter()
        for name in sends:
            seen[name] += 1
            self._crash(tmp_path, nursery, Step(name, seen[name]))

    def _crash(self, tmp_path: Path, nursery: Nursery, kill: Step | None) -> Sequence[str]:
        """One journey with a child that dies at ``kill``; returns the steps of the child that came to its end."""
        folder = tmp_path / (f"{kill.name}-{kill.n}" if kill else "utuh")
        folder.mkdir()
        with SandboxThread([self.terrain.make_sandbox(time.time)]) as thread:
            task = self._task(folder, thread)
            codes = []
            for one in (kill, None) if kill else (None,):
                child = nursery.start(replace(task, kill=one))
                child.join()
                codes.append(child.exitcode)
            assert codes == [-SIGKILL, 0][-len(codes) :], task.log.read_text()[-2000:]
            verdict = thread.sandbox.judge()
            effects = sorted(row.effect.operation for row in thread.sandbox.truth.effects)
        assert (effects, verdict.double, verdict.blind_repeats) == (sorted(self.terrain.effects), (), ()), str(kill)
        return Report.of(task).steps

    def _task(self, folder: Path, thread: SandboxThread) -> Task:
        """The journey taken in, and nothing done about it yet."""
        faskes = tomllib.loads(thread.sandbox.print_config())["faskes"]
        bench = Bench(folder, self._plugins(), faskes)
        bench.map(self.terrain.mappings)
        bench.publish(*self.terrain.events())
        bench.close()
        return Task(folder, bench.config, self.terrain.plugins, len(self.terrain.events()), publishes=False)

    def _plugins(self) -> Plugins:
        return build([importlib.import_module(name) for name in self.terrain.plugins], entry_points=False)

    # --- shared ------------------------------------------------------------------------------------------------------

    def _each_add(self, kind: str, **more: Any) -> list[dict[str, Any]]:
        """The fault once for every kind of add."""
        names = sorted(set(self.terrain.effects))
        return [{"target": self.terrain.target, "operation": name, "kind": kind, "count": 1, **more} for name in names]

    def _work(self, rig: Rig) -> None:
        rig.bench.publish(*self.terrain.events())
        asyncio.run(rig.work())

    def _once(self, rig: Rig) -> None:
        """Each effect once, in whatever order the doubts were settled, and nothing sent blindly."""
        assert sorted(rig.effects()) == sorted(self.terrain.effects)
        assert rig.admin("judge") == {"double": [], "blind_repeats": []}
        assert {(row["held"], row["work"]) for row in rig.bench.rows()} == {("present", "none")}
