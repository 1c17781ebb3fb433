"""Reads what wrk 4 prints; pure. Its latencies are after wrk's correction: never exact.

Columns may touch (`2.85us1000.00ms`), counters may wrap below zero, and an average from
999.995 ms to 1 s is printed as `1000.00m`: that one is left out, not guessed.
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from bench.errors import ParseError
from bench.loadtools.merging import own_percentiles
from bench.loadtools.other_tools import another_than
from bench.model.load_result import ErrorCounts, LatencySummary, LoadResult

_NUMBER = r"[0-9]{1,20}\.[0-9][0-9]"  # a counter of 64 bits has 20 digits
_COUNT = r"[0-9]{1,15}"  # what a float holds exactly
_TIME = rf"({_NUMBER})(us|ms|s|m|h)"
_METRIC = rf"-?{_NUMBER}[kMGTP]?"
_SHARE = rf"(?:-?nan|{_NUMBER})%"
_BYTES = rf"({_NUMBER})([KMGTP]?)B"
_TIME_US: Final = {"us": 1.0, "ms": 1e3, "s": 1e6, "m": 6e7, "h": 3.6e9}
_BYTE_UNITS: Final = {unit: 1024**power for power, unit in enumerate(("", "K", "M", "G", "T", "P"))}
_CUT_AVERAGE: Final = ("1000.00", "m")
_WRAP: Final = 2**32
_BYTES_MAX: Final = 2**63
_LINES: Final = {
    "running": re.compile(r"Running [0-9]+[smh] test @ (\S+)"),
    "connections": re.compile(rf"  ({_COUNT}) threads and ({_COUNT}) connections"),
    "heading": re.compile(r"  Thread Stats   Avg      Stdev     Max   \+/- Stdev"),
    "latency": re.compile(rf"    Latency *{_TIME} *{_TIME} *{_TIME} *{_SHARE}"),
    "per_thread": re.compile(rf"    Req/Sec *{_METRIC} *{_METRIC} *{_METRIC} *{_SHARE}"),
    "requests": re.compile(rf"  ({_COUNT}) requests in {_TIME}, {_BYTES} read"),
    "rate": re.compile(rf"Requests/sec: *({_NUMBER})"),
    "transfer": re.compile(rf"Transfer/sec: *{_BYTES}"),
}
_PERCENTILE: Final = re.compile(rf" +([0-9]+(?:\.[0-9]+)?)% *{_TIME} *")
_PRINTED: Final = ("50", "75", "90", "99")
_SOCKET: Final = re.compile(
    r"  Socket errors: connect (-?[0-9]{1,20}), read (-?[0-9]{1,20}), write (-?[0-9]{1,20}), "
    r"timeout (-?[0-9]{1,20})"
)
_BAD_STATUS: Final = re.compile(r"  Non-2xx or 3xx responses: (-?[0-9]{1,20})")
_STEP_S: Final = {"us": 5e-9, "ms": 5e-6, "s": 5e-3, "m": 0.3, "h": 18.0}


class Text(NamedTuple):
    """What the text tells.

    Attributes:
        connections: -c as given, not what was opened.
        duration_s: the real window, from requests and rate where they tell it more finely.
        bytes: read in all, headers included; as finely as printed.
        mean_us: None where it is cut short.
        percentiles_us: only with --latency.
    """

    url: str
    threads: int
    connections: int
    requests: int
    duration_s: float
    bytes: int
    mean_us: float | None
    max_us: float
    percentiles_us: dict[str, float]
    errors: ErrorCounts


def read(text: str) -> Text:
    """Read the text of one run.

    Raises:
        ParseError: empty, usage text, truncated, of several runs, or something else.
    """
    if not text.strip():
        raise ParseError("the output of wrk is empty")
    lines = text.splitlines()
    if other := another_than("wrk", text):
        raise ParseError(other, excerpt=lines[0])
    found = {name: _one(lines, name) for name in _LINES}
    requests = int(found["requests"][1])
    socket, bad = _optional(lines, _SOCKET), _optional(lines, _BAD_STATUS)
    connect, read_errors, write, timeout = (int(n) % _WRAP for n in socket) if socket else (0,) * 4
    latency = found["latency"]
    return Text(
        url=found["running"][1],
        threads=int(found["connections"][1]),
        connections=int(found["connections"][2]),
        requests=requests,
        duration_s=_duration(requests, found["requests"], float(found["rate"][1])),
        bytes=_bytes(found["requests"]),
        mean_us=None if latency.group(1, 2) == _CUT_AVERAGE else _us(latency[1], latency[2]),
        max_us=_us(latency[5], latency[6]),
        percentiles_us=_percentiles(lines),
        errors=ErrorCounts(
            connect=connect,
            read=read_errors,
            write=write,
            timeout=timeout,
            status=int(bad[0]) % _WRAP if bad else 0,
        ),
    )


def parse(text: str, *, tool_version: str | None = None) -> LoadResult:
    """Read the text of one run as a result; latencies marked as wrk's own.

    Raises:
        ParseError: see `read`.
    """
    said = read(text)
    errors = said.errors
    timeouts = errors.timeout or 0
    ok = max(0, said.requests - (errors.status or 0) - timeouts)
    return LoadResult(
        tool="wrk",
        tool_version=tool_version,
        loop="closed",
        latency_kind="service",
        duration_s=said.duration_s,
        requests=said.requests,
        ok=ok,
        throughput_rps=ok / said.duration_s if said.duration_s else 0.0,
        bytes_in=said.bytes,
        bytes_kind="wire",
        status=None,
        errors=errors,
        latency_us=_latency(said, timeouts),
    )


def _latency(said: Text, timeouts: int) -> LatencySummary | None:
    count = said.requests - timeouts
    if count <= 0:
        return None
    return LatencySummary(
        count=count,
        min=None,
        mean=said.mean_us,
        max=said.max_us,
        exact=False,
        source="tool-corrected",
        percentiles=own_percentiles(said.percentiles_us, requests=count, timeouts=timeouts),
    )


def _one(lines: list[str], name: str) -> re.Match[str]:
    """The one line of that form; a line that only begins like it is quoted as the place."""
    matches = [match for line in lines if (match := _LINES[name].fullmatch(line))]
    if len(matches) == 1:
        return matches[0]
    if len(matches) > 1:
        raise ParseError(f"the output of wrk holds several runs ({name})", excerpt=matches[1][0])
    beginning = _BEGINNINGS[name]
    near = next((line for line in lines if beginning.match(line)), "")
    what = "cannot be read" if near else "is missing"
    raise ParseError(
        f"this is not a complete result of wrk: the line of its {_NAMES[name]} {what}",
        excerpt=near or lines[-1],
    )


_BEGINNINGS: Final = {
    "running": re.compile(r"Running"),
    "connections": re.compile(r"  [0-9]+ threads"),
    "heading": re.compile(r"  Thread Stats"),
    "latency": re.compile(r"    Latency"),
    "per_thread": re.compile(r"    Req/Sec"),
    "requests": re.compile(r"  [0-9]+ requests"),
    "rate": re.compile(r"Requests/sec"),
    "transfer": re.compile(r"Transfer/sec"),
}
_NAMES: Final = {
    "running": "start",
    "connections": "connections",
    "heading": "column titles",
    "latency": "latency",
    "per_thread": "requests per thread",
    "requests": "total requests",
    "rate": "rate",
    "transfer": "transfer rate",
}


def _optional(lines: list[str], form: re.Pattern[str]) -> tuple[str, ...]:
    found = [match.groups() for line in lines if (match := form.fullmatch(line))]
    if found:
        return found[0]
    start = form.pattern.split(":", 1)[0]
    if broken := [line for line in lines if line.startswith(start)]:
        raise ParseError("this line of wrk cannot be read", excerpt=broken[0])
    return ()


def _percentiles(lines: list[str]) -> dict[str, float]:
    """The lines below `Latency Distribution`; four of them, else it is not wrk's."""
    headings = [line for line in lines if line.startswith("  Latency Distribution")]
    if not headings:
        return {}
    if headings != ["  Latency Distribution"]:
        raise ParseError("this is the output of another tool than wrk", excerpt=headings[0])
    start = lines.index(headings[0]) + 1
    matches = [_PERCENTILE.fullmatch(line) for line in lines[start : start + len(_PRINTED)]]
    found = {f"{float(m[1]):g}": _us(m[2], m[3]) for m in matches if m}
    if tuple(found) != _PRINTED:
        raise ParseError(
            "the latency distribution of wrk cannot be read", excerpt="".join(lines[start:][:4])
        )
    return found


def _us(number: str, unit: str) -> float:
    return float(number) * _TIME_US[unit]


def _bytes(line: re.Match[str]) -> int:
    count: int = round(float(line[4]) * _BYTE_UNITS[line[5]])
    if count >= _BYTES_MAX:
        raise ParseError("no tool reads so many bytes", excerpt=line[0])
    return count


def _duration(requests: int, line: re.Match[str], rate: float) -> float:
    """Seconds; requests / rate has more digits than the printed length of time."""
    printed = _us(line[2], line[3]) / 1e6
    if not requests or not rate:
        return printed
    fine = requests / rate
    grain = fine * 0.005 / rate  # what half a last digit of the rate is worth
    step = _STEP_S[line[3]]
    return fine if grain < step and abs(fine - printed) <= step + grain else printed
