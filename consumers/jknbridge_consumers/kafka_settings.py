"""The ``[kafka]`` section: declared once, for validation, ``config show`` and the docs (DESIGN §5, §7, §9).

Where kafka-python has a name for an option, we use that name, so that its documentation serves. Options we have no
opinion on go through ``tambahan`` unchanged; options our promises rest on (manual commit, no silent offset reset,
idempotence) cannot be set at all. Topics and ``mulai_dari`` belong to the sources, not here.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer
from kafka.coordinator.assignors.cooperative_sticky import CooperativeStickyAssignor
from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator, model_validator

MIB = 1024 * 1024

PROMISED = frozenset(
    {
        "acks",  # all: a row counts as published when every in-sync replica has it
        "allow_auto_create_topics",  # a topic made by accident has the wrong partitions and no compaction
        "auto_offset_reset",  # none: the ledger says where to read, and a lost offset is a person's decision
        "enable_auto_commit",  # the commit is a copy of the ledger, made after it
        "enable_idempotence",  # without it, killed brokers made doubles and lost the order (measured)
        "key_deserializer",
        "key_serializer",
        "value_deserializer",
        "value_serializer",
        "kafka_client",  # we wrap it, to be able to close a client whose constructor failed
        "partition_assignment_strategy",  # every member must name the same one; cooperative-sticky pauses nobody else
        "transactional_id",  # after a broker's SIGKILL a commit returned normally, its records unwritten (measured)
    }
)
"""kafka-python options that no setting may change, because a promise of ours rests on them."""

_OBJECTS = frozenset({"sasl_oauth_token_provider", "ssl_context"})  # None by default, but Python objects when set


def _plain_options() -> frozenset[str]:
    """kafka-python's options that a config file can state: those whose value is text, a number or a switch."""
    defaults = KafkaAdminClient.DEFAULT_CONFIG | KafkaProducer.DEFAULT_CONFIG | KafkaConsumer.DEFAULT_CONFIG
    plain = {name for name, value in defaults.items() if value is None or isinstance(value, str | int | float | bool)}
    return frozenset(plain - _OBJECTS)


_KNOWN = _plain_options()

SecurityProtocol = Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"]
SaslMechanism = Literal[
    "PLAIN", "GSSAPI", "SCRAM-SHA-256", "SCRAM-SHA-512"
]  # OAUTHBEARER needs a Python object, not text
Milliseconds = Annotated[int, Field(ge=1)]
Bytes = Annotated[int, Field(ge=1024)]


class KafkaSettings(BaseModel):
    """How to reach Kafka, and how much to take at a time."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    bootstrap_servers: Annotated[
        tuple[str, ...],
        Field(min_length=1, description="Brokers to ask first, as host:port; a list, or one text with commas"),
    ] = ("localhost:9092",)
    client_id: Annotated[str, Field(description="Name of this program in the brokers' logs and quotas")] = "jknbridge"
    group_id: Annotated[
        str, Field(min_length=1, description="Consumer group of the intake; all workers of one ledger share it")
    ] = "jknbridge"
    group_instance_id: Annotated[
        str | None,
        Field(description="Static membership: a name of this worker alone; a restart then causes no rebalance"),
    ] = None
    api_version: Annotated[
        tuple[int, ...] | None,
        Field(
            description="Broker version such as 2.3, instead of asking for it; needed for the in-process broker only"
        ),
    ] = None

    security_protocol: Annotated[SecurityProtocol, Field(description="Plain, TLS, SASL, or both")] = "PLAINTEXT"
    sasl_mechanism: Annotated[SaslMechanism | None, Field(description="How to log in, with SASL_*")] = None
    sasl_plain_username: Annotated[str | None, Field(description="User of PLAIN and SCRAM")] = None
    sasl_plain_password: Annotated[SecretStr | None, Field(description="Password of PLAIN and SCRAM. Secret")] = None
    ssl_check_hostname: Annotated[bool, Field(description="The certificate must name the broker's host")] = True
    ssl_cafile: Annotated[str | None, Field(description="PEM file of the authorities to trust")] = None
    ssl_certfile: Annotated[str | None, Field(description="PEM file of the client's certificate")] = None
    ssl_keyfile: Annotated[str | None, Field(description="PEM file of the client's key")] = None
    ssl_password: Annotated[SecretStr | None, Field(description="Password of the client's key. Secret")] = None
    proxy_url: Annotated[
        SecretStr | None, Field(description="SOCKS5 or HTTP proxy, possibly with user and password. Secret")
    ] = None

    session_timeout_ms: Annotated[
        Milliseconds,
        Field(
            description="A dead worker's partitions move after this; kafka-python's 45 s left them standing for 47 s"
        ),
    ] = 10_000
    heartbeat_interval_ms: Annotated[Milliseconds, Field(description="At most a third of session_timeout_ms")] = 3_000
    max_poll_interval_ms: Annotated[
        Milliseconds, Field(description="A worker whose ledger takes longer than this for one batch leaves the group")
    ] = 300_000
    max_poll_records: Annotated[
        int, Field(ge=1, description="Records in one batch, that is in one ledger transaction")
    ] = 500
    fetch_max_bytes: Annotated[
        Bytes, Field(description="Most a broker answers at once; bounds the intake's memory")
    ] = 32 * MIB
    max_partition_fetch_bytes: Annotated[Bytes, Field(description="The same for one partition")] = 16 * MIB
    max_request_size: Annotated[
        Bytes, Field(description="Largest record we publish; the topics' max.message.bytes must allow it too")
    ] = 16 * MIB
    compression_type: Annotated[Literal["lz4", "gzip", "none"], Field(description="Compression of what we publish")] = (
        "lz4"
    )
    linger_ms: Annotated[int, Field(ge=0, description="Wait this long for more rows to send together")] = 5
    delivery_timeout_ms: Annotated[
        Milliseconds,
        Field(description="A row not acknowledged by then is taken from the outbox again; > request_timeout_ms"),
    ] = 30_000
    request_timeout_ms: Annotated[Milliseconds, Field(description="One request to a broker; > 500 ms")] = 15_000
    reconnect_backoff_max_ms: Annotated[
        Milliseconds,
        Field(
            description="Longest wait between two attempts to connect; kafka-python's 30 s cost 16 s after a restart"
        ),
    ] = 1_000
    metadata_max_age_ms: Annotated[
        Milliseconds, Field(description="How soon a topic or partition created later is noticed")
    ] = 30_000
    bootstrap_timeout_ms: Annotated[
        Milliseconds, Field(description="How long one attempt to find a broker may take; attempts go on for ever")
    ] = 3_000

    berhenti_maks_detik: Annotated[
        float, Field(gt=0, description="How long a stop may take to finish the batch in hand and close")
    ] = 5.0
    macet_detik: Annotated[
        float,
        Field(gt=0, description="A consumer that stands still this long below the log's end is replaced (watchdog)"),
    ] = 60.0
    kabar_detik: Annotated[float, Field(gt=0, description="While the broker is away, say so in the log this often")] = (
        30.0
    )
    tambahan: Annotated[
        dict[str, str | int | float | bool],
        Field(description="Further kafka-python options, passed on unchanged to every client that knows them"),
    ] = {}

    @field_validator("bootstrap_servers", mode="before")
    @classmethod
    def _servers(cls, value: object) -> object:
        return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value

    @field_validator("api_version", mode="before")
    @classmethod
    def _version(cls, value: object) -> object:
        return tuple(value.split(".")) if isinstance(value, str) else value

    @field_validator("tambahan")
    @classmethod
    def _extras(cls, value: dict[str, str | int | float | bool]) -> dict[str, str | int | float | bool]:
        for name in value:
            if name in PROMISED:
                raise ValueError(f"{name}: tidak dapat diubah / cannot be changed, a promise of jknbridge rests on it")
            if name in cls.model_fields:
                raise ValueError(f"{name}: tulis langsung di [kafka] / write it in [kafka] itself")
            if name not in _KNOWN:
                raise ValueError(f"{name}: bukan opsi kafka-python / not an option of kafka-python")
        return value

    @model_validator(mode="after")
    def _consistent(self) -> KafkaSettings:
        if self.security_protocol.startswith("SASL") and self.sasl_mechanism is None:
            raise ValueError("sasl_mechanism: wajib diisi untuk / required with security_protocol = SASL_*")
        if self.heartbeat_interval_ms * 3 > self.session_timeout_ms:
            raise ValueError("heartbeat_interval_ms: paling banyak sepertiga / at most a third of session_timeout_ms")
        if self.delivery_timeout_ms < self.request_timeout_ms + self.linger_ms:
            raise ValueError(
                "delivery_timeout_ms: tidak boleh kurang dari / not less than request_timeout_ms + linger_ms"
            )
        return self

    def consumer_options(self) -> dict[str, Any]:
        """Keyword arguments for ``KafkaConsumer``. Holds secrets in clear: never log it."""
        return self._options(
            KafkaConsumer,
            group_id=self.group_id,
            group_instance_id=self.group_instance_id,
            session_timeout_ms=self.session_timeout_ms,
            heartbeat_interval_ms=self.heartbeat_interval_ms,
            max_poll_interval_ms=self.max_poll_interval_ms,
            max_poll_records=self.max_poll_records,
            fetch_max_bytes=self.fetch_max_bytes,
            max_partition_fetch_bytes=self.max_partition_fetch_bytes,
            enable_auto_commit=False,
            metrics_enabled=False,
            auto_offset_reset="none",
            partition_assignment_strategy=[CooperativeStickyAssignor],
            allow_auto_create_topics=False,
        )

    def producer_options(self) -> dict[str, Any]:
        """Keyword arguments for ``KafkaProducer``. Holds secrets in clear: never log it."""
        return self._options(
            KafkaProducer,
            acks="all",
            enable_idempotence=True,
            allow_auto_create_topics=False,
            metrics_enabled=False,
            compression_type=None if self.compression_type == "none" else self.compression_type,
            linger_ms=self.linger_ms,
            max_request_size=self.max_request_size,
            delivery_timeout_ms=self.delivery_timeout_ms,
            # send() waits this long for a topic's metadata before the row's topic counts as missing
            max_block_ms=min(self.bootstrap_timeout_ms, self.delivery_timeout_ms),
        )

    def admin_options(self) -> dict[str, Any]:
        """Keyword arguments for ``KafkaAdminClient``. Holds secrets in clear: never log it."""
        return self._options(KafkaAdminClient)

    def _options(self, client: Any, **own: Any) -> dict[str, Any]:
        options: dict[str, Any] = {
            "bootstrap_servers": list(self.bootstrap_servers),
            "client_id": self.client_id,
            "api_version": self.api_version,
            "security_protocol": self.security_protocol,
            "sasl_mechanism": self.sasl_mechanism,
            "sasl_plain_username": self.sasl_plain_username,
            "sasl_plain_password": _clear(self.sasl_plain_password),
            "ssl_check_hostname": self.ssl_check_hostname,
            "ssl_cafile": self.ssl_cafile,
            "ssl_certfile": self.ssl_certfile,
            "ssl_keyfile": self.ssl_keyfile,
            "ssl_password": _clear(self.ssl_password),
            "proxy_url": _clear(self.proxy_url),
            "request_timeout_ms": self.request_timeout_ms,
            "reconnect_backoff_max_ms": self.reconnect_backoff_max_ms,
            "metadata_max_age_ms": self.metadata_max_age_ms,
            "bootstrap_timeout_ms": self.bootstrap_timeout_ms,
            **own,
        }
        options |= {name: value for name, value in self.tambahan.items() if name in client.DEFAULT_CONFIG}
        return options


def _clear(secret: SecretStr | None) -> str | None:
    return None if secret is None else secret.get_secret_value()
