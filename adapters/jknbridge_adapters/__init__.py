"""The targets: one folder each, the same anatomy in every one (see ``docs/adapters.md``). Open ``pcare`` first.

What all BPJS services share (signature, decryption, LZ-String, envelope) is the room ``bpjs``. This package imports
the host and never ``jknbridge_consumers``.
"""
