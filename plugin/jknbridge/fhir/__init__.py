"""From a Kafka record's bytes to resource versions ready to be stored, and the tools to read a resource without
crashing.

Pure functions over plain JSON (DESIGN §4 steps 1-2, §5). No ledger, no Kafka, no pydantic on the path of an event: a
bare resource costs some 40 us here, its R4B model alone 250 us.

Not for: deciding which version is stored (the ledger compares the keys of :mod:`~jknbridge.fhir.order`), what a visit
should become (adapters), or judging FHIR. Intake judges only what the bridge relies on: type, id, references. The rest
is kept as it came, also when it is DSTU2 or R5.

Open first: :mod:`~jknbridge.fhir.records` (``decode``). Then, by question:

=====================================  =================================================================
how are the bytes opened?              ``envelope`` (JSON, CloudEvents), ``bundle`` (the eight kinds)
which version is newer?                ``order``
what does a reference point at?        ``references``
which references matter, and whose     ``links`` (tables), ``walk`` (following them)
visit is this?
how does an adapter read a resource?   ``look``
is this valid R4B?                     ``check`` (for ``plan`` and what we compose; never on the event path)
why was it refused?                    ``reasons``
=====================================  =================================================================
"""

from __future__ import annotations

from jknbridge.fhir.reasons import REASONS
from jknbridge.reasons import register_all

register_all(REASONS)
