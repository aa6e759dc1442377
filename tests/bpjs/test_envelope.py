"""The decoding rule of bpjs-auth §7.3, with the traps of §7, §8, §11 and pcare §22 #2 #6 #23 #27."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jknbridge_adapters.bpjs import crypto
from jknbridge_adapters.bpjs.envelope import PCARE_SUCCESS, Entry, Kind, decode

KEY = crypto.answer_key("90001", "rahasia-01", "1767225600")
OTHER_KEY = crypto.answer_key("90001", "rahasia-01", "1767225601")
NOTHING = object()
DUPLICATE = "Peserta sudah di-entri di poli yang sama pada hari yang sama."


def body(code, message="", response=NOTHING, meta="metaData"):
    document = {meta: {"code": code, "message": message}}
    if response is not NOTHING:
        document["response"] = response
    return json.dumps(document).encode()


def sealed(value):
    return crypto.encrypt(json.dumps(value), KEY)


def read(status, raw):
    return decode(status, raw, KEY, success=PCARE_SUCCESS)


@pytest.mark.parametrize("meta", ["metaData", "metadata"])
@pytest.mark.parametrize("code", [201, "201", 201.0])
@pytest.mark.parametrize(
    "value",
    [
        {"field": "noUrut", "message": "A1"},
        [{"field": "noUrut", "message": "A1"}],
        [{"field": "noKartu", "message": "catatan"}, {"field": "noUrut", "message": "A1"}],
    ],
)
def test_created_in_every_shape(meta, code, value):
    answer = read(201, body(code, "CREATED", sealed(value), meta))
    assert (answer.kind, answer.code, answer.entry("nourut")) == (Kind.OK, "201", "A1")


@pytest.mark.parametrize(
    "response",
    [
        {"field": "noKartu", "message": DUPLICATE},
        [{"field": "noKartu", "message": DUPLICATE}],
        DUPLICATE,
        sealed({"field": "noKartu", "message": DUPLICATE}),
        sealed([{"field": "noKartu", "message": DUPLICATE}]),
        sealed(DUPLICATE),
    ],
)
@pytest.mark.parametrize("code", [401, 412, 428])
def test_a_duplicate_is_found_wherever_it_stands(code, response):
    answer = read(code, body(code, "PRECONDITION_FAILED", response))
    assert (answer.kind, answer.code, answer.says("SUDAH di-entri")) == (Kind.REFUSAL, str(code), True)
    assert [entry.message for entry in answer.entries] == [DUPLICATE]
    assert read(code, body(code, DUPLICATE, None)).says("sudah di-entri")


@pytest.mark.parametrize(
    ("status", "raw", "kind", "nothing"),
    [
        (204, b"", Kind.EMPTY, True),
        (304, b"", Kind.EMPTY, False),
        (200, b"", Kind.EMPTY, False),
        (200, b" \n", Kind.EMPTY, False),
        (200, body(204, "No Content", None), Kind.EMPTY, True),
        (200, body(200, "OK", None), Kind.OK, True),
        (200, body(200, "OK"), Kind.OK, True),
        (200, body(200, "OK", ""), Kind.OK, True),
        (200, body(200, "OK", sealed({"count": 0, "list": []})), Kind.OK, True),
        (200, body(200, "OK", sealed({"count": 3, "list": []})), Kind.OK, False),
        (200, body(200, "OK", sealed({"count": 1, "list": [1]})), Kind.OK, False),
        (200, body(200, "OK", []), Kind.OK, True),
        (200, body(412, "PRECONDITION_FAILED", None), Kind.REFUSAL, False),
        (404, body(404, "Unauthorized! You are not registered for this service!", None), Kind.REFUSAL, False),
        (500, body(None, "Index was out of range", []), Kind.REFUSAL, False),
        (404, b"No Mapping Rule matched", Kind.GATEWAY, False),
        (200, b"Authentication failed", Kind.GATEWAY, False),
        (400, b"<html><title>Request Error</title></html>", Kind.GATEWAY, False),
        (502, b'{"message":"upstream"}', Kind.GATEWAY, False),
        (200, b'{"message":"upstream"}', Kind.UNDECODABLE, False),
        (200, b"[1,2]", Kind.UNDECODABLE, False),
        (200, body(200, "OK", sealed([1]))[:-30], Kind.UNDECODABLE, False),
        (200, body(None, "OK", None), Kind.UNDECODABLE, False),
        (500, body(200, "OK", None), Kind.UNDECODABLE, False),
        (404, body(204, "", None), Kind.UNDECODABLE, False),
        (200, body(200, "OK", crypto.encrypt("{}", OTHER_KEY)), Kind.UNDECODABLE, False),
        (200, body(200, "OK", sealed([1, 2, 3, 4, 5, 6, 7, 8, 9])[:-3]), Kind.UNDECODABLE, False),
        (412, body(412, "", crypto.encrypt("{}", OTHER_KEY)), Kind.UNDECODABLE, False),
        (201, body(201, "CREATED", "A1 tersimpan"), Kind.UNDECODABLE, False),
        (200, b"[" * 100_000, Kind.UNDECODABLE, False),
    ],
)
def test_kinds(status, raw, kind, nothing):
    answer = read(status, raw)
    assert (answer.kind, answer.found_nothing) == (kind, nothing)


def test_plain_values_stay_what_they_are():
    assert read(400, body(400, "", "Format json tidak valid")).entries == (Entry("", "Format json tidak valid"),)
    assert read(200, body(200, "OK", "OK")).response == "OK"
    assert read(412, body(412, "", [{"field": "a", "message": "b"}])).response == [{"field": "a", "message": "b"}]
    assert read(200, body(200, "OK", '{"count":0,"list":[]}')).response == {"count": 0, "list": []}


def test_scalars_bare_quoted_and_encoded_twice():
    assert read(200, body(200, "OK", sealed("2026-10"))).response == "2026-10"
    assert read(200, body(200, "OK", crypto.encrypt("0301R001", KEY))).response == "0301R001"
    assert read(200, body(200, "OK", sealed('{"a":1}'))).response == {"a": 1}
    assert read(200, body(200, "OK", crypto.encrypt("a b {", KEY))).kind is Kind.UNDECODABLE


def test_a_page_shows_its_words_and_no_card_number():
    page = b"<html><style>x{}</style><h1>Request Error</h1><p>/peserta/0009999000011 salah</p></html>"
    assert read(400, page).excerpt == "Request Error /peserta/… salah"


@settings(max_examples=100, deadline=None)
@given(st.integers(100, 599), st.binary(max_size=200) | st.text(max_size=80).map(lambda t: body(200, "", t)))
def test_never_raises(status, raw):
    assert read(status, raw).kind in Kind
