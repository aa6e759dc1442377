"""LZ-String codec: properties against PyPI `lzstring` (independent), bad input, speed."""

import json
import time
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lzstring import LZString

from jknbridge_adapters.bpjs.lzstring import ALPHABET, LzError, compress, decompress

OTHER = LZString()
ANY_TEXT = st.text(st.characters(), max_size=400)
REPETITIVE = st.text(st.sampled_from('ab":{}0😀é\u0000\uffff'), max_size=600)


def split(text):
    """Surrogates apart, one per character: the other codec works on code points."""
    raw = text.encode("utf-16-le", "surrogatepass")
    return "".join(chr(int.from_bytes(raw[i : i + 2], "little")) for i in range(0, len(raw), 2))


def joined(text):
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "surrogatepass")


@settings(max_examples=150, deadline=None)
@given(ANY_TEXT | REPETITIVE)
def test_agrees_with_the_other_codec(text):
    packed = compress(text)
    assert packed == OTHER.compressToEncodedURIComponent(split(text))
    assert set(packed) <= set(ALPHABET)
    assert decompress(packed) == text
    if text:
        assert joined(OTHER.decompressFromEncodedURIComponent(packed)) == text


@settings(max_examples=150, deadline=None)
@given(st.text(st.sampled_from(ALPHABET), max_size=60) | st.text(max_size=20))
def test_bad_input_is_an_lz_error_or_a_text(text):
    with suppress(LzError):
        assert isinstance(decompress(text), str)


@settings(max_examples=60, deadline=None)
@given(st.text(min_size=1, max_size=120), st.data())
def test_cut_short_never_passes_for_the_whole(text, data):
    packed = compress(text)
    cut = packed[: data.draw(st.integers(0, len(packed) - 2))]
    with suppress(LzError):
        assert decompress(cut) != text


@pytest.mark.parametrize("bad", ["", "A", "!!", "N4Ig", "//8=", "😀", "$$$$", "D", "\x00"])
def test_broken_texts(bad):
    with pytest.raises(LzError):
        decompress(bad)


def test_blank_reads_as_plus_as_in_the_original():
    packed = next(p for p in (compress(f"ujian {chr(i)}") for i in range(300, 3000)) if "+" in p)
    assert decompress(packed.replace("+", " ")) == decompress(packed)


def test_lone_surrogates_survive():
    for text in ("\ud83d", "\ude00\ud83d", "a\udc00b"):
        assert decompress(compress(text)) == text


def test_decodes_at_least_13_times_as_fast_as_pypi_lzstring():
    packed = compress(json.dumps([{"kdDiag": f"A{i}", "nmDiag": f"uji {i * i}"} for i in range(40)]))

    def best(call, repeats):
        times = []
        for _ in range(5):
            begun = time.process_time()
            for _ in range(repeats):
                call()
            times.append((time.process_time() - begun) / repeats)
        return min(times)

    ours = best(lambda: decompress(packed), 40)
    theirs = best(lambda: OTHER.decompressFromEncodedURIComponent(packed), 4)
    assert theirs / ours >= 13
