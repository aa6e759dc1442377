"""How the ledger is written: group commit, jobs that fail alone, a second process beside it, migrations."""

from __future__ import annotations

import re
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection, func, insert, select

import jknbridge.ledger.migrate as migrate
from jknbridge.errors import StartRefused
from jknbridge.ledger import schema as s
from jknbridge.ledger.engine import Ledger, open_ledger
from jknbridge.settings import LedgerSettings

ROW = {"at": 1.0, "who": "uji", "action": "coba", "object": "x"}


def settings(folder: Path) -> LedgerSettings:
    return LedgerSettings(url=f"sqlite:///{folder}/ledger.sqlite3")


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    made = open_ledger(settings(tmp_path))
    yield made
    made.close()


def audit(connection: Connection) -> None:
    connection.execute(insert(s.audit), ROW)


def count(ledger: Ledger) -> int:
    return ledger.read_now(lambda c: c.execute(select(func.count()).select_from(s.audit)).scalar_one())


def test_a_result_is_handed_out_only_after_the_commit(ledger: Ledger, tmp_path: Path) -> None:
    ledger.write_now(audit)
    other = sqlite3.connect(tmp_path / "ledger.sqlite3")
    assert other.execute("select count(*) from audit").fetchone() == (1,)
    other.close()


def test_a_failing_job_undoes_nobody_elses_work(ledger: Ledger) -> None:
    def fails(connection: Connection) -> None:
        audit(connection)
        raise ValueError("this job only")

    gate = threading.Event()
    first = ledger._submit(lambda c: gate.wait(5), False)
    jobs = [ledger._submit(audit if n != 3 else fails, False) for n in range(7)]
    gate.set()
    first.result()
    assert [job.exception() is None for job in jobs] == [n != 3 for n in range(7)]
    assert count(ledger) == 6


def test_an_intent_goes_before_intake(ledger: Ledger) -> None:
    gate, order = threading.Event(), []
    first = ledger._submit(lambda c: gate.wait(5), False)
    late = [ledger._submit(lambda c, n=n: order.append(f"intake {n}"), False) for n in range(3)]
    urgent = ledger._submit(lambda c: order.append("intent"), True)
    gate.set()
    for job in (first, urgent, *late):
        job.result()
    assert order[0] == "intent"


def test_a_command_beside_it_writes_without_being_refused(ledger: Ledger, tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from jknbridge.ledger.engine import open_ledger;"
        "from jknbridge.settings import LedgerSettings; from jknbridge.ledger import schema as s\n"
        "from sqlalchemy import insert\n"
        f"l = open_ledger(LedgerSettings(url='sqlite:///{tmp_path}/ledger.sqlite3'))\n"
        f"[l.write_now(lambda c: c.execute(insert(s.audit), {ROW!r})) for _ in range(20)]; l.close()"
    )
    process = subprocess.Popen([sys.executable, "-c", code])
    written = 0
    while process.poll() is None:
        ledger.write_now(audit)
        written += 1
    assert process.returncode == 0
    assert count(ledger) == written + 20


def test_what_another_process_decides_is_noticed(ledger: Ledger, tmp_path: Path) -> None:
    seen = [ledger.version(), ledger.version()]
    assert seen[0] == seen[1]
    with sqlite3.connect(tmp_path / "ledger.sqlite3") as other:
        other.execute("insert into audit (at, who, action, object) values (1, 'uji', 'coba', 'x')")
    other.close()
    assert ledger.version() != seen[1]


def test_the_schema_is_what_the_migrations_make(tmp_path: Path) -> None:
    made = open_ledger(settings(tmp_path))
    try:
        difference = made.read_now(lambda c: compare_metadata(MigrationContext.configure(c), s.metadata))
    finally:
        made.close()
    assert difference == []


def test_head_is_the_newest_revision() -> None:
    files = sorted(p.name for p in (Path(migrate.__file__).parent / "migrations" / "versions").glob("0*.py"))
    assert re.match(r"\d+", files[-1]).group() == migrate.HEAD  # type: ignore[union-attr]


def test_a_newer_ledger_and_a_foreign_key_file_are_refused(tmp_path: Path) -> None:
    open_ledger(settings(tmp_path)).close()
    key = tmp_path / "ledger.kunci"
    key.write_text("00" * 32)
    with pytest.raises(StartRefused, match="key"):
        open_ledger(settings(tmp_path))
    with sqlite3.connect(tmp_path / "ledger.sqlite3") as other:
        other.execute("update alembic_version set version_num = '9999'")
    other.close()
    with pytest.raises(StartRefused, match="newer"):
        open_ledger(settings(tmp_path))


def test_without_ddl_rights_an_old_ledger_is_only_named(tmp_path: Path) -> None:
    with pytest.raises(StartRefused, match="migrate"):
        open_ledger(settings(tmp_path), migrate=False)


def test_nothing_personal_stands_in_the_file_in_the_open(tmp_path: Path, ledger: Ledger) -> None:
    box = ledger.vault.seal({"nama": "KENARI RAHASIA", "noKartu": "0009999000001"}, ledger.vault.new_key())
    row = {"instance": "i", "day": "2026-01-05", "at": 1.0, "outcome": "foreign", "row_box": box}
    ledger.write_now(lambda c: c.execute(insert(s.reconciled), row))
    for file in tmp_path.glob("ledger.sqlite3*"):
        assert b"KENARI" not in file.read_bytes()
        assert b"0009999000001" not in file.read_bytes()
