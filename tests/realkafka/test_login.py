"""SASL over TLS: the settings reach the brokers as they stand in the config (DESIGN §5, docs/operations.md)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from jknbridge.testing.apache_kafka import MECHANISMS, PASSWORD, USER, make_certificates

CONTACTS = "jkn.kbk.kontak.v1"


def login(kafka: Any, mechanism: str, **other: str) -> dict[str, Any]:
    return {
        "bootstrap_servers": kafka.bootstrap_sasl_ssl,
        "security_protocol": "SASL_SSL",
        "sasl_mechanism": mechanism,
        "sasl_plain_username": USER,
        "ssl_cafile": str(kafka.authority),
        **other,
    }


@pytest.mark.parametrize("mechanism", MECHANISMS)
def test_a_visit_goes_through_with_log_in_and_tls(
    mechanism: str, kafka: Any, target: Any, make_bridge: Any, patients: Any, contact_faults: Any, tmp_path: Any
) -> None:
    topic = f"uji.masuk.{mechanism}"
    kafka.create(topic)
    target.start()
    secret, visit = tmp_path / "sandi", tmp_path / "kunjungan.ndjson"
    secret.write_text(PASSWORD + "\n")
    visit.write_text("".join(json.dumps(resource) + "\n" for resource in patients(1, 1)[0]))
    bridge = make_bridge(topic, **login(kafka, mechanism))
    bridge.environment = {"JKNBRIDGE__KAFKA__SASL_PLAIN_PASSWORD_FILE": str(secret)}
    sent = bridge.command("publish", "--topic", topic, str(visit))
    assert sent.returncode == 0, sent.stderr
    bridge.start()
    bridge.until_settled(visits=1)
    bridge.terminate()
    assert target.faults(1) + bridge.faults() == []
    assert contact_faults(kafka.read(CONTACTS, bridge.ledger), 1, repeats=False) == []


def test_a_refused_log_in_or_certificate_is_said_and_waited_out(kafka: Any, make_bridge: Any, tmp_path: Path) -> None:
    foreign = tmp_path / "other.pem"
    make_certificates(foreign, tmp_path / "server.pem")
    refused = make_bridge("uji.ditolak", **login(kafka, "SCRAM-SHA-512", sasl_plain_password="bukan-itu"))
    strange = make_bridge("uji.asing", **login(kafka, "PLAIN", sasl_plain_password=PASSWORD, ssl_cafile=str(foreign)))
    both = {refused: "SaslAuthenticationFailed", strange: "CERTIFICATE_VERIFY_FAILED"}
    for bridge in both:
        bridge.start()
    for bridge, said in both.items():
        bridge.until(
            lambda bridge=bridge, said=said: any(
                said in event["kafka-in"] for event in bridge.events("belum_tersambung")
            ),
            "its status line says what is wrong",
            75.0,
        )
        bridge.terminate()
        assert not any(secret in bridge.tail() for secret in (PASSWORD, "bukan-itu"))
