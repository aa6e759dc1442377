"""GET: a resource by its id, and searches with the platform's manners (satusehat §14).

Unknown parameters vanish, also from the ``self`` link; a comma means "or"; ``total`` counts the page; a page has 100
rows and the next one a ``_page_token``. Searches may lag (a slow index); reads by id never do.
"""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import parse_qsl, quote

from jknbridge_adapters.satusehat import operation_outcome
from jknbridge_adapters.satusehat.paths import fold, values
from jknbridge_adapters.satusehat.rules_check_bundle import platform
from jknbridge_adapters.satusehat.sandbox import identities, patients
from jknbridge_adapters.satusehat.sandbox.answers import Refuse, Reply
from jknbridge_adapters.satusehat.sandbox.context import Context
from jknbridge_adapters.satusehat.sandbox.parameters import DATED, NAMED, element_of
from jknbridge_adapters.satusehat.sandbox.store import Record

_REFERRED: Final[Mapping[str, tuple[str, ...]]] = {
    "encounter": ("Encounter",), "context": ("Encounter",), "subject": ("Patient",), "patient": ("Patient",),
    "service-provider": ("Organization",), "organization": ("Organization",), "partof": ("Organization",),
    "based-on": ("ServiceRequest",), "performer": ("Practitioner", "Organization"),
}  # fmt: skip
"""What a bare id in a reference parameter is an id of."""
_NEEDS: Final[Mapping[tuple[str, str], str]] = {("MedicationDispense", "context"): "subject"}
_COMPARE: Final[Mapping[str, Callable[[datetime, datetime], bool]]] = {
    "ge": lambda mine, asked: mine >= asked, "le": lambda mine, asked: mine <= asked,
    "gt": lambda mine, asked: mine > asked, "lt": lambda mine, asked: mine < asked,
}  # fmt: skip

_LARGEST_PAGE: Final = 1000

Test = Callable[[Record], bool]


def read(ctx: Context, kind: str, resource_id: str) -> Reply:
    record = ctx.store.get(kind, resource_id)
    if record is None:
        raise not_found(kind, resource_id)
    ctx.saw(record.name.identity, [record.name.identity], 0, 1, 1)
    if ctx.withheld(record):
        return Reply(200, operation_outcome.suppressed())
    return Reply(200, patients.shown(record.body, ctx.options, {}, by_id=True), record)


def not_found(kind: str, resource_id: str) -> Refuse:
    return Refuse.store(404, "no-store", "storage_error", f"resource not found: {kind}/{resource_id}")


def everything(kind: str) -> Refuse:
    """For which types `$everything` exists is not known; here for none."""
    return Refuse.rules([platform(20014, "value", Type=kind)])


@dataclass(slots=True)
class Query:
    """A search as understood: indexed parameters, tests for the others, and what of the query the platform knows."""

    kind: str
    size: int
    start: int
    asked: dict[str, list[str]] = field(default_factory=dict)
    tests: list[Test] = field(default_factory=list)
    kept: list[tuple[str, str]] = field(default_factory=list)

    @property
    def covers(self) -> str | None:
        """The identities that it lists completely."""
        return None if self.tests else identities.scope(self.kind, self.asked)


def search(ctx: Context, kind: str, query: str) -> Reply:
    understood = _understood(ctx, kind, [pair for pair in parse_qsl(query) if pair[1]])
    asked, tests = understood.asked, understood.tests
    for (needing, parameter), needed in _NEEDS.items():
        if needing == kind and parameter in asked and needed not in asked:
            raise Refuse.said(400, "required", f"Missing query parameters: {needed}")
    if ctx.options["selective"] and not asked and not tests:
        raise Refuse.said(400, "value", "search criteria are not selective enough")
    rows = ctx.store.candidates(kind, asked.items(), _as_of(ctx))
    return Reply(200, _page(ctx, understood, [row for row in rows if all(test(row) for test in tests)]))


def _as_of(ctx: Context) -> float | None:
    moments = [ctx.as_of] if ctx.as_of is not None else []
    if ctx.options["index_delay"]:
        moments.append(ctx.now - ctx.options["index_delay"] / 1000)
    return min(moments, default=None)


def _understood(ctx: Context, kind: str, given: list[tuple[str, str]]) -> Query:
    parameters = dict(given)
    count = parameters.get("_count", "")
    size = min(int(count), _LARGEST_PAGE) if count.isdigit() and int(count) else ctx.options["page_size"]
    query = Query(kind, size, _offset(parameters.get("_page_token", "")))
    for name, text in given:
        if name == "name" and kind in NAMED:
            query.tests.append(_named(text))
        elif name == "date" and kind in DATED:
            query.tests.append(_dated(text))
        elif element_of(kind, name) is not None and name not in query.asked:
            query.asked[name] = [value for part in text.split(",") for value in _values(name, part)]
        elif name not in ("_count", "_page_token"):
            continue
        query.kept.append((name, text))
    return query


def _values(name: str, text: str) -> list[str]:
    if name not in _REFERRED:
        return [text.removeprefix("|")]
    if "/" in text:
        return ["/".join(text.rsplit("/", 2)[-2:])]
    return [f"{kind}/{text}" for kind in _REFERRED[name]]


def _named(text: str) -> Test:
    def test(record: Record) -> bool:
        names = values(fold(record.body), "name")
        texts = [name if isinstance(name, str) else name.get("text", "") for name in names]
        return any(text.lower() in name.lower() for name in texts)

    return test


def _dated(text: str) -> Test:
    asked, compare = _moment(text[2:]), _COMPARE.get(text[:2])
    if compare is None or asked is None:
        raise Refuse.said(400, "value", f"invalid date parameter: {text}")

    def test(record: Record) -> bool:
        start = next(iter(values(fold(record.body), "period.start")), None)
        mine = _moment(start)
        return mine is not None and compare(mine, asked)

    return test


def _moment(text: Any) -> datetime | None:
    try:
        moment = datetime.fromisoformat(str(text))
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _page(ctx: Context, query: Query, rows: list[Record]) -> dict[str, Any]:
    before = 1 if ctx.shifted else 0
    first = max(query.start - before, 0)
    last = min(max(query.start + query.size - before, 0), len(rows))
    part = rows[first:last]
    _report(ctx, query.covers, part, first, last, len(rows))
    entries = [_entry(ctx, record, query.asked) for record in part]
    if before and query.start == 0:
        entries.insert(0, _stranger(ctx, query.kind))
    links = [(relation, _url(ctx, query.kind, query.kept)) for relation in ("search", "first", "self")]
    if last < len(rows):
        token = urlsafe_b64encode(str(query.start + query.size).encode()).decode()
        following = [pair for pair in query.kept if pair[0] != "_page_token"]
        links.append(("next", _url(ctx, query.kind, [*following, ("_page_token", token)])))
    return {
        "resourceType": "Bundle",
        "type": "searchset",
        "total": len(entries),
        "entry": entries,
        "link": [{"relation": relation, "url": url} for relation, url in links],
    }


def _report(ctx: Context, covers: str | None, part: list[Record], first: int, last: int, total: int) -> None:
    """For the judge: a complete list says what is there and what is not, any other only what is there."""
    found = [record.name.identity for record in part]
    if covers is not None:
        ctx.saw(covers, found, first, last, total)
        return
    for identity in found:
        ctx.saw(identity, [identity], 0, 1, 1)


def _offset(token: str) -> int:
    try:
        return int(urlsafe_b64decode(token.encode())) if token else 0
    except ValueError:
        raise Refuse.said(400, "value", "invalid page token") from None


def _url(ctx: Context, kind: str, parameters: list[tuple[str, str]]) -> str:
    query = "&".join(f"{name}={quote(text, safe='')}" for name, text in parameters)
    return f"{ctx.base}/{kind}/?{query}"


def _entry(ctx: Context, record: Record, asked: Mapping[str, list[str]]) -> dict[str, Any]:
    if ctx.withheld(record):
        return {"resource": operation_outcome.suppressed()}
    resource = patients.shown(record.body, ctx.options, asked, by_id=False)
    return {"fullUrl": f"{ctx.base}/{record.type}/{record.id}", "resource": resource}


def _stranger(ctx: Context, kind: str) -> dict[str, Any]:
    """A row of somebody else that stands before this page's rows and in no other page."""
    stranger = "00000000-0000-4000-8000-00000000f00d"
    return {"fullUrl": f"{ctx.base}/{kind}/{stranger}", "resource": {"resourceType": kind, "id": stranger}}
