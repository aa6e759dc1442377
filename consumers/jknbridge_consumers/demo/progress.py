"""What the demo says while it runs, on stderr: one line a wave; on a terminal, a line of counts that is rewritten."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import TextIO

from jknbridge_consumers.demo.visit import Wave

_WIDTH = 99


class Progress:
    def __init__(self, stream: TextIO | None = None) -> None:
        self._out = stream or sys.stderr
        self._live = self._out.isatty()
        self._counts = ""

    def say(self, text: str) -> None:
        self._finish()
        print(text, file=self._out, flush=True)

    def wave(self, wave: Wave, records: int) -> None:
        self.say(f"[{wave + 1}/{len(Wave)}] {wave.label}: {records} pesan / records")

    def counts(self, counts: Mapping[str, int]) -> None:
        line = "      " + " · ".join(f"{name} {number}" for name, number in counts.items())
        if line != self._counts and self._live:
            print(f"\r{line[:_WIDTH]:<{_WIDTH}}", end="", file=self._out, flush=True)
        self._counts = line

    def _finish(self) -> None:
        """The last counts of a wave stay: on their own line, or where the terminal shows them already."""
        if self._counts:
            print("" if self._live else self._counts, file=self._out)
        self._counts = ""
