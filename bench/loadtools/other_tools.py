"""Recognizes what other tools print, for those who give it to `bench import` or `bench parse`."""

from __future__ import annotations

from typing import Final

_HEAD: Final = 4000
_READ: Final = ("wrk", "oha", "h2load", "paced")
_MARKS: Final = (
    # (tool, what its output has near its beginning; all of them)
    ("wrk2", ("Thread calibration:",)),
    ("wrk", ("Thread Stats", "threads and")),
    ("ab (ApacheBench)", ("This is ApacheBench",)),
    ("k6", ("http_req_duration",)),
    ("k6", ('"root_group"',)),
    ("bombardier", ("Bombarding ",)),
    ("vegeta", ("[total, rate",)),
    ("vegeta", ('"latencies"', '"bytes_in"')),
    ("h2load", ("starting benchmark...", "spawning thread")),
    ("autocannon", ("Running ", "\u2502 Stat")),
    ("autocannon", ('"throughput"', '"connections"', '"pipelining"')),
    ("hyperfine", ('"results"', '"command"')),
    ("oha", ('"statusCodeDistribution"',)),
    ("oha", ("Success rate:",)),
    ("hey", ("Summary:", "Slowest:", "Requests/sec:")),
)


def written_by(text: str) -> str:
    """The tool that printed it, "" where none is recognized."""
    head = text[:_HEAD]
    return next((tool for tool, marks in _MARKS if all(mark in head for mark in marks)), "")


def another_than(tool: str, text: str) -> str:
    """Why a tool's reader cannot read this, as a sentence; "" where it may be its own."""
    writer = written_by(text)
    if writer in ("", tool):
        return ""
    known = "name that tool" if writer in _READ else f"{', '.join(_READ)} are read"
    return f"this is the output of {writer}, not of {tool}: {known}"
