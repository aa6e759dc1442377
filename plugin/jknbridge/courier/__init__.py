"""The courier: takes due work, sends it, and makes of every answer a state (DESIGN §2.2-§2.5, §4 steps 4-6).

Open ``take.py`` (from ready work to an intent), ``outcomes.py`` (from an answer to a state), ``doubts.py`` (probes),
then ``loop.py``, which only wires them to the clock. Everything but ``loop.py`` and ``limits.py`` runs inside ledger
transactions."""
