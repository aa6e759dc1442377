"""A real Apache Kafka for tests, without Docker: one broker in KRaft mode, its jars fetched once through Maven.

For what librdkafka's mock cluster cannot show: SIGKILL and restart, rebalances, TLS and log-in. Needs Java 17 and, the
first time, Maven; :func:`missing` says which of them is not there. The jars (43 MB) go to a cache folder of the user's.

    with ApacheKafka(tmp_path) as kafka:      # 3 s, 350 MB
        KafkaProducer(bootstrap_servers=kafka.bootstrap)
        kafka.kill()                          # SIGKILL
        kafka.restart()

One broker only, so nothing here shows replication. The data live in ``folder`` and survive :meth:`ApacheKafka.kill`;
another object over the same folder is the same broker at other addresses. Imports no Kafka client: topics are made by
whoever has one.
"""

from __future__ import annotations

import base64
import os
import random
import re
import socket
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

VERSION = "4.1.0"
HOST = "127.0.0.1"
USER, PASSWORD = "jknbridge-uji", "sandi-uji-01"
MECHANISMS = ("PLAIN", "SCRAM-SHA-512")
HOW_TO_GET = "apt-get install openjdk-17-jre-headless maven"

_JAVA = 17
"""Kafka 4's brokers need it (KIP-750)."""
_CLUSTER = base64.urlsafe_b64encode(b"jknbridge-test-1").decode().rstrip("=")
_POM = """<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>id.jknbridge</groupId><artifactId>kafka-for-tests</artifactId><version>1</version><packaging>pom</packaging>
  <dependencies>
    <dependency><groupId>org.apache.kafka</groupId><artifactId>kafka_2.13</artifactId><version>{version}</version></dependency>
  </dependencies>
</project>
"""


class KafkaUnavailable(RuntimeError):
    """The broker cannot be had or does not come up. The message says why, and where to look."""


# --- what it needs ----------------------------------------------------------------------------------------------------


def missing(version: str = VERSION) -> str | None:
    """Why no broker can run here, in words; ``None`` where Java, and Maven or the jars, are there."""
    said = _answer("java", "-version")
    if said is None:
        return "java does not answer"
    found = re.search(r'version "(\d+)', said)
    if found is None or int(found[1]) < _JAVA:
        return f"Java {_JAVA} or newer is needed; java says {said.splitlines()[0]}"
    if not _libs(version).is_dir() and _answer("mvn", "-v") is None:
        return "mvn does not answer, and the jars were not fetched before"
    return None


def fetch(version: str = VERSION) -> Path:
    """The folder with the broker's jars, which Maven fetches the first time. Raises :class:`KafkaUnavailable`."""
    libs = _libs(version)
    if libs.is_dir():
        return libs
    libs.parent.mkdir(parents=True, exist_ok=True)
    # Renamed into place when complete: a fetch that broke off, or two at once, leave no half folder behind.
    with tempfile.TemporaryDirectory(dir=libs.parent) as work:
        pom, target = Path(work, "pom.xml"), Path(work, "libs")
        pom.write_text(_POM.format(version=version))
        goal = ("dependency:copy-dependencies", f"-DoutputDirectory={target}", "-DincludeScope=runtime")
        ended = _run(300, "mvn", "-q", "-B", "-f", str(pom), *goal)
        if ended.returncode or not any(target.glob("kafka_*.jar")):
            raise KafkaUnavailable(f"Maven could not fetch Kafka {version}:\n{_last(_said(ended), 15)}")
        try:
            target.rename(libs)
        except OSError:
            if not libs.is_dir():
                raise
    return libs


def free_port() -> int:
    """A TCP port nobody listens on, outside the range from which clients get theirs.

    A client that keeps trying a closed port of that range is given, once in a while, this very port as its own: it is
    then connected with itself, and whoever should listen there finds it taken.
    """
    range_file = Path("/proc/sys/net/ipv4/ip_local_port_range")
    highest = int(range_file.read_text().split()[0]) if range_file.exists() else 32768
    for port in random.sample(range(10_000, max(highest, 12_000)), 200):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((HOST, port))
            except OSError:
                continue
            return port
    raise KafkaUnavailable("no free TCP port was found")


def _libs(version: str) -> Path:
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return cache / "jknbridge" / f"kafka-{version}" / "libs"


def _answer(*command: str) -> str | None:
    """What a program says of itself; ``None`` if it is not there or fails."""
    try:
        ended = _run(30, *command)
    except KafkaUnavailable:
        return None
    return _said(ended) if ended.returncode == 0 else None


def _run(seconds: float, *command: str) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(  # noqa: S603  java and mvn, with arguments of our own
            command, capture_output=True, text=True, timeout=seconds, stdin=subprocess.DEVNULL, check=False
        )
    except FileNotFoundError:
        raise KafkaUnavailable(f"{command[0]} is not installed. To get it: {HOW_TO_GET}") from None
    except subprocess.TimeoutExpired:
        raise KafkaUnavailable(f"{command[0]} did not end within {seconds:.0f} s") from None


def _said(ended: subprocess.CompletedProcess[str]) -> str:
    return ended.stdout + ended.stderr


def _last(text: str, lines: int) -> str:
    return "\n".join(text.splitlines()[-lines:])


# --- the broker -------------------------------------------------------------------------------------------------------


class ApacheKafka:
    """One broker over one folder. Its addresses are fixed before it starts, so that what waits for it can be told them.

    ``sasl_ssl``: a second listener with TLS and log-in: user :data:`USER` with :data:`PASSWORD`, any of
    :data:`MECHANISMS`, a certificate of the authority in :attr:`authority`.
    """

    def __init__(self, folder: Path, *, sasl_ssl: bool = False, version: str = VERSION) -> None:
        self.folder = folder
        self.version = version
        self.authority = folder / "ca.pem"
        self._sasl_ssl = sasl_ssl
        self._ports = {"PLAINTEXT": free_port(), "CONTROLLER": free_port()} | (
            {"SASL_SSL": free_port()} if sasl_ssl else {}
        )
        self._process: subprocess.Popen[bytes] | None = None
        self._log = folder / "broker.log"

    @property
    def bootstrap(self) -> str:
        """The plain listener, as ``host:port``."""
        return f"{HOST}:{self._ports['PLAINTEXT']}"

    @property
    def bootstrap_sasl_ssl(self) -> str:
        return f"{HOST}:{self._ports['SASL_SSL']}"

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def start(self, timeout: float = 60.0) -> float:
        """Start, and return when every listener accepts connections: after how many seconds."""
        began = time.monotonic()
        libs = fetch(self.version)
        config = self._prepare(libs)
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(  # noqa: S603  as above
                self._java(libs, "kafka.Kafka", str(config)), stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )
        for port in self._ports.values():
            self._wait_for(port, began + timeout)
        return time.monotonic() - began

    def kill(self) -> None:
        """SIGKILL: what the broker did not write is gone, what waited for its answer gets none."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def restart(self) -> float:
        """Start again over what is there. After :meth:`kill` it first waits for its own session to end (2 s)."""
        return self.start()

    def stop(self) -> None:
        """An orderly end, with SIGKILL for one that does not come."""
        if self._process is None:
            return
        self._process.terminate()
        try:
            self._process.wait(timeout=15)
        except subprocess.TimeoutExpired:
            self.kill()

    # -- inside --------------------------------------------------------------------------------------------------------

    def _prepare(self, libs: Path) -> Path:
        """The settings file; certificates and a formatted log folder, where there are none yet."""
        self.folder.mkdir(parents=True, exist_ok=True)
        config, server = self.folder / "server.properties", self.folder / "server.pem"
        if self._sasl_ssl and not server.exists():
            make_certificates(self.authority, server)
        config.write_text("".join(f"{name}={value}\n" for name, value in self._settings().items()))
        if not (self.folder / "data" / "meta.properties").exists():
            scram = ("--add-scram", f"SCRAM-SHA-512=[name={USER},password={PASSWORD}]") if self._sasl_ssl else ()
            tool = ("kafka.tools.StorageTool", "format", "-t", _CLUSTER, "-c", str(config), *scram)
            ended = _run(60, *self._java(libs, *tool))
            if ended.returncode:
                raise KafkaUnavailable(f"Kafka's folder could not be formatted:\n{_last(_said(ended), 15)}")
        return config

    def _settings(self) -> Mapping[str, object]:
        listeners = ",".join(f"{name}://{HOST}:{port}" for name, port in self._ports.items())
        settings: dict[str, object] = {
            "process.roles": "broker,controller",
            "node.id": 1,
            "controller.quorum.voters": f"1@{HOST}:{self._ports['CONTROLLER']}",
            "controller.listener.names": "CONTROLLER",
            "inter.broker.listener.name": "PLAINTEXT",
            "listeners": listeners,
            "listener.security.protocol.map": "CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,SASL_SSL:SASL_SSL",
            "log.dirs": self.folder / "data",
            "auto.create.topics.enable": "false",  # as hospitals have it: a topic that nobody made is missing
            "offsets.topic.replication.factor": 1,
            "offsets.topic.num.partitions": 3,
            "transaction.state.log.replication.factor": 1,
            "transaction.state.log.min.isr": 1,
            "share.coordinator.state.topic.replication.factor": 1,
            "share.coordinator.state.topic.min.isr": 1,
            "group.initial.rebalance.delay.ms": 0,
            "group.min.session.timeout.ms": 1000,  # tests cannot wait 6 s for each killed member
            # A killed broker is let in again when its old session has ended; by default that takes 12 s.
            "broker.session.timeout.ms": 2000,
            "broker.heartbeat.interval.ms": 500,
        }
        if self._sasl_ssl:
            login = f'username="{USER}" password="{PASSWORD}" user_{USER}="{PASSWORD}"'
            settings |= {
                "sasl.enabled.mechanisms": ",".join(MECHANISMS),
                "listener.name.sasl_ssl.plain.sasl.jaas.config": (
                    f"org.apache.kafka.common.security.plain.PlainLoginModule required {login};"
                ),
                "listener.name.sasl_ssl.scram-sha-512.sasl.jaas.config": (
                    "org.apache.kafka.common.security.scram.ScramLoginModule required;"
                ),
                "ssl.keystore.type": "PEM",
                "ssl.keystore.location": self.folder / "server.pem",
            }
        return settings

    def _java(self, libs: Path, *command: str) -> Sequence[str]:
        # The quick compiler only: a test's broker does not live long enough for the thorough one.
        tuning = ("-Xmx512m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1")
        return ["java", *tuning, "-cp", f"{libs}/*", *command]

    def _wait_for(self, port: int, until: float) -> None:
        assert self._process is not None
        while True:
            try:
                socket.create_connection((HOST, port), 1).close()
                return
            except OSError:
                pass
            if self._process.poll() is not None:
                raise KafkaUnavailable(f"the broker ended with {self._process.returncode}:\n{self._tail()}")
            if time.monotonic() >= until:
                self.kill()
                raise KafkaUnavailable(f"the broker does not listen on {HOST}:{port}:\n{self._tail()}")
            time.sleep(0.05)

    def _tail(self) -> str:
        return _last(self._log.read_text(errors="replace"), 25)


def make_certificates(authority: Path, server: Path) -> None:
    """An authority of our own, and a key and certificate for 127.0.0.1 that it signed; all as PEM."""
    import ipaddress
    from datetime import UTC, datetime, timedelta

    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

    def named(text: str) -> x509.Name:
        return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])

    def certificate(subject: str, key: ec.EllipticCurvePrivateKey) -> x509.CertificateBuilder:
        now = datetime.now(UTC)
        made = x509.CertificateBuilder(named("CA Uji"), named(subject), key.public_key(), x509.random_serial_number())
        return made.not_valid_before(now - timedelta(hours=1)).not_valid_after(now + timedelta(days=1))

    signer, own = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    usage = x509.KeyUsage(
        digital_signature=True, key_cert_sign=True, crl_sign=True, content_commitment=False, key_encipherment=False,
        data_encipherment=False, key_agreement=False, encipher_only=False, decipher_only=False,
    )  # fmt: skip
    signer_id = x509.SubjectKeyIdentifier.from_public_key(signer.public_key())
    ca = (
        certificate("CA Uji", signer)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(signer_id, critical=False)
        .sign(signer, hashes.SHA256())
    )
    leaf = (
        certificate(HOST, own)
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(HOST))]), critical=False)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(signer_id), critical=False)
        .sign(signer, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    key = own.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    authority.write_bytes(ca.public_bytes(pem))
    server.write_bytes(key + leaf.public_bytes(pem))
    server.chmod(0o600)
