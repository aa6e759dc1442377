"""Known-answer vectors of bpjs-auth §13: positive, negative, KAT-8's rule, KAT-E (kat.json is its JSON)."""

import hashlib
import json
from pathlib import Path

import pytest

from jknbridge_adapters.bpjs import crypto, lzstring
from jknbridge_adapters.bpjs.envelope import PCARE_SUCCESS, Kind, decode

VECTORS = {vector["id"]: vector for vector in json.loads((Path(__file__).parent / "kat.json").read_text())}
WHOLE = [vector for vector in VECTORS.values() if "plaintext" in vector]


def key_of(vector, shift=0):
    return crypto.answer_key(vector["consId"], vector["secretKey"], str(int(vector["timestamp"]) + shift))


def kat8_plaintext():
    rows = [
        {"kdDiag": f"X{i:02}.{i % 10}", "nmDiag": f"Diagnosa simulasi nomor {i}", "nonSpesialis": i % 3 == 0}
        for i in range(60)
    ]
    return json.dumps({"count": 60, "list": rows}, separators=(",", ":"))


@pytest.mark.parametrize("vector", VECTORS.values(), ids=VECTORS)
def test_signature_and_key(vector):
    assert crypto.signature(vector["consId"], vector["secretKey"], vector["timestamp"]) == vector["signature"]
    key = key_of(vector)
    assert (key.key.hex(), key.iv.hex()) == (vector["keyHex"], vector["ivHex"])


@pytest.mark.parametrize("vector", WHOLE, ids=[vector["id"] for vector in WHOLE])
def test_both_directions(vector):
    assert lzstring.compress(vector["plaintext"]) == vector["lz"]
    assert lzstring.decompress(vector["lz"]) == vector["plaintext"]
    assert crypto.encrypt(vector["plaintext"], key_of(vector)) == vector["encrypted"]
    assert crypto.decrypt(vector["encrypted"], key_of(vector)) == vector["plaintext"]


def test_kat8_long_list():
    vector, plaintext = VECTORS["KAT-8"], kat8_plaintext()
    assert len(plaintext) == 4671
    assert hashlib.sha256(plaintext.encode()).hexdigest() == vector["plaintextSha256"]
    assert len(lzstring.compress(plaintext)) == 1472
    encrypted = crypto.encrypt(plaintext, key_of(vector))
    assert len(encrypted) == 1984
    assert hashlib.sha256(encrypted.encode()).hexdigest() == vector["encryptedSha256"]
    assert crypto.decrypt(encrypted, key_of(vector)) == plaintext


def test_kat_e_astral_character():
    plaintext, packed = '{"nama":"UJI 😀"}', "N4IgdghgthIFwgKoCkCSACQvBuAA9kBfIA"
    assert lzstring.compress(plaintext) == packed
    assert lzstring.decompress(packed) == plaintext
    assert lzstring.compress(plaintext) != "N4IgdghgthIFwgKoCkCSACQAG8gL5A"


@pytest.mark.parametrize("name", ["KAT-1", "KAT-2", "KAT-4"])
@pytest.mark.parametrize("shift", [-1, 1, 2, 3, 4, 5])
def test_another_timestamp_is_a_padding_error(name, shift):
    with pytest.raises(crypto.DecryptError, match="padding"):
        crypto.decrypt(VECTORS[name]["encrypted"], key_of(VECTORS[name], shift))


@pytest.mark.parametrize(("shift", "step"), [(-1, "padding"), (1, "padding"), (4, "alphabet")])
def test_kat3_with_a_key_whose_padding_looks_valid(shift, step):
    with pytest.raises(crypto.DecryptError, match=step):
        crypto.decrypt(VECTORS["KAT-3"]["encrypted"], key_of(VECTORS["KAT-3"], shift))


def test_milliseconds_give_another_signature():
    vector = VECTORS["KAT-1"]
    signed = crypto.signature(vector["consId"], vector["secretKey"], "1767225600000")
    assert signed == "M9HcM5xnqA2nN28oz3+MeFpAC2+cqI1vPagZaCwd4Rc=" != vector["signature"]


def test_published_hmac():
    assert crypto.signature("743627386", "pwd", "234234234") == "v9zGbmYPY2+9/Kcxag4Sq6sMkmRcNwaL+NdZUZSJGxw="
    assert crypto.signature("1234", "pwd", "433223232") == "eXMtvX2r7e7CLCIu3kpEpCrvciZgK8FuOhKv06NDAHk="


@pytest.mark.parametrize(
    ("password", "header"),
    [("Rahasia#1", "Basic dWppLXBjYXJlOlJhaGFzaWEjMTowOTU="), ("a:b:c", "Basic dWppLXBjYXJlOmE6YjpjOjA5NQ==")],
)
def test_x_authorization(password, header):
    assert crypto.authorization("uji-pcare", password) == header
    assert crypto.parse_authorization(header) == ("uji-pcare", password, "095")


@pytest.mark.parametrize("header", ["", "Basic", "Basic ???", "Bearer dTpwOjA5NQ==", "Basic Y29iYXBwazpzcHB0aXNwcHRp"])
def test_no_such_authorization(header):
    assert crypto.parse_authorization(header) is None


@pytest.mark.parametrize("vector", WHOLE, ids=[vector["id"] for vector in WHOLE])
def test_through_the_envelope(vector):
    body = json.dumps({"response": vector["encrypted"], "metaData": {"code": 200, "message": "OK"}}).encode()
    answer = decode(200, body, key_of(vector), success=PCARE_SUCCESS)
    assert (answer.kind, answer.response) == (Kind.OK, json.loads(vector["plaintext"]))
    for shift in (-1, 1, 4):
        assert decode(200, body, key_of(vector, shift), success=PCARE_SUCCESS).kind is Kind.UNDECODABLE
