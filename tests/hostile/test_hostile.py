"""A hostile adapter, in a separate package and found by entry point, harms only its own submissions (DESIGN §2.5,
§4.3).
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).parent
NAME = "KENARI JAHAT"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The hostile package, built and installed as a stranger's would be; no index is asked."""
    folder = tmp_path_factory.mktemp("site")
    install = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index", "--no-build-isolation"]
    install += ["--disable-pip-version-check", "--target", str(folder), str(HERE / "jknbridge_hostile")]
    done = subprocess.run(install, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture(scope="module")
def came_to(site: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    folder = tmp_path_factory.mktemp("run")
    paths = [str(site), *filter(None, sys.path)]
    environ = {**os.environ, "PYTHONPATH": os.pathsep.join(paths)}
    done = subprocess.run(
        [sys.executable, "-X", "dev", "-W", "ignore", str(HERE / "child.py"), str(folder)], env=environ,
        capture_output=True, text=True, check=False, timeout=110, cwd=folder,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-4000:]
    found: dict[str, Any] = json.loads(done.stdout)
    found["stderr"], found["log"] = done.stderr, (folder / "log.jsonl").read_text()
    return found


def test_it_is_found_by_its_entry_point(came_to: dict[str, Any], site: Path) -> None:
    (described,) = came_to["describe"]
    assert (described["name"], described["version"]) == ("hostile", "6.6.6")
    assert Path(came_to["path"]).is_relative_to(site)
    assert came_to["order"][0] == "hostile"  # asked before PCare's


def test_every_pcare_visit_goes_through_once(came_to: dict[str, Any]) -> None:
    """Its own visits, those of the same Encounters that the hostile one spoils, before and after a restart."""
    assert came_to["pcare"] == [["present", "none"]]
    assert came_to["effects"] == came_to["writes"] == 2 * came_to["visits"]
    assert came_to["contacts"] == ["recorded"] * came_to["visits"]


def test_what_it_says_wrong_parks_that_journey_as_galat_adaptor(came_to: dict[str, Any]) -> None:
    quiet = {"say-mutate"}  # spoils what it was given and then says nothing: its own business
    for name, (state, reason) in came_to["says"].items():
        if name in quiet:
            assert state == "silent"
            continue
        assert (name, state, reason["code"]) == (name, "galat", "galat.adaptor")
        assert reason["id"] != reason["en"]
        assert reason["who"] == "integrator"
    assert not set(came_to["hostile"]) & set(came_to["says"])  # nothing of it became a submission


def test_what_it_does_wrong_at_its_target_stays_with_its_own_submission(came_to: dict[str, Any]) -> None:
    hostile = came_to["hostile"]
    assert {name: hostile[name]["held"] for name in ("sound", "snap-sound", "ask-sound")} == {
        "sound": "present", "snap-sound": "present", "ask-sound": "present",
    }  # fmt: skip
    assert hostile["compose-raise"]["work"] == "parked"
    assert hostile["compose-raise"]["reason"]["code"] == "galat.adaptor"
    doubtful = [name for name in hostile if name.startswith(("send-", "probe-"))]
    assert len(doubtful) == 17
    # It may have reached its target, so it is in doubt; its probes lie or fail, so it is a person's or still asked.
    assert {hostile[name]["work"] for name in doubtful} <= {"in_doubt", "parked", "none", "sending"}
    assert all(hostile[name]["work"] in ("ready", "retry") for name in ("snap-raise", "snap-word", "snap-object"))


def test_the_sums_add_up_and_the_worker_stops_in_time(came_to: dict[str, Any]) -> None:
    assert came_to["checks"] == []
    assert came_to["stopped"] < 6.0  # what hangs is cut off after twice `total`
    assert came_to["hanging"]["send-hang"] != "sending"  # given up before that: each call is bounded


def test_no_word_of_its_exceptions_reaches_a_log(came_to: dict[str, Any]) -> None:
    assert "client failed" in came_to["log"]
    assert NAME not in came_to["log"]
    assert NAME not in came_to["stderr"]
