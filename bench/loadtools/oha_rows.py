"""Reads single responses that oha wrote: its SQLite file and its CSV; nothing is written."""

from __future__ import annotations

import math
import sqlite3
from collections import Counter
from contextlib import closing
from typing import TYPE_CHECKING, Final, NamedTuple

from bench.errors import ParseError
from bench.stats.histogram import Histogram

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

CSV_HEADER: Final = "request-start,DNS,DNS+dialup,Response-delay,request-duration,bytes,status"
_STATUS_MAX: Final = 1000
_TOTALS: Final = (
    "SELECT count(*), min(duration), max(duration), min(end), max(end), "
    "count(start_latency_correction), {runs} FROM oha"
)
_COLUMNS: Final = {"start_latency_correction", "end", "duration", "status"}
_GROUPED: Final = (
    "SELECT CAST(round(duration * 1e6) AS INTEGER), status, count(*) FROM oha GROUP BY 1, 2"
)
_PACER: Final = "SELECT start_latency_correction FROM oha WHERE start_latency_correction NOT NULL"


class Rows(NamedTuple):
    """Every complete response of one oha process; seconds unless named otherwise.

    Attributes:
        stored: number of rows.
        histogram: of their latencies.
        status: count per status code.
        fastest_s: exact, None without rows, as the three below.
        first_end_s: end of the response that was complete first, from the start of the run.
        corrected: latencies count from the intended time.
        intended_s: intended time of each request in ascending order, where asked for.
    """

    stored: int
    histogram: Histogram
    status: dict[str, int]
    fastest_s: float | None
    slowest_s: float | None
    first_end_s: float | None
    last_end_s: float | None
    corrected: bool
    intended_s: tuple[float, ...] = ()


NO_ROWS: Final = Rows(0, Histogram.of({}), {}, None, None, None, None, corrected=False)


def read_db(path: Path, *, pacer: bool = False) -> Rows:
    """Read the SQLite file of one run.

    Args:
        path: the file; opened read-only.
        pacer: read the intended time of every request too.

    Raises:
        ParseError: not there, no database of oha, or of several runs.
    """
    if not path.is_file():
        raise ParseError(f"oha wrote no {path.name}")
    uri = f"{path.resolve().as_uri()}?mode=ro&immutable=1"
    try:
        with closing(sqlite3.connect(uri, uri=True)) as db:
            columns = {row[1] for row in db.execute("PRAGMA table_info(oha)")}
            if not columns >= _COLUMNS:
                raise ParseError(f"{path.name} is not oha's database", excerpt=str(sorted(columns)))
            runs = "count(DISTINCT run)" if "run" in columns else "1"  # not before oha 1.9
            totals = db.execute(_TOTALS.format(runs=runs)).fetchone()
            groups = db.execute(_GROUPED).fetchall()
            intended = _intended(path.name, db) if pacer else []
    except sqlite3.Error as error:
        raise ParseError(f"{path.name} is not oha's database", excerpt=str(error)) from error
    count, fastest, slowest, first, last, corrected, runs = totals
    if runs > 1:
        raise ParseError(f"{path.name} holds {runs} runs; oha appends to a file that is there")
    if corrected not in (0, count):
        raise ParseError(f"{path.name} mixes corrected latencies with others")
    _check_numbers(path.name, groups, (fastest, slowest, first, last))
    return Rows(
        count,
        *_histograms(groups),
        fastest,
        slowest,
        first,
        last,
        corrected=bool(count and corrected),
        intended_s=tuple(intended),
    )


def _intended(name: str, db: sqlite3.Connection) -> list[float]:
    """Intended times in ascending order; checked in bulk, since there may be a million."""
    times = [at for (at,) in db.execute(_PACER)]
    if not set(map(type, times)) <= {float, int} or not all(map(math.isfinite, times)):
        raise ParseError(f"{name} holds a time that is not a number")
    times.sort()
    return times


def _check_numbers(
    name: str, groups: Iterable[tuple[object, ...]], values: Iterable[object]
) -> None:
    """SQLite stores what it is given: a damaged file may hold text where numbers belong."""
    for value in values:
        if value is not None and not (isinstance(value, int | float) and math.isfinite(value)):
            raise ParseError(f"{name} holds a time that is not a number", excerpt=str(value))
    for microseconds, status, _ in groups:
        good = isinstance(microseconds, int) and isinstance(status, int)
        if not good or microseconds < 0 or not 100 <= status < _STATUS_MAX:  # type: ignore[operator]  # noqa: PLR2004 - a status has three digits
            raise ParseError(f"{name} holds no response", excerpt=f"{microseconds}, {status}")


def _histograms(
    groups: Iterable[tuple[int, int, int]],
) -> tuple[Histogram, dict[str, int]]:
    latency: Counter[int] = Counter()
    status: Counter[str] = Counter()
    for microseconds, code, count in groups:
        latency[microseconds] += count
        status[str(code)] += count
    return Histogram.of(latency), dict(sorted(status.items()))


def read_csv(text: str) -> Rows:
    """Read the CSV of one run: a row per complete response, no errors.

    Raises:
        ParseError: no CSV of oha; names the line.
    """
    header, _, rest = text.partition("\n")
    if header != CSV_HEADER:
        raise ParseError("this is not a CSV of oha", excerpt=header)
    if not text.endswith("\n"):
        raise ParseError("the CSV of oha is cut short", excerpt=rest.rpartition("\n")[2])
    groups: Counter[tuple[int, int]] = Counter()
    durations: list[float] = []
    ends: list[float] = []
    for start, duration, status in _csv_rows(text):
        groups[round(duration * 1e6), status] += 1
        durations.append(duration)
        ends.append(start + duration)
    if not durations:
        return NO_ROWS
    return Rows(
        len(durations),
        *_histograms((us, status, count) for (us, status), count in groups.items()),
        min(durations),
        max(durations),
        min(ends),
        max(ends),
        corrected=False,
    )


def _csv_rows(text: str) -> Iterator[tuple[float, float, int]]:
    for number, line in enumerate(text.split("\n")[1:-1], start=2):
        try:
            start, _, _, _, duration, _, status = line.split(",")
            values = float(start), float(duration), int(status)
        except ValueError as error:
            raise ParseError(f"line {number} is not a row of oha's CSV", excerpt=line) from error
        known = 100 <= values[2] < _STATUS_MAX  # noqa: PLR2004 - a status has three digits
        if not (known and all(map(math.isfinite, values)) and min(values) >= 0):
            raise ParseError(f"line {number} is not a row of oha's CSV", excerpt=line)
        yield values
