"""LZ-String: our decoder beside PyPI's, on an answer of 100 rows."""

from __future__ import annotations

import json
import time
from typing import Any

from lzstring import LZString

from jknbridge_adapters.bpjs.lzstring import compress, decompress


def measure(rounds: int = 5) -> dict[str, Any]:
    """Best of several rounds each, taken in turn, so that both meet the same machine."""
    rows = [
        {"kdDiag": f"X{i:02d}.{i % 10}", "nmDiag": f"Diagnosa simulasi nomor {i}", "nonSpesialis": i % 3 == 0}
        for i in range(100)
    ]
    text = json.dumps({"count": 100, "list": rows}, separators=(",", ":"))
    packed = compress(text)
    theirs = LZString()
    assert decompress(packed) == theirs.decompressFromEncodedURIComponent(packed) == text
    ours_best = theirs_best = float("inf")
    for _ in range(rounds):
        ours_best = min(ours_best, _time(lambda: decompress(packed), 40))
        theirs_best = min(theirs_best, _time(lambda: theirs.decompressFromEncodedURIComponent(packed), 4))
    return {
        "characters": len(text),
        "ours_us": ours_best * 1e6,
        "pypi_us": theirs_best * 1e6,
        "times_as_fast": theirs_best / ours_best,
    }


def _time(call: Any, times: int) -> float:
    before = time.process_time()
    for _ in range(times):
        call()
    return (time.process_time() - before) / times
