"""What the ledger keeps. One statement language for SQLite and PostgreSQL; moments are seconds since the epoch (UTC).

Personal values never stand in the open: bodies are sealed by :mod:`jknbridge.ledger.vault`, look-ups go by HMAC.
Columns named ``*_hmac`` are HMACs, ``*_box`` are sealed bytes. Local ids of the EMR (``<source>/<Type>/<id>``) stand
in the open: they are the words in which staff and EMR speak of a record."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Double,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
)

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)

_Id = BigInteger().with_variant(Integer, "sqlite")


def _id() -> Column[int]:
    return Column("id", _Id, primary_key=True, autoincrement=True)


meta = Table(
    "meta",
    metadata,
    Column("name", String(160), primary_key=True),
    Column("value", Text, nullable=False),
    comment="Ledger id, sequence, environment per instance",
)

source_offset = Table(
    "source_offset",
    metadata,
    Column("topic", String(255), primary_key=True),
    Column("partition", Integer, primary_key=True, autoincrement=False),
    Column("next_offset", BigInteger, nullable=False),
    Column("sequence", BigInteger, nullable=False),
    Column("stopped", Text),
    comment="The truth about what was taken in; Kafka's commit is a copy",
)

tally = Table(
    "tally",
    metadata,
    Column("day", String(10), primary_key=True),
    Column("source", String(64), primary_key=True),
    Column("name", String(48), primary_key=True),
    Column("n", BigInteger, nullable=False),
    comment="Records and entries counted by what became of them (DESIGN §2.7)",
)

data_key = Table(
    "data_key",
    metadata,
    _id(),
    Column("owner_hmac", String(64), nullable=False, unique=True),
    Column("wrapped", LargeBinary),
    Column("destroyed_at", Double),
    comment="One data key per patient, wrapped by the master key; erasing a patient destroys it",
)

resource = Table(
    "resource",
    metadata,
    _id(),
    Column("source", String(64), nullable=False),
    Column("type", String(64), nullable=False),
    Column("rid", String(255), nullable=False),
    Column("order_key", Text, nullable=False),
    Column("content_hash", String(64), nullable=False),
    Column("deleted", Boolean, nullable=False),
    Column("body_box", LargeBinary),
    Column("key_id", ForeignKey("data_key.id")),
    Column("first_seen", Double, nullable=False),
    Column("last_seen", Double, nullable=False),
    UniqueConstraint("source", "type", "rid"),
    comment="The newest version of one (source, type, id); a delete stays as a marker",
)

edge = Table(
    "edge",
    metadata,
    Column("resource_id", ForeignKey("resource.id"), nullable=False),
    Column("source", String(64), nullable=False),
    Column("path", String(64), nullable=False),
    Column("target", String(400), nullable=False),
    Index("ix_edge_target", "target", "source"),
    Index("ix_edge_resource", "resource_id"),
    comment="References out of a resource, normalised",
)

alias = Table(
    "alias",
    metadata,
    Column("source", String(64), primary_key=True),
    Column("identifier_hmac", String(64), primary_key=True),
    Column("resource_id", ForeignKey("resource.id"), primary_key=True),
    comment="Identifiers a logical reference may use",
)

journey = Table(
    "journey",
    metadata,
    _id(),
    Column("source", String(64), nullable=False),
    Column("anchor_type", String(64), nullable=False),
    Column("anchor_id", String(255), nullable=False),
    Column("facility", String(32)),
    Column("service_date", String(10)),
    Column("due_at", Double),
    Column("changes", BigInteger, nullable=False, server_default="0"),
    Column("changed_at", Double, nullable=False),
    Column("translated_at", Double),
    Column("pruned_at", Double),
    UniqueConstraint("source", "anchor_type", "anchor_id"),
    Index("ix_journey_due", "due_at"),
    comment="A view over resources with one anchor",
)

journey_target = Table(
    "journey_target",
    metadata,
    Column("journey_id", ForeignKey("journey.id"), primary_key=True),
    Column("target", String(32), primary_key=True),
    Column("state", String(24), nullable=False),
    Column("reason", Text),
    Column("translator", Integer),
    comment="What one journey came to at one target: submissions, not_applicable (with the rule), galat",
)

fact = Table(
    "fact",
    metadata,
    _id(),
    Column("instance", String(96), nullable=False),
    Column("kind", String(32), nullable=False),
    Column("subject_hmac", String(64), nullable=False),
    Column("as_of", String(10), nullable=False),
    Column("question_box", LargeBinary, nullable=False),
    Column("state", String(16), nullable=False),  # asked, known, not_known
    Column("value_box", LargeBinary),
    Column("reason", Text),
    Column("answered_at", Double),
    Column("due_at", Double),
    Column("tries", Integer, nullable=False, server_default="0"),
    UniqueConstraint("instance", "kind", "subject_hmac", "as_of"),
    Index("ix_fact_due", "due_at"),
    comment="Answers adapters asked for, pinned as of the service date",
)

fact_use = Table(
    "fact_use",
    metadata,
    Column("fact_id", ForeignKey("fact.id"), primary_key=True),
    Column("journey_id", ForeignKey("journey.id"), primary_key=True),
    Index("ix_fact_use_journey", "journey_id"),
    comment="Which journeys rely on which answer",
)

submission = Table(
    "submission",
    metadata,
    _id(),
    Column("instance", String(96), nullable=False),
    Column("facility", String(32), nullable=False),
    Column("target", String(32), nullable=False),
    Column("kind", String(32), nullable=False),
    Column("key", String(400), nullable=False),
    Column("journey_id", ForeignKey("journey.id"), nullable=False),
    Column("key_id", ForeignKey("data_key.id")),
    Column("service_date", String(10)),
    Column("held", String(8), nullable=False, server_default="absent"),  # absent, present, unknown
    Column("work", String(16), nullable=False),
    Column("verb", String(8)),  # what is to be done next: add, edit, delete
    Column("hold", String(12)),  # why only a person may go on: gone, refused, doubt, brake, adopt
    Column("hold_fp", String(64)),  # refused: what was refused; something else may be tried
    Column("reason", Text),  # JSON of a Reason: why it waits or is parked
    Column("notes", Text),  # JSON list of Reasons the submission says about itself
    Column("wait_on", String(500)),  # what wakes it: receipt|…, code|…, claim|…, rebuild|…
    Column("due_at", Double),
    Column("not_before", Double),
    Column("settle_at", Double),
    Column("deadline", Double),
    Column("desire", String(16), nullable=False),  # wanted, waiting, parked, unwanted, not_applicable, silent
    Column("evidence", String(24)),
    Column("desired_box", LargeBinary),  # payload, claim, after, adopt, contact of the newest Wanted
    Column("desired_fp", String(64)),
    Column("accepted_box", LargeBinary),  # the desired box that was accepted, and the body sent
    Column("accepted_fp", String(64)),
    Column("desired_inputs", String(64)),  # fingerprint of the resources that the newest verdict was made from
    Column("accepted_inputs", String(64)),  # and of those under which what is held was last found right
    Column("translator", Integer),
    Column("how", String(8)),  # made, found, adopted
    Column("lane", String(500)),  # parent under which one request at a time is in flight
    Column("tries", Integer, nullable=False, server_default="0"),
    Column("first_try_at", Double),
    Column("doubt_at", Double),  # when the last doubtful request ended: late_effect counts from here
    Column("check_at", Double),  # when a look for a surplus is due after a repeat without natural key
    Column("permit", String(16)),  # what a person allowed: replace, withdraw, revise, once
    Column("rebuild", BigInteger),  # root submission of a chain that is being taken down and built again
    Column("contact", Boolean, nullable=False, server_default="0"),  # whether a contact hangs on it
    Column("proposal_id", BigInteger),  # the open proposal, if any
    Column("told_fp", String(64)),  # what jkn.hasil.v1 was last told
    Column("changed_at", Double, nullable=False),
    UniqueConstraint("instance", "kind", "key"),
    Index("ix_submission_due", "work", "due_at"),
    Index("ix_submission_journey", "journey_id"),
    Index("ix_submission_wait", "wait_on"),
    Index("ix_submission_lane", "lane"),
    Index("ix_submission_check", "check_at"),
    comment="One thing that should exist at one target; held = what the target has, work = what we do about it",
)

claim = Table(
    "claim",
    metadata,
    Column("instance", String(96), primary_key=True),
    Column("natural_hmac", String(64), primary_key=True),
    Column("submission_id", ForeignKey("submission.id"), nullable=False, index=True),
    Column("taken_at", Double, nullable=False),
    comment="The target's natural key, taken before sending; one owner",
)

request = Table(
    "request",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("instance", String(96), nullable=False),
    Column("verb", String(8), nullable=False),
    Column("state", String(12), nullable=False),  # sending, in_doubt, closed
    Column("outcome", String(24)),
    Column("reason", Text),
    Column("fingerprint", String(64), nullable=False),
    Column("call_box", LargeBinary, nullable=False),  # resolved payload, values, snapshot, lane
    Column("key_id", ForeignKey("data_key.id")),
    Column("repeat_of", String(32)),
    Column("created_at", Double, nullable=False),
    Column("ended_at", Double),
    Column("probes", Integer, nullable=False, server_default="0"),
    Column("probe_at", Double),
    Column("last_finding", Text),
    Column("finding_box", LargeBinary),  # the rows a person must decide between
    Column("worker", String(64)),
    Column("epoch", BigInteger, nullable=False, server_default="0"),
    Index("ix_request_probe", "state", "probe_at"),
    Index("ix_request_brake", "instance", "verb", "created_at"),
    comment="One HTTP call: the unit of intent, attempt and doubt",
)

request_submission = Table(
    "request_submission",
    metadata,
    Column("request_id", ForeignKey("request.id"), primary_key=True),
    Column("submission_id", ForeignKey("submission.id"), primary_key=True),
    Column("fingerprint", String(64), nullable=False),
    Index("ix_request_submission_submission", "submission_id"),
    comment="What one request carries, and the desired state it carried",
)

receipt = Table(
    "receipt",
    metadata,
    _id(),
    Column("submission_id", ForeignKey("submission.id"), nullable=False, index=True),
    Column("request_id", ForeignKey("request.id")),
    Column("kind", String(64), nullable=False),  # <target>.<kind>
    Column("values_box", LargeBinary, nullable=False),
    Column("key_id", ForeignKey("data_key.id")),
    Column("natural_hmac", String(64)),
    Column("how", String(8), nullable=False),
    Column("fingerprint", String(64), nullable=False),
    Column("created_at", Double, nullable=False),
    Column("ended_at", Double),
    Column("ended_by", String(32)),
    comment="What the target gave back, and how we came by it",
)

contact = Table(
    "contact",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("submission_id", ForeignKey("submission.id"), nullable=False, unique=True),
    Column("revision", Integer, nullable=False),
    Column("state", String(10), nullable=False),
    Column("fingerprint", String(64), nullable=False),
    Column("kind", String(24), nullable=False),
    Column("month", String(7), nullable=False),
    Column("facility", String(32), nullable=False),
    comment="What was last told of a contact on jkn.kbk.kontak.v1",
)

outbox = Table(
    "outbox",
    metadata,
    _id(),
    Column("topic", String(255), nullable=False),
    Column("key_box", LargeBinary),
    Column("value_box", LargeBinary),
    Column("headers", Text, nullable=False),
    Column("state", String(10), nullable=False, server_default="new"),  # new, published, failed
    Column("created_at", Double, nullable=False),
    Column("published_at", Double),
    Column("due_at", Double, nullable=False, server_default="0"),
    Column("tries", Integer, nullable=False, server_default="0"),
    Column("reason", Text),
    Index("ix_outbox_state", "state", "id"),
    comment="Records to publish, taken by state and never by a high-water mark",
)

dead_letter = Table(
    "dead_letter",
    metadata,
    _id(),
    Column("source", String(64), nullable=False),
    Column("topic", String(255), nullable=False),
    Column("partition", Integer, nullable=False),
    Column("offset", BigInteger, nullable=False),
    Column("entry", Integer),
    Column("reason", Text, nullable=False),
    Column("at", Double, nullable=False),
    UniqueConstraint("topic", "partition", "offset", "entry"),
    comment="What could not be taken in, and why; the bytes leave through the outbox",
)

mapping = Table(
    "mapping",
    metadata,
    Column("facility", String(32), primary_key=True),
    Column("list", String(48), primary_key=True),
    Column("local", String(255), primary_key=True),
    Column("code", String(255), nullable=False),
    Column("set_at", Double, nullable=False),
    Column("set_by", String(128), nullable=False),
    comment="Local codes to the target's, per facility; facility '*' for all",
)

mapping_work = Table(
    "mapping_work",
    metadata,
    Column("facility", String(32), primary_key=True),
    Column("list", String(48), primary_key=True),
    Column("local", String(255), primary_key=True),
    Column("display", Text),
    Column("first_seen", Double, nullable=False),
    comment="Local codes without a mapping: the work list",
)

proposal = Table(
    "proposal",
    metadata,
    _id(),
    Column("instance", String(96), nullable=False),
    Column("submission_id", ForeignKey("submission.id"), nullable=False, index=True),
    Column("action", String(16), nullable=False),  # revise, replace, withdraw
    Column("desired_fp", String(64)),
    Column("reason", Text, nullable=False),
    Column("state", String(10), nullable=False, server_default="open"),  # open, accepted, refused, moot
    Column("created_at", Double, nullable=False),
    Column("decided_at", Double),
    Column("decided_by", String(128)),
    Column("why", Text),
    Index("ix_proposal_state", "state"),
    comment="Changes that wait for the consent of a person",
)

reconciled = Table(
    "reconciled",
    metadata,
    _id(),
    Column("instance", String(96), nullable=False),
    Column("day", String(10), nullable=False),
    Column("at", Double, nullable=False),
    Column("outcome", String(12), nullable=False),  # gone, foreign, changed, same, unread
    Column("kind", String(32)),
    Column("submission_id", ForeignKey("submission.id")),
    Column("natural_hmac", String(64)),
    Column("row_box", LargeBinary),
    Column("reason", Text),
    Index("ix_reconciled_day", "instance", "day"),
    comment="What a reading of the target showed beside what we hold",
)

credential = Table(
    "credential",
    metadata,
    Column("limit_key", String(255), primary_key=True),
    Column("secret_hmac", String(64), nullable=False),
    Column("reason", Text, nullable=False),
    Column("closed_at", Double, nullable=False),
    comment="Closed after one refused log-in, for all workers, until the secret changes",
)

lease = Table(
    "lease",
    metadata,
    Column("shard", Integer, primary_key=True, autoincrement=False),
    Column("owner", String(64)),
    Column("epoch", BigInteger, nullable=False),
    Column("expires_at", Double, nullable=False),
    comment="Who may write and send for a shard, by the database's clock",
)

audit = Table(
    "audit",
    metadata,
    _id(),
    Column("at", Double, nullable=False),
    Column("who", String(128), nullable=False),
    Column("action", String(48), nullable=False),
    Column("object", String(500), nullable=False),
    Column("why", Text),
    comment="Every decision of a person",
)
