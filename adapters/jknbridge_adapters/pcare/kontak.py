"""The KBK contact that a registration or visit draws up (kontak §3, §4; the gates 0.2 and 0.3 are the aggregation's).

A healthy visit counts with its registration, a sick one with its visit (kontak §1). The host emits it once PCare has
acknowledged that submission, and turns the card into a pseudonym.
"""

from __future__ import annotations

from datetime import date

from jknbridge.contacts import ContactDraft
from jknbridge_adapters.pcare.layanan import Service
from jknbridge_adapters.pcare.peserta import Peserta
from jknbridge_adapters.pcare.visit import Visit


def draft(visit: Visit, service: Service, peserta: Peserta, service_date: date) -> ContactDraft:
    return ContactDraft(
        kind=service.contact,
        place=service.place,
        mode=service.mode,
        service_date=service_date,
        card=peserta.card,
        sick=service.sick,
        encounter_status=visit.status,
        registered_here=peserta.here,
        active=peserta.active,
    )
