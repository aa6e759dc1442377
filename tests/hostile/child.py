"""One worker with PCare's adapter and the hostile one, both found by entry point, in a process of its own.

Run by ``test_hostile.py`` with a folder as argument. Prints one JSON object: what each target came to.
"""

from __future__ import annotations

import asyncio
import json
import logging
import sys
import time
from pathlib import Path
from typing import Any

import jknbridge_hostile
from jknbridge_hostile.translate import SAYS

from jknbridge import logs
from jknbridge.masking import Masker
from jknbridge.plugins import build
from jknbridge.sandbox.server import SandboxThread
from jknbridge.testing.rig import Rig
from jknbridge.testing.visits import MAPPINGS, visit
from jknbridge_adapters.pcare.sandbox import make_sandbox

FACILITY, OTHER = "99990001", "99990002"
CLIENT = [
    "compose-raise",
    "send-raise",
    "send-exit",
    "send-cancel",
    "send-hang",
    "send-none",
    "send-word",
    "send-number",
    "send-object",
    "send-huge",
    "send-never",
    "send-reason",
    "snap-raise",
    "snap-word",
    "snap-object",
    "probe-raise",
    "probe-hang",
    "probe-short",
    "probe-words",
    "probe-object",
    "probe-lie",
    "ask-raise",
    "ask-hang",
    "ask-none",
    "ask-object",
]
SOUND = ("sound", "snap-sound", "ask-sound")
NAME = "KENARI JAHAT"


def people(names: list[str]) -> dict[str, str]:
    return {name: f"0009999{100 + n:06}" for n, name in enumerate(names)}


def make_rig(folder: Path, thread: SandboxThread) -> Rig:
    plugins = build()
    # The hostile one is asked before PCare's, so that what it spoils would be seen there.
    plugins.adapters = dict(sorted(plugins.adapters.items(), key=lambda item: item[0] != "hostile"))
    hostile = {"base_url": "http://127.0.0.1:9", "mulai": "2026-01-01"}
    times = {"total": 1.5, "probe_for": 2.0, "retry_cap": 0.5, "retry_for": 3.0}
    faskes = {FACILITY: {"hostile": hostile}}
    rig = Rig(folder, thread, plugins, faskes=faskes, waktu=times, sumber=SOURCES)
    rig.bench.map(MAPPINGS)
    rig.bench.map({"pcare.dokter": {"Practitioner/d1": "900011"}}, facility=OTHER)
    return rig


SOURCES = {"emr": {"topics": ["fhir.encounter"], "mulai_dari": "awal"}}


def of(name: str, card: str, **more: Any) -> list[dict[str, Any]]:
    resources = visit(name, card=card, drugs=0, **more)
    resources[0]["name"] = [{"text": NAME}]
    return resources


def pcare_is_done(rig: Rig, visits: int) -> bool:
    rows = [row for row in rig.bench.rows() if row["target"] == "pcare"]
    return len(rows) == 2 * visits and all(row["work"] == "none" and row["held"] == "present" for row in rows)


async def main(folder: Path) -> dict[str, Any]:
    handler = logs.configure(Masker(), level="DEBUG", form="json", stream=(folder / "log.jsonl").open("w"))
    names = [*SAYS, *CLIENT, *SOUND]
    cards = people(names)
    with SandboxThread([make_sandbox(time.time)]) as thread:
        rig = make_rig(folder, thread)
        participants = [{"noKartu": card, "kdProviderPst": FACILITY} for card in cards.values()]
        rig.admin("load", {"target": "pcare", "participants": participants})
        for name, card in cards.items():
            rig.bench.publish(*of(name, card))
        await rig.bench.start()
        await rig.until(lambda: pcare_is_done(rig, len(names)), seconds=60)
        rig.bench.publish(*of("other", "0009999000016", facility=OTHER))
        await rig.until(lambda: pcare_is_done(rig, len(names) + 1), seconds=30)
        await asyncio.sleep(4.0)  # long enough for its doubts to be given to a person
        hanging = {name: rig.row("benda", name)["work"] for name in ("send-hang", "probe-hang")}
        began = time.monotonic()
        await rig.bench.stop()
        stopped = time.monotonic() - began
        rig.reopen()
        restarted = len(names) + 2
        rig.bench.publish(*of("after", "0009999000001"))
        await rig.bench.start()
        await rig.until(lambda: pcare_is_done(rig, restarted), seconds=30)
        await rig.bench.stop()
        found = result(rig, names, stopped) | {"hanging": hanging}
        rig.bench.close()
    logging.getLogger().removeHandler(handler)
    return found


def result(rig: Rig, names: list[str], stopped: float) -> dict[str, Any]:
    report = rig.report()
    rows = [row for row in rig.bench.rows() if row["target"] == "hostile"]
    hostile = {
        row["key"].rsplit("/", 1)[1]: {
            "held": row["held"], "work": row["work"], "reason": json.loads(row["reason"]) if row["reason"] else None
        }
        for row in rows
    }  # fmt: skip
    return {
        "describe": [row for row in rig._plugins.describe() if "hostile" in row["targets"]],
        "order": list(rig._plugins.adapters),
        "path": jknbridge_hostile.__file__,
        "says": {name: rig.said(name, "hostile") for name in SAYS},
        "hostile": hostile,
        "pcare": sorted({(r["held"], r["work"]) for r in rig.bench.rows() if r["target"] == "pcare"}),
        "effects": len(rig.effects()),
        "writes": rig.writes(),
        "visits": len(names) + 2,
        "checks": [(check.name, check.where, check.left, check.right) for check in report.checks if not check.ok],
        "contacts": [c["state"] for c in rig.bench.outbox("jkn.kbk.kontak.v1")],
        "stopped": stopped,
    }


if __name__ == "__main__":
    print(json.dumps(asyncio.run(main(Path(sys.argv[1])))))
