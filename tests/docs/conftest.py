"""What the pages are compared with: the printed texts and the registry, from a process of its own.

Which reasons exist depends on what has been imported, and other tests register reasons of their own.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import jknbridge_adapters.pcare as pcare
import jknbridge_consumers as kafka
from jknbridge.plugins import Plugins, build

ROOT = Path(__file__).parents[2]
_PRINT = """
import json, sys
from pathlib import Path
import jknbridge_adapters.pcare as pcare, jknbridge_consumers as kafka
from jknbridge import documents
from jknbridge.plugins import build
plugins = build([pcare, kafka], entry_points=False)
docs = Path(sys.argv[1])
texts = {path.relative_to(docs).as_posix(): text for path, text in documents.rendered(docs, plugins).items()}
json.dump({"pages": texts, "reasons": documents.known_reasons(plugins)}, sys.stdout)
"""


@pytest.fixture(scope="session")
def printed() -> dict[str, Any]:
    """``pages``: path under docs → what it should say; ``reasons``: code → (id, en, who)."""
    done = subprocess.run(
        [sys.executable, "-c", _PRINT, str(ROOT / "docs")], capture_output=True, check=False, text=True
    )
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout))


@pytest.fixture(scope="session")
def plugins() -> Plugins:
    return build([pcare, kafka], entry_points=False)


@pytest.fixture(scope="session")
def docs() -> Path:
    return ROOT / "docs"
