"""What translating a visit ran into: what is missing, what a person must mend, what is none of PCare's business.

Every seam of the translation takes a :class:`Gaps` and states what it did not find instead of raising or guessing; at
the end the gaps say which verdict stands (pcare §22 #8-#10: nothing is defaulted).
"""

from __future__ import annotations

from dataclasses import dataclass, field

from jknbridge.reasons import Reason
from jknbridge.verdicts import Need, NotApplicable, Parked, Verdict, Waiting


@dataclass(slots=True)
class Gaps:
    """Strongest first: a rule (not applicable), a reason to park, needs. Notes go with what is sent."""

    rule: Reason | None = None
    parked: Reason | None = None
    needs: list[Need] = field(default_factory=list)
    notes: list[Reason] = field(default_factory=list)

    def not_applicable(self, code: str, **params: object) -> None:
        self.rule = self.rule or Reason.of(code, **params)

    def park(self, code: str, **params: object) -> None:
        self.parked = self.parked or Reason.of(code, **params)

    def need(self, code: str, where: str, **params: object) -> None:
        need = Need(Reason.of(code, **params), where)
        if need not in self.needs:
            self.needs.append(need)

    def missing(self, field_: str, where: str) -> None:
        """Nothing is recorded for this PCare field; ``where`` it is looked for in FHIR."""
        self.need("pcare.kurang", where, field=field_)

    def note(self, code: str, **params: object) -> None:
        reason = Reason.of(code, **params)
        if reason not in self.notes:
            self.notes.append(reason)

    def verdict(self, kind: str, key: str) -> Verdict | None:
        """What keeps this submission from being sent, or ``None`` where nothing does."""
        if self.rule is not None:
            return NotApplicable(kind, key, self.rule)
        if self.parked is not None:
            return Parked(kind, key, self.parked)
        if self.needs:
            return Waiting(kind, key, tuple(self.needs))
        return None
