"""Why a record or an entry could not be taken: the words for :mod:`jknbridge.fhir` (DESIGN §4 step 1).

Parameters are limits, element paths, Bundle and event words of the FHIR vocabulary; never a value of the resource.
Registered by the package itself, so that whoever imports any of its modules has them.
"""

from __future__ import annotations

from jknbridge.reasons import Table

REASONS: Table = {
    # -- the record's bytes --------------------------------------------------------------------------------------------
    "record.too_large": (
        "Pesan berukuran {size} byte, melebihi batas {limit}. Naikkan batas atau kirim Bundle lebih kecil.",
        "The record has {size} bytes, more than the limit of {limit}. Raise the limit or send smaller Bundles.",
        "IT",
    ),
    "record.not_utf8": (
        "Isi pesan bukan teks UTF-8.",
        "The record's value is not UTF-8 text.",
        "integrator",
    ),
    "record.not_json": (
        "Isi pesan bukan JSON yang sah.",
        "The record's value is not valid JSON.",
        "integrator",
    ),
    "record.not_object": (
        "Isi pesan adalah JSON, tetapi bukan objek: kirim satu resource, Bundle, atau CloudEvent per pesan.",
        "The record's value is JSON but not an object: send one resource, Bundle or CloudEvent per record.",
        "integrator",
    ),
    "record.too_deep": (
        "Struktur JSON bersarang lebih dari {limit} tingkat.",
        "The JSON is nested deeper than {limit} levels.",
        "integrator",
    ),
    "record.unstorable": (
        "Resource memuat nilai yang tidak dapat disimpan: angka di luar jangkauan atau karakter Unicode yang rusak.",
        "The resource holds a value that cannot be stored: a number out of range or a broken Unicode character.",
        "integrator",
    ),
    "record.defect": (
        "Kesalahan program saat membaca pesan ({error}). Laporkan kepada pengembang; pesan disimpan utuh.",
        "A defect of this program while reading the record ({error}). Report it; the record is kept whole.",
        "IT",
    ),
    # -- CloudEvents and tombstones ------------------------------------------------------------------------------------
    "cloudevent.no_data": (
        "CloudEvent tidak membawa data. Sertakan resource FHIR di dalam data.",
        "The CloudEvent carries no data. Put the FHIR resource into data.",
        "integrator",
    ),
    "cloudevent.bad_base64": (
        "data_base64 pada CloudEvent bukan base64 yang sah.",
        "The CloudEvent's data_base64 is not valid base64.",
        "integrator",
    ),
    "cloudevent.delete_without_id": (
        "CloudEvent penghapusan tidak menyebut resource mana: isi subject dengan Tipe/id (misalnya Encounter/123).",
        "The CloudEvent reports a delete but not of what: set subject to Type/id (such as Encounter/123).",
        "integrator",
    ),
    "cloudevent.deleted_bundle": (
        "CloudEvent penghapusan membawa Bundle. Kirim penghapusan per resource, atau Bundle dengan method DELETE.",
        "A CloudEvent of a delete carries a Bundle. Send one delete per resource, or a Bundle with method DELETE.",
        "integrator",
    ),
    "tombstone.bad_key": (
        "Pesan kosong (tombstone) pada topik yang kuncinya resource, tetapi kuncinya bukan Tipe/id atau id.",
        "A tombstone on a topic whose key is the resource, but the key is neither Type/id nor an id.",
        "integrator",
    ),
    # -- one resource --------------------------------------------------------------------------------------------------
    "resource.not_fhir": (
        "JSON tanpa resourceType: bukan resource FHIR.",
        "JSON without resourceType: not a FHIR resource.",
        "integrator",
    ),
    "resource.bad_type": (
        "resourceType bukan nama tipe FHIR.",
        "resourceType is not the name of a FHIR type.",
        "integrator",
    ),
    "resource.no_id": (
        "{type} tanpa id: tanpa identitas tetap, resource tidak dapat diikuti.",
        "{type} without id: without a lasting identity a resource cannot be followed.",
        "integrator",
    ),
    "resource.bad_id": (
        "id pada {type} bukan teks 1-{limit} karakter dari huruf, angka, '-', '.', '_'.",
        "The id of {type} is not a text of 1-{limit} letters, digits, '-', '.', '_'.",
        "integrator",
    ),
    "resource.bad_shape": (
        "{path}: bentuknya salah, seharusnya {expected}.",
        "{path}: wrong shape, {expected} expected.",
        "integrator",
    ),
    # -- Bundles -------------------------------------------------------------------------------------------------------
    "bundle.bad_entries": (
        "Bundle.entry bukan daftar.",
        "Bundle.entry is not a list.",
        "integrator",
    ),
    "bundle.too_many_entries": (
        "Bundle berisi {count} entri, melebihi batas {limit}.",
        "The Bundle has {count} entries, more than the limit of {limit}.",
        "IT",
    ),
    "bundle.no_identity": (
        "Bundle transaction memuat {type} tanpa id (hanya urn:uuid). Kirim setelah server FHIR memberi id.",
        "The transaction Bundle holds a {type} without id (urn:uuid only). Send it after the FHIR server gave ids.",
        "integrator",
    ),
    "bundle.bad_entry": (
        "Entri Bundle bukan objek, atau entry.resource bukan objek.",
        "The Bundle's entry is not an object, or entry.resource is not one.",
        "integrator",
    ),
    "bundle.empty_entry": (
        "Entri Bundle tanpa resource dan bukan penghapusan.",
        "The Bundle's entry has no resource and is no delete.",
        "integrator",
    ),
    "bundle.nested": (
        "Bundle di dalam Bundle tidak dibaca. Kirim Bundle yang di dalam sebagai pesan tersendiri.",
        "A Bundle inside a Bundle is not read. Send the inner one as a record of its own.",
        "integrator",
    ),
    "bundle.patch": (
        "Entri PATCH hanya memuat perubahan, bukan resource utuh. Kirim versi utuh sesudah perubahan.",
        "A PATCH entry holds a change, not the whole resource. Send the whole version after the change.",
        "integrator",
    ),
    "bundle.delete_without_id": (
        "Entri DELETE tidak menyebut Tipe/id pada request.url atau fullUrl.",
        "The DELETE entry names no Type/id in request.url or fullUrl.",
        "integrator",
    ),
    "notification.id_only": (
        "Notifikasi Subscription tidak membawa resource. Di EMR, ubah content Subscription menjadi full-resource.",
        "The Subscription notification carries no resource. Set the Subscription's content to full-resource.",
        "integrator",
    ),
}
