"""The records of each wave: the day's versions in their forms, shuffled, with duplicates and late old versions.

Seeded: two runs publish the same records in the same order.
"""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

from jknbridge_consumers.demo.config import TOMBSTONES
from jknbridge_consumers.demo.forms import Parcel, broken, wrap
from jknbridge_consumers.demo.journeys import Book
from jknbridge_consumers.demo.visit import Wave
from jknbridge_consumers.publishing import Outgoing

_SEED = 1
_TWICE = 12
"""One record in so many is published twice, and one of an earlier wave again (a late old version)."""


def waves(book: Book, topics: Sequence[str]) -> dict[Wave, list[Parcel]]:
    random = Random(_SEED)
    made: dict[Wave, list[Parcel]] = {}
    past: list[Parcel] = []
    for wave in Wave:
        parcels = _of(book, wave, topics)
        again = [parcel for number, parcel in enumerate([*parcels, *past]) if number % _TWICE == 0]
        if wave is Wave.CORRECTED:
            parcels += _tombstones(book)
        if wave is Wave.SERVING:
            parcels += broken(book.stories[0].versions[0].resource, topics)
        past += parcels
        made[wave] = [*parcels, *again]
        random.shuffle(made[wave])
    return made


def _of(book: Book, wave: Wave, topics: Sequence[str]) -> list[Parcel]:
    parcels = wrap("bare", [one.resource for one in book.master() if one.wave is wave], topics)
    for story in book.stories:
        resources = [one.resource for one in story.versions if one.wave is wave]
        if resources:
            parcels += wrap(story.form, resources, topics)
    return parcels


def _tombstones(book: Book) -> list[Parcel]:
    names = [name for story in book.stories for name in story.deleted]
    return [Parcel(Outgoing(TOMBSTONES, name.encode(), None), 1) for name in names]
