"""Reads the binary histograms of paced (scripts/paced/README.md has the format); pure."""

from __future__ import annotations

import struct
from array import array
from operator import lt
from typing import Final, NamedTuple

from bench.errors import ParseError
from bench.stats.histogram import Histogram

_MAGIC: Final = b"paced-h1"
_HEAD: Final = struct.Struct("=16sQ")
_PAIR: Final = 16


class PacedHistograms(NamedTuple):
    """Microseconds, exact.

    Attributes:
        response: last byte - due, of right responses; `service` counts from sent instead.
        wrong: response times of whole responses that were not as expected.
        lateness_free: sent - due where a connection was free; `lateness_queued`: where none was.
        planned: intervals between requests as scheduled; `actual`: as sent.
        first_byte: first byte of the body - due; empty in files of an earlier paced.
    """

    response: Histogram
    service: Histogram
    wrong: Histogram
    lateness_free: Histogram
    lateness_queued: Histogram
    planned: Histogram
    actual: Histogram
    first_byte: Histogram = Histogram.of({})


def decode(data: bytes) -> PacedHistograms:
    """Read the file.

    Raises:
        ParseError: it is not such a file, or is cut off.
    """
    if data[: len(_MAGIC)] != _MAGIC:
        raise ParseError("these are not the histograms of paced", excerpt=repr(data[:16]))
    at, found = len(_MAGIC), []
    for name in PacedHistograms._fields:
        if at == len(data) and name in PacedHistograms._field_defaults:
            break
        if at + _HEAD.size > len(data):
            raise ParseError(f"the histograms of paced end before {name}")
        stored, count = _HEAD.unpack_from(data, at)
        at += _HEAD.size
        end = at + count * _PAIR
        if stored.rstrip(b"\0") != name.encode() or end > len(data):
            raise ParseError(f"the histograms of paced are damaged at {name}")
        found.append(_histogram(data[at:end], name))
        at = end
    return PacedHistograms(*found)


def _histogram(data: bytes, name: str) -> Histogram:
    numbers = array("q")
    numbers.frombytes(data)
    values, counts = numbers[::2], numbers[1::2]
    if values and not (values[0] >= 0 < min(counts) and all(map(lt, values, values[1:]))):
        raise ParseError(f"the histograms of paced are damaged in {name}")
    return Histogram(values, counts)
