"""From what is desired and what is held to what is to be done: one pure function (DESIGN §1 "When what is desired
changes").

No clock, no ledger, no target. :func:`step` is asked again whenever one of its inputs changes: a new verdict, an
outcome, a person's decision. It never decides *when* (settle, retries, windows of maintenance): the courier owns the
clock."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from jknbridge.reasons import Reason, register_all
from jknbridge.targets import Change, Kind, Verb

register_all(
    {
        "beda.jendela": (
            "Perubahan di luar masa koreksi: hanya dikirim bila disetujui seseorang",
            "The change is outside the amendment window: sent only if a person accepts it",
            "klinik",
        ),
        "beda.adopsi": (
            "Data di sisi sana bukan buatan kami (diketik tangan atau dari EMR): hanya diubah bila disetujui seseorang",
            "What the target holds was not made by us: changed only if a person accepts it",
            "klinik",
        ),
        "beda.berantai": (
            "Perubahan ini menghapus dan membuat ulang data yang sudah diikuti data lain ({kinds}): perlu persetujuan",
            "This change deletes and re-adds a record that others depend on ({kinds}): needs a person's consent",
            "klinik",
        ),
        "beda.mengikuti": (
            "Ikut diganti bersama data induknya, yang menunggu persetujuan",
            "Will be replaced together with what it depends on, which waits for a person's consent",
            "klinik",
        ),
        "beda.beku": (
            "Isi yang berubah ({fields}) tidak dapat diubah di sisi sana; yang sudah diterima dibiarkan",
            "The changed fields ({fields}) cannot be changed at the target; what was accepted is left alone",
            "klinik",
        ),
        "beda.tidak_dapat_ditarik": (
            "Tidak dapat ditarik: sisi sana tidak menyediakan penghapusan {kind}; hapus lewat laman BPJS bila perlu",
            "Cannot be withdrawn: the target offers no deletion of {kind}",
            "klinik",
        ),
        "beda.menunggu_turunan": (
            "Penarikan menunggu sampai data yang bergantung padanya ({kinds}) ditarik",
            "The withdrawal waits until what depends on it ({kinds}) is withdrawn",
            "klinik",
        ),
        "beda.versi": (
            "Isi dari EMR tidak berubah sejak diterima; perbedaan hanya dari versi atau pengaturan, jadi dibiarkan",
            "What the EMR says has not changed since it was accepted; the difference is only of version or settings",
            "IT",
        ),
        "beda.yatim": (
            "Tidak lagi disebut oleh EMR atau adaptor; yang sudah diterima dibiarkan (yatim)",
            "No longer mentioned by the EMR or the adapter; what was accepted is left alone (yatim)",
            "IT",
        ),
        "beda.membangun_ulang": (
            "Menunggu rangkaian dibongkar sebelum dibuat ulang",
            "Waits until the chain is taken down before it is built again",
            "klinik",
        ),
    }
)


@dataclass(frozen=True, slots=True)
class Standing:
    """One submission as the ledger knows it. ``dependants``: kinds of present or unknown submissions that hang on it.
    ``same_inputs``: the resources are those under which what is held was last found right, so that a difference can
    only come from newer code or other settings. ``parent_replaces``: what it hangs on is itself to be replaced, so it
    can only be replaced together with that."""

    desire: str
    held: str
    work: str
    how: str | None
    desired: Mapping[str, Any] | None
    desired_fp: str | None
    accepted: Mapping[str, Any] | None
    accepted_fp: str | None
    hold: str | None = None
    hold_fp: str | None = None
    permit: str | None = None
    rebuild: bool = False
    root_down: bool = True
    in_window: bool = True
    dependants: tuple[str, ...] = ()
    parent_replaces: bool = False
    same_inputs: bool = False
    reason: Reason | None = None


@dataclass(frozen=True, slots=True)
class Step:
    """What follows: the work, the verb where there is one, the reason, and the action to propose to a person."""

    work: str
    verb: Verb | None = None
    reason: Reason | None = None
    propose: str | None = None
    waits_for_dependants: bool = False


def step(standing: Standing, kind: Kind) -> Step:
    """The one next step. A request under way or in doubt is never disturbed: nothing else starts beside it."""
    s = standing
    if s.work in ("sending", "in_doubt"):
        return Step(s.work, reason=s.reason)
    over = s.desire == "unwanted" and s.held == "absent" and s.hold in ("gone", "refused", "adopt")
    if s.hold is not None and not over and not (s.hold == "refused" and s.desired_fp != s.hold_fp):
        return Step("parked", reason=s.reason)
    if s.rebuild and s.held == "present":
        return _withdraw(s, kind, allowed=True)
    if s.rebuild and not s.root_down:
        return Step("waiting", reason=Reason.of("beda.membangun_ulang"))
    if s.desire == "wanted":
        return _towards(s, kind)
    if s.desire == "unwanted":
        if s.held == "absent":
            return Step("withdrawn" if s.work == "withdrawn" else "obsolete", reason=s.reason)
        if s.same_inputs and s.permit != "withdraw":
            return Step("none", reason=Reason.of("beda.versi"))
        return _withdraw(s, kind, allowed=s.permit == "withdraw")
    return _untouched(s)


def changed_fields(desired: Mapping[str, Any], accepted: Mapping[str, Any]) -> list[str]:
    return sorted(k for k in desired.keys() | accepted.keys() if desired.get(k) != accepted.get(k))


def _towards(s: Standing, kind: Kind) -> Step:
    if s.held == "absent":
        return Step("ready", Verb.ADD)
    if s.desired_fp == s.accepted_fp or s.desired is None or s.accepted is None:
        return Step("none")
    if s.same_inputs and s.permit is None:
        return Step("none", reason=Reason.of("beda.versi"))
    fields = changed_fields(s.desired, s.accepted)
    change = kind.change_of(fields)
    if change is Change.FROZEN:
        return Step("none", reason=Reason.of("beda.beku", fields=", ".join(fields)))
    action = "revise" if change is Change.PUT and kind.edit is not None else "replace"
    if action == "replace" and s.parent_replaces:
        return Step("none", reason=Reason.of("beda.mengikuti"))
    if s.permit != action:
        if s.how == "adopted":
            return Step("none", reason=Reason.of("beda.adopsi"), propose=action)
        if not s.in_window:
            return Step("none", reason=Reason.of("beda.jendela"), propose=action)
        if action == "replace" and s.dependants:
            return Step("none", reason=Reason.of("beda.berantai", kinds=", ".join(s.dependants)), propose=action)
    if action == "revise":
        return Step("ready", Verb.EDIT)
    return _withdraw(s, kind, allowed=True)


def _withdraw(s: Standing, kind: Kind, *, allowed: bool) -> Step:
    if kind.delete is None:
        return Step("parked", reason=Reason.of("beda.tidak_dapat_ditarik", kind=kind.name))
    if not allowed:
        if s.how == "adopted":
            return Step("none", reason=Reason.of("beda.adopsi"), propose="withdraw")
        if not s.in_window:
            return Step("none", reason=Reason.of("beda.jendela"), propose="withdraw")
    if s.dependants:
        waits = Reason.of("beda.menunggu_turunan", kinds=", ".join(s.dependants))
        return Step("waiting", Verb.DELETE, reason=waits, waits_for_dependants=True)
    return Step("ready", Verb.DELETE)


def _untouched(s: Standing) -> Step:
    """Waiting, parked, not applicable or silent: what was accepted is left alone, what was not is not sent."""
    if s.held != "absent":
        return Step("none", reason=s.reason)
    work = {"waiting": "waiting", "parked": "parked", "not_applicable": "not_applicable", "silent": "waiting"}[s.desire]
    return Step(work, reason=s.reason)
