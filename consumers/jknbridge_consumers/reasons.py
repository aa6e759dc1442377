"""What can go wrong at the Kafka edge, in words for those who run it (DESIGN §5, §4.7).

Parameters are topics, partitions, offsets and sizes; never a key, value or header of a record.
"""

from __future__ import annotations

from jknbridge.reasons import Table, register_all

REASONS: Table = {
    # -- why a source was stopped --------------------------------------------------------------------------------------
    "kafka.beyond_end": (
        "Topik {topic} partisi {partition} berakhir di offset {end}, padahal ledger sudah membaca sampai {offset}: "
        "topik dibuat "
        "ulang atau dipulihkan dari cadangan. Sumber dihentikan; tentukan dari mana membaca.",
        "Topic {topic} partition {partition} ends at offset {end}, yet the ledger has read up to {offset}: the topic "
        "was "
        "recreated or restored. The source is stopped; decide from where to read.",
        "IT",
    ),
    "kafka.before_beginning": (
        "Topik {topic} partisi {partition} kini dimulai dari offset {begin}, padahal ledger baru membaca sampai "
        "{offset}: pesan "
        "di antaranya sudah dihapus oleh retensi. Sumber dihentikan; tentukan dari mana membaca.",
        "Topic {topic} partition {partition} now begins at offset {begin}, yet the ledger has read only up to "
        "{offset}: retention "
        "removed the records between. The source is stopped; decide from where to read.",
        "IT",
    ),
    "kafka.out_of_range": (
        "Broker menolak offset {offset} pada topik {topic} partisi {partition}: pesan terhapus atau topik dibuat "
        "ulang saat sedang "
        "dibaca. Sumber dihentikan; tentukan dari mana membaca.",
        "The broker refused offset {offset} of topic {topic} partition {partition}: records were removed or the topic "
        "was "
        "recreated while it was read. The source is stopped; decide from where to read.",
        "IT",
    ),
    "kafka.truncated": (
        "Log topik {topic} partisi {partition} terpotong di broker: pesan yang sudah dibaca sampai offset {offset} "
        "hilang di sana. "
        "Sumber dihentikan; tentukan dari mana membaca.",
        "The log of topic {topic} partition {partition} was truncated at the broker: records already read up to "
        "offset {offset} "
        "are gone there. The source is stopped; decide from where to read.",
        "IT",
    ),
    "kafka.no_start": (
        "Topik {topic} belum pernah dibaca dan mulai_dari belum ditentukan. Isi awal, sekarang, atau waktu ISO 8601 "
        "berzona waktu.",
        "Topic {topic} was never read and mulai_dari is not set. Choose awal, sekarang, or an ISO 8601 time with its "
        "zone.",
        "IT",
    ),
    # -- why a row of the outbox was not published ---------------------------------------------------------------------
    "kafka.too_large": (
        "Pesan {size} byte untuk topik {topic} ditolak karena terlalu besar. Naikkan [kafka] max_request_size dan "
        "max.message.bytes topik itu, lalu lepaskan.",
        "A record of {size} bytes for topic {topic} was refused as too large. Raise [kafka] max_request_size and the "
        "topic's "
        "max.message.bytes, then release it.",
        "IT",
    ),
    "kafka.malformed": (
        "Pesan untuk topik {topic} tidak dapat dikirim ({error}): tanpa kunci dan isi, atau header yang bukan byte.",
        "A record for topic {topic} cannot be sent ({error}): neither key nor value, or a header that is not bytes.",
        "IT",
    ),
    "kafka.topic_missing": (
        "Topik {topic} tidak ada di broker. Buat topiknya (jknbridge doctor menunjukkan caranya); pesan menunggu.",
        "Topic {topic} does not exist at the broker. Create it (jknbridge doctor shows how); the record waits.",
        "IT",
    ),
    "kafka.topic_refused": (
        "Broker menolak pesan untuk topik {topic} ({error}): periksa ACL dan pengaturan topik; pesan menunggu.",
        "The broker refused a record for topic {topic} ({error}): check its ACLs and settings; the record waits.",
        "IT",
    ),
    # -- what the doctor finds about topics ----------------------------------------------------------------------------
    "kafka.topic_absent": (
        "Topik {topic} belum ada.",
        "Topic {topic} does not exist.",
        "IT",
    ),
    "kafka.topic_created": (
        "Topik {topic} dibuat dengan {partitions} partisi.",
        "Topic {topic} was created with {partitions} partitions.",
        "IT",
    ),
    "kafka.topic_not_created": (
        "Topik {topic} tidak dapat dibuat ({error}). Minta administrator Kafka membuatnya.",
        "Topic {topic} could not be created ({error}). Ask the Kafka administrator to create it.",
        "IT",
    ),
    "kafka.topic_setting": (
        "Topik {topic}: {name} adalah {found}, seharusnya {wanted}.",
        "Topic {topic}: {name} is {found}, {wanted} expected.",
        "IT",
    ),
    "kafka.topic_settings_hidden": (
        "Pengaturan topik {topic} tidak dapat dibaca ({error}): tidak diperiksa.",
        "The settings of topic {topic} cannot be read ({error}): not checked.",
        "IT",
    ),
    "kafka.topic_fine": (
        "Topik {topic} sesuai ({partitions} partisi).",
        "Topic {topic} is as it should be ({partitions} partitions).",
        "IT",
    ),
    "kafka.topics_hidden": (
        "Daftar topik tidak dapat dibaca ({error}): periksa alamat broker, log masuk, dan ACL.",
        "The topics cannot be listed ({error}): check the broker's address, log-in and ACLs.",
        "IT",
    ),
}

register_all(REASONS)
