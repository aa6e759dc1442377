"""The ledger: the durable record of resources, journeys, submissions, requests, receipts, outbox and audit.

Open ``schema.py`` for what is kept, ``engine.py`` for how it is written (one writer thread, group commit), ``vault.py``
for encryption at rest. The other files hold the statements, one per concern. Not for: deciding anything; that is
:mod:`jknbridge.difference` and :mod:`jknbridge.courier`.
"""
