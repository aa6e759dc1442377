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


@pytest.mark.parametrize(
    ("mechanism", "password", "trusted", "said"),
    [
        ("SCRAM-SHA-512", "bukan-itu", "ca.pem", "SaslAuthenticationFailed"),
        ("PLAIN", PASSWORD, "other.pem", "CERTIFICATE_VERIFY_FAILED"),
    ],
)
def test_a_refused_log_in_or_certificate_is_said_and_waited_out(
    mechanism: str, password: str, trusted: str, said: str, kafka: Any, make_bridge: Any, tmp_path: Path
) -> None:
    make_certificates(tmp_path / "other.pem", tmp_path / "server.pem")
    authority = kafka.authority if trusted == "ca.pem" else tmp_path / trusted
    asked = login(kafka, mechanism, ssl_cafile=str(authority), sasl_plain_password=password)
    bridge = make_bridge("uji.ditolak", **asked)
    bridge.start()
    bridge.until(lambda: bridge.events("belum_tersambung"), "its status line says that it is not connected")
    assert said in bridge.events("belum_tersambung")[0]["kafka-in"], bridge.tail()
    assert password not in bridge.tail()
    bridge.terminate()
