"""The first schema: sources, resources, journeys, facts, submissions, requests, receipts, outbox, audit"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0001"
down_revision: str | None = None
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None


def upgrade() -> None:
    op.create_table(
        "audit",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("at", sa.Double(), nullable=False),
        sa.Column("who", sa.String(length=128), nullable=False),
        sa.Column("action", sa.String(length=48), nullable=False),
        sa.Column("object", sa.String(length=500), nullable=False),
        sa.Column("why", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit")),
        comment="Every decision of a person",
    )
    op.create_table(
        "credential",
        sa.Column("limit_key", sa.String(length=255), nullable=False),
        sa.Column("secret_hmac", sa.String(length=64), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("closed_at", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("limit_key", name=op.f("pk_credential")),
        comment="Closed after one refused log-in, for all workers, until the secret changes",
    )
    op.create_table(
        "data_key",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("owner_hmac", sa.String(length=64), nullable=False),
        sa.Column("wrapped", sa.LargeBinary(), nullable=True),
        sa.Column("destroyed_at", sa.Double(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_data_key")),
        sa.UniqueConstraint("owner_hmac", name=op.f("uq_data_key_owner_hmac")),
        comment="One data key per patient, wrapped by the master key; erasing a patient destroys it",
    )
    op.create_table(
        "dead_letter",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("source", sa.String(length=64), nullable=False),
        sa.Column("topic", sa.String(length=255), nullable=False),
        sa.Column("partition", sa.Integer(), nullable=False),
        sa.Column("offset", sa.BigInteger(), nullable=False),
        sa.Column("entry", sa.Integer(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("at", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_dead_letter")),
        sa.UniqueConstraint(
            "topic", "partition", "offset", "entry", name=op.f("uq_dead_letter_topic_partition_offset_entry")
        ),
        comment="What could not be taken in, and why; the bytes leave through the outbox",
    )
    op.create_table(
        "fact",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("instance", sa.String(length=96), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("subject_hmac", sa.String(length=64), nullable=False),
        sa.Column("as_of", sa.String(length=10), nullable=False),
        sa.Column("question_box", sa.LargeBinary(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("value_box", sa.LargeBinary(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("answered_at", sa.Double(), nullable=True),
        sa.Column("due_at", sa.Double(), nullable=True),
        sa.Column("tries", sa.Integer(), server_default="0", nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_fact")),
        sa.UniqueConstraint(
            "instance", "kind", "subject_hmac", "as_of", name=op.f("uq_fact_instance_kind_subject_hmac_as_of")
        ),
        comment="Answers adapters asked for, pinned as of the service date",
    )
    with op.batch_alter_table("fact", schema=None) as batch_op:
        batch_op.create_index("ix_fact_due", ["due_at"], unique=False)

    op.create_table(
        "journey",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("source", sa.String(length=64), nullable=False),
        sa.Column("anchor_type", sa.String(length=64), nullable=False),
        sa.Column("anchor_id", sa.String(length=255), nullable=False),
        sa.Column("facility", sa.String(length=32), nullable=True),
        sa.Column("service_date", sa.String(length=10), nullable=True),
        sa.Column("due_at", sa.Double(), nullable=True),
        sa.Column("changes", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("changed_at", sa.Double(), nullable=False),
        sa.Column("translated_at", sa.Double(), nullable=True),
        sa.Column("pruned_at", sa.Double(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_journey")),
        sa.UniqueConstraint("source", "anchor_type", "anchor_id", name=op.f("uq_journey_source_anchor_type_anchor_id")),
        comment="A view over resources with one anchor",
    )
    with op.batch_alter_table("journey", schema=None) as batch_op:
        batch_op.create_index("ix_journey_due", ["due_at"], unique=False)

    op.create_table(
        "lease",
        sa.Column("shard", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("owner", sa.String(length=64), nullable=True),
        sa.Column("epoch", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("shard", name=op.f("pk_lease")),
        comment="Who may write and send for a shard, by the database's clock",
    )
    op.create_table(
        "mapping",
        sa.Column("facility", sa.String(length=32), nullable=False),
        sa.Column("list", sa.String(length=48), nullable=False),
        sa.Column("local", sa.String(length=255), nullable=False),
        sa.Column("code", sa.String(length=255), nullable=False),
        sa.Column("set_at", sa.Double(), nullable=False),
        sa.Column("set_by", sa.String(length=128), nullable=False),
        sa.PrimaryKeyConstraint("facility", "list", "local", name=op.f("pk_mapping")),
        comment="Local codes to the target's, per facility; facility '*' for all",
    )
    op.create_table(
        "mapping_work",
        sa.Column("facility", sa.String(length=32), nullable=False),
        sa.Column("list", sa.String(length=48), nullable=False),
        sa.Column("local", sa.String(length=255), nullable=False),
        sa.Column("display", sa.Text(), nullable=True),
        sa.Column("first_seen", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("facility", "list", "local", name=op.f("pk_mapping_work")),
        comment="Local codes without a mapping: the work list",
    )
    op.create_table(
        "meta",
        sa.Column("name", sa.String(length=160), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_meta")),
        comment="Ledger id, sequence, environment per instance",
    )
    op.create_table(
        "outbox",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("topic", sa.String(length=255), nullable=False),
        sa.Column("key_box", sa.LargeBinary(), nullable=True),
        sa.Column("value_box", sa.LargeBinary(), nullable=True),
        sa.Column("headers", sa.Text(), nullable=False),
        sa.Column("state", sa.String(length=10), server_default="new", nullable=False),
        sa.Column("created_at", sa.Double(), nullable=False),
        sa.Column("published_at", sa.Double(), nullable=True),
        sa.Column("due_at", sa.Double(), server_default="0", nullable=False),
        sa.Column("tries", sa.Integer(), server_default="0", nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outbox")),
        comment="Records to publish, taken by state and never by a high-water mark",
    )
    with op.batch_alter_table("outbox", schema=None) as batch_op:
        batch_op.create_index("ix_outbox_state", ["state", "id"], unique=False)

    op.create_table(
        "source_offset",
        sa.Column("topic", sa.String(length=255), nullable=False),
        sa.Column("partition", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("next_offset", sa.BigInteger(), nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("stopped", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("topic", "partition", name=op.f("pk_source_offset")),
        comment="The truth about what was taken in; Kafka's commit is a copy",
    )
    op.create_table(
        "tally",
        sa.Column("day", sa.String(length=10), nullable=False),
        sa.Column("source", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=48), nullable=False),
        sa.Column("n", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("day", "source", "name", name=op.f("pk_tally")),
        comment="Records and entries counted by what became of them (DESIGN §2.7)",
    )
    op.create_table(
        "fact_use",
        sa.Column("fact_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("journey_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.ForeignKeyConstraint(["fact_id"], ["fact.id"], name=op.f("fk_fact_use_fact_id_fact")),
        sa.ForeignKeyConstraint(["journey_id"], ["journey.id"], name=op.f("fk_fact_use_journey_id_journey")),
        sa.PrimaryKeyConstraint("fact_id", "journey_id", name=op.f("pk_fact_use")),
        comment="Which journeys rely on which answer",
    )
    with op.batch_alter_table("fact_use", schema=None) as batch_op:
        batch_op.create_index("ix_fact_use_journey", ["journey_id"], unique=False)

    op.create_table(
        "journey_target",
        sa.Column("journey_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("target", sa.String(length=32), nullable=False),
        sa.Column("state", sa.String(length=24), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("translator", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(["journey_id"], ["journey.id"], name=op.f("fk_journey_target_journey_id_journey")),
        sa.PrimaryKeyConstraint("journey_id", "target", name=op.f("pk_journey_target")),
        comment="What one journey came to at one target: submissions, not_applicable (with the rule), galat",
    )
    op.create_table(
        "request",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("instance", sa.String(length=96), nullable=False),
        sa.Column("verb", sa.String(length=8), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("outcome", sa.String(length=24), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("fingerprint", sa.String(length=64), nullable=False),
        sa.Column("call_box", sa.LargeBinary(), nullable=False),
        sa.Column("key_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("repeat_of", sa.String(length=32), nullable=True),
        sa.Column("created_at", sa.Double(), nullable=False),
        sa.Column("ended_at", sa.Double(), nullable=True),
        sa.Column("probes", sa.Integer(), server_default="0", nullable=False),
        sa.Column("probe_at", sa.Double(), nullable=True),
        sa.Column("last_finding", sa.Text(), nullable=True),
        sa.Column("finding_box", sa.LargeBinary(), nullable=True),
        sa.Column("worker", sa.String(length=64), nullable=True),
        sa.Column("epoch", sa.BigInteger(), server_default="0", nullable=False),
        sa.ForeignKeyConstraint(["key_id"], ["data_key.id"], name=op.f("fk_request_key_id_data_key")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_request")),
        comment="One HTTP call: the unit of intent, attempt and doubt",
    )
    with op.batch_alter_table("request", schema=None) as batch_op:
        batch_op.create_index("ix_request_brake", ["instance", "verb", "created_at"], unique=False)
        batch_op.create_index("ix_request_probe", ["state", "probe_at"], unique=False)

    op.create_table(
        "resource",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("source", sa.String(length=64), nullable=False),
        sa.Column("type", sa.String(length=64), nullable=False),
        sa.Column("rid", sa.String(length=255), nullable=False),
        sa.Column("order_key", sa.Text(), nullable=False),
        sa.Column("content_hash", sa.String(length=64), nullable=False),
        sa.Column("deleted", sa.Boolean(), nullable=False),
        sa.Column("body_box", sa.LargeBinary(), nullable=True),
        sa.Column("key_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("first_seen", sa.Double(), nullable=False),
        sa.Column("last_seen", sa.Double(), nullable=False),
        sa.ForeignKeyConstraint(["key_id"], ["data_key.id"], name=op.f("fk_resource_key_id_data_key")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_resource")),
        sa.UniqueConstraint("source", "type", "rid", name=op.f("uq_resource_source_type_rid")),
        comment="The newest version of one (source, type, id); a delete stays as a marker",
    )
    op.create_table(
        "submission",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("instance", sa.String(length=96), nullable=False),
        sa.Column("facility", sa.String(length=32), nullable=False),
        sa.Column("target", sa.String(length=32), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("key", sa.String(length=400), nullable=False),
        sa.Column("journey_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("key_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("service_date", sa.String(length=10), nullable=True),
        sa.Column("held", sa.String(length=8), server_default="absent", nullable=False),
        sa.Column("work", sa.String(length=16), nullable=False),
        sa.Column("verb", sa.String(length=8), nullable=True),
        sa.Column("hold", sa.String(length=12), nullable=True),
        sa.Column("hold_fp", sa.String(length=64), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("notes", sa.Text(), nullable=True),
        sa.Column("wait_on", sa.String(length=500), nullable=True),
        sa.Column("due_at", sa.Double(), nullable=True),
        sa.Column("not_before", sa.Double(), nullable=True),
        sa.Column("settle_at", sa.Double(), nullable=True),
        sa.Column("deadline", sa.Double(), nullable=True),
        sa.Column("desire", sa.String(length=16), nullable=False),
        sa.Column("evidence", sa.String(length=24), nullable=True),
        sa.Column("desired_box", sa.LargeBinary(), nullable=True),
        sa.Column("desired_fp", sa.String(length=64), nullable=True),
        sa.Column("accepted_box", sa.LargeBinary(), nullable=True),
        sa.Column("accepted_fp", sa.String(length=64), nullable=True),
        sa.Column("desired_inputs", sa.String(length=64), nullable=True),
        sa.Column("accepted_inputs", sa.String(length=64), nullable=True),
        sa.Column("translator", sa.Integer(), nullable=True),
        sa.Column("how", sa.String(length=8), nullable=True),
        sa.Column("lane", sa.String(length=500), nullable=True),
        sa.Column("tries", sa.Integer(), server_default="0", nullable=False),
        sa.Column("first_try_at", sa.Double(), nullable=True),
        sa.Column("doubt_at", sa.Double(), nullable=True),
        sa.Column("check_at", sa.Double(), nullable=True),
        sa.Column("permit", sa.String(length=16), nullable=True),
        sa.Column("rebuild", sa.BigInteger(), nullable=True),
        sa.Column("contact", sa.Boolean(), server_default="0", nullable=False),
        sa.Column("proposal_id", sa.BigInteger(), nullable=True),
        sa.Column("told_fp", sa.String(length=64), nullable=True),
        sa.Column("changed_at", sa.Double(), nullable=False),
        sa.ForeignKeyConstraint(["journey_id"], ["journey.id"], name=op.f("fk_submission_journey_id_journey")),
        sa.ForeignKeyConstraint(["key_id"], ["data_key.id"], name=op.f("fk_submission_key_id_data_key")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_submission")),
        sa.UniqueConstraint("instance", "kind", "key", name=op.f("uq_submission_instance_kind_key")),
        comment="One thing that should exist at one target; held = what the target has, work = what we do about it",
    )
    with op.batch_alter_table("submission", schema=None) as batch_op:
        batch_op.create_index("ix_submission_check", ["check_at"], unique=False)
        batch_op.create_index("ix_submission_due", ["work", "due_at"], unique=False)
        batch_op.create_index("ix_submission_journey", ["journey_id"], unique=False)
        batch_op.create_index("ix_submission_lane", ["lane"], unique=False)
        batch_op.create_index("ix_submission_wait", ["wait_on"], unique=False)

    op.create_table(
        "alias",
        sa.Column("source", sa.String(length=64), nullable=False),
        sa.Column("identifier_hmac", sa.String(length=64), nullable=False),
        sa.Column("resource_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.ForeignKeyConstraint(["resource_id"], ["resource.id"], name=op.f("fk_alias_resource_id_resource")),
        sa.PrimaryKeyConstraint("source", "identifier_hmac", "resource_id", name=op.f("pk_alias")),
        comment="Identifiers a logical reference may use",
    )
    op.create_table(
        "claim",
        sa.Column("instance", sa.String(length=96), nullable=False),
        sa.Column("natural_hmac", sa.String(length=64), nullable=False),
        sa.Column("submission_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("taken_at", sa.Double(), nullable=False),
        sa.ForeignKeyConstraint(["submission_id"], ["submission.id"], name=op.f("fk_claim_submission_id_submission")),
        sa.PrimaryKeyConstraint("instance", "natural_hmac", name=op.f("pk_claim")),
        comment="The target's natural key, taken before sending; one owner",
    )
    with op.batch_alter_table("claim", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_claim_submission_id"), ["submission_id"], unique=False)

    op.create_table(
        "contact",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("submission_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("fingerprint", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(length=24), nullable=False),
        sa.Column("month", sa.String(length=7), nullable=False),
        sa.Column("facility", sa.String(length=32), nullable=False),
        sa.ForeignKeyConstraint(["submission_id"], ["submission.id"], name=op.f("fk_contact_submission_id_submission")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_contact")),
        sa.UniqueConstraint("submission_id", name=op.f("uq_contact_submission_id")),
        comment="What was last told of a contact on jkn.kbk.kontak.v1",
    )
    op.create_table(
        "edge",
        sa.Column("resource_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("source", sa.String(length=64), nullable=False),
        sa.Column("path", sa.String(length=64), nullable=False),
        sa.Column("target", sa.String(length=400), nullable=False),
        sa.ForeignKeyConstraint(["resource_id"], ["resource.id"], name=op.f("fk_edge_resource_id_resource")),
        comment="References out of a resource, normalised",
    )
    with op.batch_alter_table("edge", schema=None) as batch_op:
        batch_op.create_index("ix_edge_resource", ["resource_id"], unique=False)
        batch_op.create_index("ix_edge_target", ["target", "source"], unique=False)

    op.create_table(
        "proposal",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("instance", sa.String(length=96), nullable=False),
        sa.Column("submission_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("action", sa.String(length=16), nullable=False),
        sa.Column("desired_fp", sa.String(length=64), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("state", sa.String(length=10), server_default="open", nullable=False),
        sa.Column("created_at", sa.Double(), nullable=False),
        sa.Column("decided_at", sa.Double(), nullable=True),
        sa.Column("decided_by", sa.String(length=128), nullable=True),
        sa.Column("why", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["submission_id"], ["submission.id"], name=op.f("fk_proposal_submission_id_submission")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_proposal")),
        comment="Changes that wait for the consent of a person",
    )
    with op.batch_alter_table("proposal", schema=None) as batch_op:
        batch_op.create_index("ix_proposal_state", ["state"], unique=False)
        batch_op.create_index(batch_op.f("ix_proposal_submission_id"), ["submission_id"], unique=False)

    op.create_table(
        "receipt",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("submission_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("request_id", sa.String(length=32), nullable=True),
        sa.Column("kind", sa.String(length=64), nullable=False),
        sa.Column("values_box", sa.LargeBinary(), nullable=False),
        sa.Column("key_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("natural_hmac", sa.String(length=64), nullable=True),
        sa.Column("how", sa.String(length=8), nullable=False),
        sa.Column("fingerprint", sa.String(length=64), nullable=False),
        sa.Column("created_at", sa.Double(), nullable=False),
        sa.Column("ended_at", sa.Double(), nullable=True),
        sa.Column("ended_by", sa.String(length=32), nullable=True),
        sa.ForeignKeyConstraint(["key_id"], ["data_key.id"], name=op.f("fk_receipt_key_id_data_key")),
        sa.ForeignKeyConstraint(["request_id"], ["request.id"], name=op.f("fk_receipt_request_id_request")),
        sa.ForeignKeyConstraint(["submission_id"], ["submission.id"], name=op.f("fk_receipt_submission_id_submission")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_receipt")),
        comment="What the target gave back, and how we came by it",
    )
    with op.batch_alter_table("receipt", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_receipt_submission_id"), ["submission_id"], unique=False)

    op.create_table(
        "reconciled",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("instance", sa.String(length=96), nullable=False),
        sa.Column("day", sa.String(length=10), nullable=False),
        sa.Column("at", sa.Double(), nullable=False),
        sa.Column("outcome", sa.String(length=12), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=True),
        sa.Column("submission_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("natural_hmac", sa.String(length=64), nullable=True),
        sa.Column("row_box", sa.LargeBinary(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["submission_id"], ["submission.id"], name=op.f("fk_reconciled_submission_id_submission")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reconciled")),
        comment="What a reading of the target showed beside what we hold",
    )
    with op.batch_alter_table("reconciled", schema=None) as batch_op:
        batch_op.create_index("ix_reconciled_day", ["instance", "day"], unique=False)

    op.create_table(
        "request_submission",
        sa.Column("request_id", sa.String(length=32), nullable=False),
        sa.Column("submission_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("fingerprint", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(["request_id"], ["request.id"], name=op.f("fk_request_submission_request_id_request")),
        sa.ForeignKeyConstraint(
            ["submission_id"], ["submission.id"], name=op.f("fk_request_submission_submission_id_submission")
        ),
        sa.PrimaryKeyConstraint("request_id", "submission_id", name=op.f("pk_request_submission")),
        comment="What one request carries, and the desired state it carried",
    )
    with op.batch_alter_table("request_submission", schema=None) as batch_op:
        batch_op.create_index("ix_request_submission_submission", ["submission_id"], unique=False)
