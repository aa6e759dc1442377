"""Settings, declared once: type, default, description, secret or not.

One TOML file; environment variables (``JKNBRIDGE__LEDGER__URL=…``) and secret files (``/run/secrets/…``) stand over
it. Adapters and consumers own sections of their own: ``[faskes.<kode>.<target>]`` is read with the adapter's settings
class, other top-level sections with what plugins return from ``jknbridge_settings``. This one place feeds validation,
``jknbridge config show`` (secrets masked) and ``docs/settings.md``."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from datetime import date, time
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError, field_validator

from jknbridge.errors import StartRefused
from jknbridge.reconciling_settings import RekonsiliasiSettings

if TYPE_CHECKING:
    from jknbridge.plugins import Plugins

ZONES = {"WIB": ZoneInfo("Asia/Jakarta"), "WITA": ZoneInfo("Asia/Makassar"), "WIT": ZoneInfo("Asia/Jayapura")}


class Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


class Mode(StrEnum):
    BAYANGAN = "bayangan"  # shadow: plans and compares, sends nothing
    JALAN = "jalan"
    JEDA = "jeda"


class LedgerSettings(Section):
    url: str = Field(
        "sqlite:///jknbridge.sqlite3", description="SQLAlchemy URL of the ledger; SQLite file or PostgreSQL"
    )
    kunci_file: Path | None = Field(
        None,
        description="File with the master key (32 bytes, hex). Default: <ledger file>.kunci, made on the first start",
    )
    kunci: SecretStr | None = Field(None, description="The master key itself (hex), e.g. from the environment")


class WaktuSettings(Section):
    """All times in seconds. Settle, visibility, late_effect and retry follow one clock that a test can own."""

    settle: dict[str, float] = Field(
        default_factory=lambda: {"kunjungan": 60.0, "obat": 60.0},
        description="Quiet time since the journey's last change before a submission of that kind is sent",
    )
    visibility: float = Field(30.0, ge=0, description="How long a target's reads may lag behind its writes")
    late_effect: float = Field(900.0, ge=0, description="How long after giving up a request may still have its effect")
    probe_every: float = Field(
        30.0, gt=0, description="Pause between two probes of one doubt that could not be decided"
    )
    probe_for: float = Field(3600.0, gt=0, description="After this long without an answer a doubt is shown to a person")
    retry_first: float = Field(2.0, gt=0, description="First pause before trying again after an answer without effect")
    retry_cap: float = Field(900.0, gt=0, description="Longest pause between two tries")
    retry_for: float = Field(259200.0, gt=0, description="After this long of trying, the submission is parked")
    connect: float = Field(5.0, gt=0, description="Connect time-out of one request")
    total: float = Field(30.0, gt=0, description="Time-out of one whole request (BPJS answers slowly: bpjs-auth §10)")
    fact_max_age: float = Field(86400.0, gt=0, description="How long an answer about a participant may be reused")


class SumberSettings(Section):
    """One FHIR server whose topics are read, and how its versions are ordered."""

    topics: list[str] = Field(description="Topics of this source")
    urutan: Literal["lastUpdated", "versionId", "arrival"] = Field(
        "lastUpdated", description="Which of two versions is newer; missing values sort lowest"
    )
    epoch: int = Field(0, ge=0, le=9999, description="Raise by one after the EMR was restored: restarts the order")
    mulai_dari: str = Field(description="Where a first start begins: awal, sekarang, or an ISO time")
    key_resource: list[str] = Field(
        default_factory=list, description="Topics whose record key names the resource, so that a tombstone is a delete"
    )
    max_bytes: int = Field(8 * 1024 * 1024, gt=0, description="Largest record taken in; larger ones are dead-lettered")


class TargetSettings(Section):
    """What every ``[faskes.<kode>.<target>]`` has. Adapters extend it with their own fields."""

    mulai: date = Field(description="First service date that is sent; older visits are not applicable")
    mode: Mode = Field(Mode.JALAN, description="bayangan: plan only; jalan: send; jeda: pause")
    base_url: str = Field(description="Base URL of the service, without a trailing slash")
    lingkungan: str = Field("produksi", description="Environment: dev receipts never count in produksi")
    proxy: str | None = Field(None, description="Forward proxy (for a whitelisted address)")
    serentak: int = Field(4, ge=1, description="Requests under way at once with one credential")
    pemeliharaan: list[str] = Field(
        default_factory=list, description="Local time spans without requests, e.g. ['00:00-01:00']"
    )

    @field_validator("base_url")
    @classmethod
    def _no_slash(cls, value: str) -> str:
        return value.rstrip("/")

    @field_validator("pemeliharaan")
    @classmethod
    def _spans(cls, value: list[str]) -> list[str]:
        for span in value:
            maintenance_span(span)
        return value

    @property
    def limit_key(self) -> str:
        """What a log-in refusal closes and concurrency is counted by: one credential."""
        return self.base_url

    @property
    def credential(self) -> str:
        """The secret parts; their fingerprint tells the host when a closed credential may be tried again."""
        return ""


def maintenance_span(text: str) -> tuple[time, time]:
    """``"22:00-01:00"`` as two local times. Raises ``ValueError`` for anything else."""
    start, dash, end = text.partition("-")
    if not dash:
        raise ValueError(f"{text!r} is not a span like 22:00-01:00")
    return time.fromisoformat(start.strip()), time.fromisoformat(end.strip())


class FacilitySettings(Section):
    """``[faskes.<kode>]``: a facility is first-class, never a suffix of a variable name."""

    nama: str = Field("", description="Name shown to people")
    type: Literal["FKTP", "FKRTL"] = Field("FKTP", description="First level or referral facility")
    zona: Literal["WIB", "WITA", "WIT"] = Field(description="Time zone; a service date is a date on this clock")
    organisasi: list[str] = Field(
        default_factory=list,
        description="How the EMR names this facility in Encounter.serviceProvider: Organization/<id> or system|value",
    )
    peserta_terdaftar: int | None = Field(None, ge=0, description="Registered participants, for Angka Kontak per 1,000")
    targets: dict[str, TargetSettings] = Field(default_factory=dict, description="Filled from [faskes.<kode>.<target>]")

    @property
    def zone(self) -> ZoneInfo:
        return ZONES[self.zona]


class KontakSettings(Section):
    kunci_samaran: SecretStr | None = Field(
        None, description="Key of the participants' pseudonyms; default: derived from the ledger's master key"
    )


class RemSettings(Section):
    """The brake: more withdrawals and replacements an hour than this are held as one decision (DESIGN §1)."""

    paling_sedikit: int = Field(5, ge=0, description="Always allowed per facility, target and hour")
    persen: float = Field(2.0, ge=0, description="Share of the day's accepted submissions allowed per hour, in percent")


class Settings(Section):
    ledger: LedgerSettings = Field(default_factory=lambda: LedgerSettings())
    waktu: WaktuSettings = Field(default_factory=lambda: WaktuSettings())
    rem: RemSettings = Field(default_factory=lambda: RemSettings())
    kontak: KontakSettings = Field(default_factory=lambda: KontakSettings())
    rekonsiliasi: RekonsiliasiSettings = Field(default_factory=lambda: RekonsiliasiSettings())
    sumber: dict[str, SumberSettings] = Field(default_factory=dict, description="Sources by name")
    faskes: dict[str, FacilitySettings] = Field(default_factory=dict, description="Facilities by kdProvider")
    plugins: list[Path] = Field(default_factory=list, description="Single-file plugins to load")
    bagian: dict[str, Any] = Field(default_factory=dict, description="Sections of plugins, read with their own classes")

    def facility_of(self, organisation: str | None) -> str | None:
        """The kode of the facility that the EMR calls ``organisation`` (a normalised reference or ``system|value``)."""
        if organisation is None:
            return None
        for kode, facility in self.faskes.items():
            if organisation in facility.organisasi or organisation == f"Organization/{kode}":
                return kode
        return None


def load(path: Path | None, plugins: Plugins, overrides: Mapping[str, Any] | None = None) -> Settings:
    """Read the TOML file, lay environment and secret files over it, and validate every section with its owner.

    Raises :class:`StartRefused` naming each wrong key with the reason.
    """
    raw: dict[str, Any] = {}
    if path is not None:
        try:
            raw = tomllib.loads(path.read_text(encoding="utf-8"))
        except FileNotFoundError as error:
            raise StartRefused(f"no config file at {path}") from error
        except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
            raise StartRefused(f"the config file {path} cannot be read: {error}") from error
        base = path.parent
        if isinstance(raw.get("plugins"), list):
            raw["plugins"] = [str(base / item) for item in raw["plugins"]]
    _overlay(raw, _environment(os.environ))
    _overlay(raw, overrides or {})
    return parse(raw, plugins)


def parse(raw: Mapping[str, Any], plugins: Plugins) -> Settings:
    """Validate a config given as plain data."""
    data = dict(raw)
    problems: list[str] = []
    owners = plugins.settings()
    sections: dict[str, Any] = {}
    for name in [key for key in data if key not in Settings.model_fields]:
        if name in owners:
            sections[name] = _validate(owners[name], data.pop(name), name, problems)
    for name, owner in owners.items():
        if name not in sections:
            sections[name] = _validate(owner, {}, name, problems)
    facilities = data.get("faskes")
    if isinstance(facilities, Mapping):
        data["faskes"] = {
            str(kode): _facility(str(kode), value, plugins, problems) for kode, value in facilities.items()
        }
    data["bagian"] = sections
    if problems:
        raise StartRefused("the config is not usable:\n  " + "\n  ".join(problems))
    settings = _validate(Settings, data, "", problems)
    if problems or settings is None:
        raise StartRefused("the config is not usable:\n  " + "\n  ".join(problems))
    assert isinstance(settings, Settings)
    return settings


def _facility(kode: str, value: Any, plugins: Plugins, problems: list[str]) -> Any:
    if not isinstance(value, Mapping):
        return value
    own = {key: item for key, item in value.items() if not isinstance(item, Mapping)}
    targets = {}
    for name, item in value.items():
        if not isinstance(item, Mapping):
            continue
        adapter = plugins.adapters.get(name)
        if adapter is None:
            problems.append(f"faskes.{kode}.{name}: no plugin brings the target {name!r}")
        else:
            targets[name] = _validate(adapter.settings, item, f"faskes.{kode}.{name}", problems)
    return {**own, "targets": targets}


def _validate(model: type[BaseModel], data: Any, where: str, problems: list[str]) -> BaseModel | None:
    try:
        return model.model_validate(data)
    except ValidationError as error:
        for item in error.errors(include_input=False, include_url=False):
            spot = ".".join(str(part) for part in ((where,) if where else ()) + tuple(item["loc"]))
            problems.append(f"{spot}: {item['msg']}")
        return None


def _environment(environ: Mapping[str, str]) -> dict[str, Any]:
    """``JKNBRIDGE__FASKES__99990001__PCARE__PASSWORD=…`` as nested data; ``…_FILE`` reads a secret file."""
    data: dict[str, Any] = {}
    for name, value in environ.items():
        if not name.startswith("JKNBRIDGE__"):
            continue
        *path, last = name.removeprefix("JKNBRIDGE__").lower().split("__")
        if last.endswith("_file") and last != "kunci_file":
            last = last.removesuffix("_file")
            value = Path(value).read_text(encoding="utf-8").strip()
        spot = data
        for part in path:
            spot = spot.setdefault(part, {})
        spot[last] = value
    return data


def _overlay(base: dict[str, Any], over: Mapping[str, Any]) -> None:
    for key, value in over.items():
        here = base.get(key)
        if isinstance(value, Mapping) and isinstance(here, dict):
            _overlay(here, value)
        else:
            base[key] = value
