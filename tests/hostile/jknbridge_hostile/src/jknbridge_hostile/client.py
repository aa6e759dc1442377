"""What the hostile adapter does at its target: hangs, raises, lies. Which, is said by the payload's ``salah``."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

from jknbridge.reasons import Reason
from jknbridge.targets import Accepted, Ambiguous, Found, Known, Later, NotKnown, Unknown

NEVER = 3600


class HostileClient:
    async def send(self, call: Any) -> Any:
        wrong = call.payload["salah"]
        call.payload["nama"] = "diubah"
        match wrong:
            case "send-raise":
                raise RuntimeError(call.payload["nama"])
            case "send-exit":
                raise SystemExit(1)
            case "send-cancel":
                raise asyncio.CancelledError
            case "send-hang":
                await asyncio.sleep(NEVER)
            case "send-none":
                return None
            case "send-word":
                return "accepted"
            case "send-number":
                return Accepted({"no": 17})  # type: ignore[dict-item]
            case "send-object":
                return Accepted({"no": object()})  # type: ignore[dict-item]
            case "send-huge":
                return Accepted({"no": "9" * 50_000_000})
            case "send-never":
                return Later(Reason.of("jahat.tunggu"), after=float("nan"))
            case "send-reason":
                return Later("later")  # type: ignore[arg-type]
        if wrong.startswith("probe-"):
            return Unknown(Reason.of("jahat.hilang"))
        return Accepted({"no": f"N-{wrong}"})

    async def snapshot(self, call: Any) -> Any:
        match call.payload["salah"]:
            case "snap-raise":
                raise RuntimeError(call.payload["nama"])
            case "snap-word":
                return "rows"
            case "snap-object":
                return [{"no": object()}]
        return []

    async def probe(self, doubts: Sequence[Any]) -> Any:
        wrongs = {doubt.call.payload["salah"] for doubt in doubts}
        doubts[0].call.payload.clear()
        if "probe-raise" in wrongs:
            raise RuntimeError("probe")
        if "probe-hang" in wrongs:
            await asyncio.sleep(NEVER)
        if "probe-short" in wrongs:
            return []
        if "probe-words" in wrongs:
            return ["found"] * len(doubts)
        if "probe-object" in wrongs:
            return [Ambiguous(({"no": object()},), Reason.of("jahat.hilang"))] * len(doubts)
        return [Found({"no": "bohong"})] * len(doubts)

    async def ask(self, question: Any) -> Any:
        match question.subject[0]:
            case "ask-raise":
                raise RuntimeError("ask")
            case "ask-hang":
                await asyncio.sleep(NEVER)
            case "ask-none":
                return None
            case "ask-object":
                return Known({"x": object()})
            case "ask-sound":
                return Known({})
        return NotKnown(Reason.of("jahat.hilang"))

    async def day(self, day: Any, held: Any) -> Any:
        return None
