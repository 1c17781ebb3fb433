"""Packed bodies are judged by what is in them, whichever coding a server likes."""

from __future__ import annotations

import gzip
import random
import sys
import zlib

import brotli
import pytest

from bench.model.workload_config import Expect
from bench.plans.first_answers import expectation
from bench.trial.unpacking import unpacked
from bench.trial.verify import HttpResponse, verify
from tests.trial.test_verify import echo_kind, serving, workload

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

TEXT = b'{"a": 1}' * 50
_RAW = zlib.compressobj(wbits=-15)
PACKED = {
    "": TEXT,
    "identity": TEXT,
    "gzip": gzip.compress(TEXT[:100]) + gzip.compress(TEXT[100:]),
    "X-GZIP": gzip.compress(TEXT),
    "deflate": zlib.compress(TEXT),
    "br": brotli.compress(TEXT),
    "zstd": zstd.compress(TEXT),
    "gzip, br": brotli.compress(gzip.compress(TEXT)),
}


@pytest.mark.parametrize("coding", PACKED)
def test_every_coding(coding: str) -> None:
    """Also of several members, several codings, and in capitals."""
    assert unpacked(coding, PACKED[coding]) == TEXT


def test_deflate_without_its_header() -> None:
    """As some servers send it."""
    assert unpacked("deflate", _RAW.compress(TEXT) + _RAW.flush()) == TEXT


@pytest.mark.parametrize("coding", ["gzip", "deflate", "br", "zstd", "compress", "gzip, x"])
def test_what_cannot_be_unpacked(coding: str) -> None:
    """Junk, half a body, and a coding that nobody knows."""
    assert unpacked(coding, b"junk") is None
    assert unpacked(coding, PACKED.get(coding, TEXT)[:20]) is None
    assert unpacked(coding, b"") == b""


@pytest.mark.parametrize("coding", ["br", "zstd"])
def test_a_server_that_packs_is_verified(coding: str) -> None:
    """Through the whole verification; sizes stay those on the wire."""
    body = PACKED[coding]
    head = f"HTTP/1.1 200 OK\r\ncontent-encoding: {coding}\r\ncontent-length: {len(body)}\r\n\r\n"
    with serving(lambda _: head.encode() + body) as target:
        kind = echo_kind(expect=Expect(text=TEXT.decode()))
        (exchange,) = verify(target, workload(kind), random.Random(1))

    assert exchange.response_bytes == len(body) < len(TEXT)
    assert exchange.response_text == TEXT.decode()


def test_a_first_answer_that_is_packed() -> None:
    """What must come back is what is in it, though no two packed ones are equal."""
    first = HttpResponse(200, {"content-encoding": "gzip"}, gzip.compress(b"hi", mtime=1), 0)
    second = first._replace(body=gzip.compress(b"hi", mtime=2))

    assert expectation(first, second) == ({"status": 200, "text": "hi"}, [])
    assert expectation(first._replace(body=b"junk"), second)[0] == {"status": 200}
