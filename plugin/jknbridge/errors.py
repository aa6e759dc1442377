"""Errors, named after what happens next.

::

    JknbridgeError
    ├── StartRefused       stop at start: the config, a plugin or the ledger must be mended by IT
    ├── NeedsPerson        a command was asked for something only a person may decide otherwise
    ├── LedgerBusy         try again: another process holds the ledger
    └── LeaseLost          stop: another worker owns this work now

What a target answers is never an exception: see the outcomes in :mod:`jknbridge.targets`. *Outcome unknown* is one of
those, a class of its own. What HTTP raises is in :mod:`jknbridge.http` (``NotSent``, ``AnswerLost``).
"""

from __future__ import annotations


class JknbridgeError(Exception):
    """Root of the errors a command shows as one line."""


class StartRefused(JknbridgeError):
    """The program does not start; the text says what to change."""


class NeedsPerson(JknbridgeError):
    """Refused because only a person may decide; the text says who and how."""


class LedgerBusy(JknbridgeError):
    """Another process holds what this one needs; trying again later may help."""


class LeaseLost(JknbridgeError):
    """Another worker took over; nothing may be written or sent any more."""
