"""A running SATUSEHAT sandbox and a small client with a token, over a real socket."""

import json
from dataclasses import dataclass

import aiohttp
import pytest

from jknbridge.sandbox.server import Sandbox
from jknbridge_adapters.satusehat.sandbox import make_sandbox

NOW = 1_781_000_000.0  # 2026-06-09T10:13:20+00:00
FHIR = "/fhir-r4/v1"


@dataclass
class Clock:
    now: float = NOW

    def __call__(self):
        return self.now


@dataclass
class Answer:
    status: int
    body: object
    headers: object
    raw: bytes

    @property
    def issues(self):
        """(issue code, text) of each issue."""
        return [(issue["code"], issue["details"]["text"]) for issue in self.body["issue"]]

    @property
    def text(self):
        return " ".join(text for _, text in self.issues)

    def says(self, rule):
        return any(f"{word} {rule})" in self.text for word in ("RuleNumber:", "Number:"))


class Client:
    """One organisation's client id."""

    def __init__(self, session, base, organization="10000004"):
        self._session = session
        self.base = base
        self.organization = organization
        self.token = ""

    async def ask_token(self, client_id=None, secret=None, grant="client_credentials"):
        form = {
            "client_id": client_id or f"uji-klien-{self.organization}",
            "client_secret": secret or f"rahasia-{self.organization}",
        }
        url = f"{self.base}/oauth2/v1/accesstoken?grant_type={grant}"
        async with self._session.post(url, data=form) as response:
            raw = await response.read()
        return self._answer(response, raw)

    async def log_in(self, **more):
        self.token = (await self.ask_token(**more)).body["access_token"]
        return self

    async def call(self, method, path, body=None, **headers):
        data = body if isinstance(body, (bytes, type(None))) else json.dumps(body).encode()
        sent = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json", **headers}
        async with self._session.request(method, f"{self.base}{path}", data=data, headers=sent) as response:
            return self._answer(response, await response.read())

    @staticmethod
    def _answer(response, raw):
        try:
            body = json.loads(raw)
        except ValueError:
            body = None
        return Answer(response.status, body, response.headers, raw)

    async def get(self, path):
        return await self.call("GET", f"{FHIR}/{path}")

    async def post(self, body):
        kind = body["resourceType"]
        return await self.call("POST", FHIR if kind == "Bundle" else f"{FHIR}/{kind}", body)

    async def put(self, body):
        return await self.call("PUT", f"{FHIR}/{body['resourceType']}/{body['id']}", body)

    async def patch(self, place, *operations, content_type="application/json-patch+json"):
        return await self.call("PATCH", f"{FHIR}/{place}", list(operations), **{"Content-Type": content_type})

    async def admin(self, method, path, body=None):
        return await self.call(method, f"/_sandbox/{path}", body)

    async def load(self, *resources, owner=None):
        document = {"target": "satusehat", "owner": self.organization if owner is None else owner}
        answer = await self.admin("POST", "load", {**document, "resources": list(resources)})
        assert answer.status == 200, answer.body

    async def option(self, **options):
        answer = await self.admin("POST", "options", {"satusehat": options})
        assert answer.status == 200, answer.body

    async def faults(self, *faults):
        answer = await self.admin("POST", "faults", list(faults))
        assert answer.status == 200, answer.body


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
async def sandbox(clock):
    async with Sandbox([make_sandbox(clock)], clock=clock, seed=7) as running:
        yield running


@pytest.fixture
async def session():
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=5)) as session:
        session._retry_connection = False
        yield session


@pytest.fixture
async def ihs(sandbox, session, known_targets):
    """A client of organisation 10000004, with everything loaded that a made resource may refer to."""
    client = await Client(session, sandbox.base_url).log_in()
    await client.load(*known_targets)
    return client


@pytest.fixture
def client_of(sandbox, session):
    async def log_in(organization, **more):
        return await Client(session, sandbox.base_url, organization).log_in(**more)

    return log_in
