"""A fifth of all answers lost, a tenth of those with the effect after we gave up: nothing lost, nothing doubled
(DESIGN §2.3, §2.4). With the probe taken out of the code the same run is red."""

from __future__ import annotations

from typing import Any

import pytest

from jknbridge.courier.outcomes import Case
from jknbridge.reasons import Reason

JOURNEYS = 500
FEWER = 25


def losing(share: float, late: float) -> list[dict[str, Any]]:
    """Of all adds, ``share`` lose their answer after the effect; ``late`` of those have it after the client gave up."""
    common = {"target": "pcare", "operation": "*.add"}
    return [
        {**common, "kind": "lost_after", "probability": share * (1 - late), "seed": 3},
        {**common, "kind": "late_effect", "probability": share * late, "ms": 700, "seed": 5},
    ]


@pytest.mark.timeout(240)
async def test_lost_answers_lose_and_double_nothing(run: Any) -> None:
    outcome = await run(JOURNEYS, losing(0.2, 0.1))
    print(f"\n{JOURNEYS} journeys: {outcome}")
    assert outcome.states == {
        ("pendaftaran", "present", "none"): JOURNEYS,
        ("kunjungan", "present", "none"): JOURNEYS,
        ("obat", "present", "none"): 2 * JOURNEYS,
    }
    assert outcome.clean, outcome
    assert not outcome.surplus
    assert outcome.contacts == JOURNEYS
    struck = outcome.requests["lost_after"] + outcome.requests["late_effect"]
    assert struck > 0.15 * 4 * JOURNEYS
    assert outcome.probes >= struck


async def test_without_the_probe_the_same_run_is_red(run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    doubt = Case.in_doubt

    def retry(case: Case, reason: Reason, probe_at: float, *, duplicate: bool = False) -> None:
        if duplicate:
            doubt(case, reason, probe_at, duplicate=True)
        else:
            case.again(case.desk.now, reason, "later")

    monkeypatch.setattr(Case, "in_doubt", retry)
    outcome = await run(FEWER, losing(0.2, 0.1), seconds=20)
    print(f"\nwithout probes, {FEWER} journeys: {outcome}")
    assert outcome.blind
    assert outcome.surplus
