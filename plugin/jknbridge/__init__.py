"""The host: what an adapter author imports.

This room holds the ledger, the courier, journeys, facts and settings. It knows no BPJS endpoint and no Kafka: targets
live in ``jknbridge_adapters`` (or a stranger's package), the broker in ``jknbridge_consumers``; both meet the host
through the hooks of :mod:`jknbridge.spec`.

Open first: :mod:`jknbridge.verdicts` (what an adapter says), then :mod:`jknbridge.targets` (what it declares and does).
"""

__version__ = "0.1.0"
