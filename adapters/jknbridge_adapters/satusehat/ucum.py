"""Whether a string is a UCUM unit code (case-sensitive form), for rule 10012.

A grammar, not a unit library: terms of atoms with prefixes, exponents and ``{annotations}``, joined by ``.`` and ``/``.
The atoms are those that clinical records use; an unknown atom is refused, as the platform refuses it.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

_PREFIXES: Final = ("da", "Ki", "Mi", "Gi", "Ti", *"YZEPTGMkhdcmunpfazy")
_METRIC_ATOMS: Final = """
m s g rad K cd C mol sr Hz N Pa J W A V F Ohm S Wb Cel T H lm lx Bq Gy Sv kat U L l ar t u eV pc cal bar dyn erg eq osm
g% [IU] [iU] [arb'U] [USP'U] st R REM RAD Ci Gb Mx G Oe P St B Np Bd bit By Lmb ph sb m[Hg] m[H2O] mho tex cal_th cal_m
cal_[20] [Cal] cal_IT [mu_0] [c] [h] [k] [e] [G] [g]
"""
_PLAIN_ATOMS: Final = """
% [ppth] [ppm] [ppb] [pptr] min h d wk mo a mo_j a_j mo_s mo_g a_t a_g deg ' '' gon circ sph [degF] [degRe] [degR] att
atm [in_i] [ft_i] [yd_i] [mi_i] [in_i'Hg] [in_i'H2O] [lb_av] [oz_av] [lb_tr] [oz_tr] [gr] [dr_av] [foz_us] [pt_us]
[qt_us] [gal_us] [cup_us] [tbs_us] [tsp_us] [drp] [diop] [pH] [hp_X] [HPF] [LPF] [CFU] [PFU] [IR] [APL'U] [GPL'U]
[MPL'U] [D'ag'U] [AU] [BAU] [Amb'a'1'U] [ELU] [EU] [FEU] [FFU] [hnsf'U] [MET] [S] [smoot] [Ch] [car_Au] 10* 10^ [pi]
[kn_i] [acr_us] [sft_i] [sin_i] [cft_i] [cin_i] [mesh_i] [PNU] [todd'U] [dye'U] [smgy'U] [bdsk'U] [ka'U] [knk'U]
[mclg'U] [tb'U] [CCID_50] [EID_50] [TCID_50] [PRU] [Lf] [anti'Xa'U] [HP_C]
"""
_METRIC: Final = frozenset(_METRIC_ATOMS.split())
_PLAIN: Final = frozenset(_PLAIN_ATOMS.split())
_COMPONENT: Final = re.compile(r"(?P<unit>[^{}./()]*(?:\[[^\]]*\][^{}./()]*)*)(?P<note>\{[ -z|~]*\})?")
_EXPONENT: Final = re.compile(r"(?P<atom>.*?[^0-9+-])(?P<power>[+-]?\d+)?")


@lru_cache(maxsize=1024)
def is_unit(code: str) -> bool:
    """``mm[Hg]``, ``/min``, ``{beats}/min``, ``10*3/uL`` are; ``mmHg``, ``x/menit`` and the empty string are not."""
    if not code or re.search(r"\s", re.sub(r"\{[^}]*\}", "", code)):
        return False
    position, due, depth = 0, True, 0  # due: a component must come next
    if code[0] == "/":
        position = 1
    while position < len(code):
        sign = code[position]
        if due and sign == "(":
            depth, position = depth + 1, position + 1
        elif not due and sign == ")" and depth:
            depth, position = depth - 1, position + 1
        elif not due and sign in "./":
            due, position = True, position + 1
        elif due and (matched := _COMPONENT.match(code, position)) and matched.group():
            if not _component(matched.group("unit"), matched.group("note")):
                return False
            due, position = False, matched.end()
        else:
            return False
    return not due and depth == 0


def _component(unit: str, note: str | None) -> bool:
    if not unit:
        return note is not None
    if unit.isascii() and unit.isdigit():
        return True
    if _atom(unit):
        return True
    matched = _EXPONENT.fullmatch(unit)
    return matched is not None and matched.group("power") is not None and _atom(matched.group("atom"))


def _atom(name: str) -> bool:
    if name in _METRIC or name in _PLAIN:
        return True
    return any(name.startswith(prefix) and name[len(prefix) :] in _METRIC for prefix in _PREFIXES)
