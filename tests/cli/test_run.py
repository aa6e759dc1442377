"""``run`` as a process of its own: one per ledger, stays up, drains on SIGTERM; commands decide beside it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from jknbridge.cli.process_lock import only_worker
from jknbridge.cli.run import edge_trouble
from jknbridge.errors import StartRefused

PROGRAM = """
import sys
from jknbridge.cli.common import App
from jknbridge.cli.group import run_cli
from jknbridge.testing.memory import MemoryPlugin
sys.exit(run_cli(App(extra=[MemoryPlugin()], entry_points=False)))
"""


def command(*arguments: Any) -> list[str]:
    return [sys.executable, "-c", PROGRAM, *map(str, arguments)]


@pytest.fixture
def worker(shell: Any) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(command("run", "--config", shell.config, "--json"), stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    for line in process.stderr:
        if json.loads(line)["event"] == "mulai":
            break
    yield process
    process.kill()
    process.wait()
    process.stderr.close()


def test_one_worker_per_ledger_and_commands_beside_it(worker: subprocess.Popen[str], shell: Any) -> None:
    second = subprocess.run(command("run", "--config", shell.config), capture_output=True, text=True, check=False)
    assert second.returncode == 3
    assert f"pid {worker.pid}" in second.stderr
    assert shell("migrate").code == 3
    assert shell("mapping", "set", "memori.poli", "Location/umum", "001").code == 0
    assert shell("report", "--json").data["ok"] is True
    worker.send_signal(signal.SIGTERM)
    assert worker.wait(timeout=20) == 0
    assert worker.stderr is not None
    assert [json.loads(line)["event"] for line in worker.stderr] == ["berhenti", "selesai"]


def test_a_killed_worker_leaves_no_lock(worker: subprocess.Popen[str], shell: Any) -> None:
    worker.kill()
    worker.wait()
    with only_worker(shell_url(shell)):
        pass


def shell_url(shell: Any) -> str:
    return f"sqlite:///{shell.config.parent}/ledger.sqlite3"


def test_the_lock_names_its_holder_and_is_given_back(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/a.sqlite3"
    with only_worker(url), pytest.raises(StartRefused, match=f"pid {os.getpid()}"), only_worker(url):
        pass
    with only_worker(url), only_worker(f"sqlite:///{tmp_path}/b.sqlite3"), only_worker("postgresql://host/db"):
        pass


def test_a_config_without_work_is_refused(shell: Any) -> None:
    shell.config.write_text("")
    ended = shell("run")
    assert ended.code == 3
    assert "nothing to do" in ended.err


@pytest.mark.parametrize(
    ("status", "said"),
    [
        ({"phase": "reading", "connected": True}, None),
        ({"phase": "waiting_for_broker", "connected": False, "last_error": "NoBrokersAvailable"}, "NoBrokersAvailable"),
        ({"phase": "joining", "connected": False}, "joining"),
        ({"phase": "stopped", "connected": False}, None),
        ({"alive": True, "waiting_since": None}, None),
        ({"alive": True, "waiting_since": 5.0}, "tidak tersambung / not connected"),
        ({"ok": False, "last_error": "x"}, "x"),
        ({"phase": "reading", "connected": True, "stopped": ("a", "b")}, "sumber berhenti / sources stopped: 2"),
    ],
)
def test_an_edges_trouble_is_said(status: dict[str, Any], said: str | None) -> None:
    assert edge_trouble(status) == said


def test_the_sandbox_says_where_it_listens_and_ends_on_sigterm(shell: Any) -> None:
    began = time.monotonic()
    process = subprocess.Popen(command("sandbox", "--port", "0"), stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    told = json.loads(process.stdout.readline())
    assert told["pid"] == process.pid
    assert told["port"] > 0
    process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=10) == 0
    process.stdout.close()
    assert time.monotonic() - began < 20


def test_the_sandbox_prints_the_config_that_points_at_it(shell: Any) -> None:
    ended = shell("sandbox", "--port", "18123", "--print-config")
    assert ended.code == 0
    assert tomllib.loads(ended.out) == {}  # no simulated target in this test's plugins
    assert shell("sandbox", "--target", "tidak-ada").code == 2
