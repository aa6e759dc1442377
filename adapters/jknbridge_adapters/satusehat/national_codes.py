"""National codes that the platform is known to accept (satusehat §9.1), for whoever wants to refuse the others.

The national lists are not published whole and grow, so an unknown code is no error by itself: it was refused in one
year and accepted in the next. Numbers are padded to six digits: ``OC`` 9 is ``OC000009``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

_CLINICAL_TERM: Final = {
    "CB": "1", "CC": "16-18, 21", "EHA": "2", "FO": "1", "MN": "1", "NOE": "1",
    "OC": "2-4, 9-13, 16-20, 23, 25, 26, 28-30, 34-36, 55-58, 60-63, 85, 86, 89, 91, 92, 98, 100, 102, 105, 107, 108, "
    "111, 124-126, 129-140, 142, 144-155, 158-161, 163, 164, 170, 173, 175, 180-184, 186",
    "OI": "1, 7, 11, 13, 17, 20, 21, 23, 24, 27, 31, 32, 38, 46",
    "OV": "2, 9, 14, 16, 49, 52, 53, 72, 74, 79, 84, 87, 89, 91-93, 97, 100, 134, 137, 179, 185, 188, 202, 204, 215, "
    "224, 232, 242, 253, 288, 293, 296, 297, 300, 306, 308, 311, 316, 320, 352, 367, 391, 398, 409, 412",
    "PC": "1-3, 15, 16", "QRI": "3, 7, 13-17, 20, 22, 24, 26, 27, 31, 32", "SRR": "7",
}  # fmt: skip
_TERMINOLOGY: Final = {
    "TK": "2-15, 19-21, 28, 34, 43-45, 53, 54, 56, 61, 63, 67, 68, 75-78, 80-83, 93, 94, 97-99, 102-104, 106, 107, "
    "115-117, 120-124, 126-141, 143, 168, 171, 177, 180, 184, 186, 190, 193, 195, 197, 215, 225, 231, 234, 235, "
    "238-240, 243, 246, 249, 250, 253-258, 263, 264, 266-271, 99144",
}
_WORD_CODES: Final = """
ADM EMC HIV area chief-complaint previous-condition primary-diagnosis program-intensif program-lanjutan
referral-criteria referral-request request-referral-candidate secondary-diagnosis
"""


def _codes(ranges: Mapping[str, str]) -> frozenset[str]:
    found = set()
    for letters, numbers in ranges.items():
        for part in numbers.split(", "):
            first, _, last = part.partition("-")
            found |= {f"{letters}{number:06d}" for number in range(int(first), int(last or first) + 1)}
    return frozenset(found)


KNOWN: Final[Mapping[str, frozenset[str]]] = {
    "http://terminology.kemkes.go.id/CodeSystem/clinical-term": _codes(_CLINICAL_TERM),
    "http://terminology.kemkes.go.id": _codes(_TERMINOLOGY) | frozenset(_WORD_CODES.split()),
}
"""By code system: codes that passed."""
