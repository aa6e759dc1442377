"""The simulated SATUSEHAT (contract satusehat §20), as a target of the host's sandbox.

``make_sandbox(clock)`` is the factory. Open ``target.py`` first (a request's path through this package), then
``writes.py`` (POST, PUT), ``bundle.py``, ``patch.py``, ``search.py`` and ``patients.py`` (what Patient does otherwise).
``clients.py`` is the token endpoint, ``store.py`` what it holds, ``options.py`` the switches. What is refused is
decided by the rules that the adapter reads too (``..rules_check``). Not for KYC, KFA and master data: those paths
answer 404.
"""

from jknbridge_adapters.satusehat.sandbox.target import SatusehatSandbox, make_sandbox

__all__ = ["SatusehatSandbox", "make_sandbox"]
