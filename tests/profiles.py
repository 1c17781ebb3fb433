"""Profiles of known content, for tests of what is made of them."""

from __future__ import annotations

import gzip
from typing import TYPE_CHECKING

from bench.model.cpu_profile import (
    Breakdown,
    Conversion,
    ConversionPoint,
    FunctionShare,
    Gil,
    ProfileRecord,
    Quality,
    ServerProfile,
    Slice,
)
from bench.reports.blocks import Paragraph, Section, Table, plain
from bench.store.run_directory import RunDirectory
from tests.factories import Truth, run_data

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

SEEN = Quality(
    samples=2_000,
    asked_per_cpu_s=499,
    seen_per_cpu_s=480.0,
    lost_share=0.0,
    error_share=0.0,
    unreadable_share=0.12,
    single_share=0.0,
)
FUNCTION = FunctionShare(name="echo<b>", place="app/app.py", share=0.4, own_share=0.1)


def breakdown(
    shares: Mapping[str, float], cpu_us: float | None, gil: Gil | None = None, refused: str = ""
) -> Breakdown:
    """Shares of 2,000 samples; "unknown" is added where it is not among them."""
    slices = tuple(
        Slice(
            category=name,
            samples=round(2_000 * share),
            share=share,
            us_per_request=None if cpu_us is None else cpu_us * share,
            note="the kernel" if name == "kernel and network" else "",
        )
        for name, share in {"unknown": 0.0, **shares}.items()
    )
    return Breakdown(
        runtime="python",
        slices=slices,
        functions=(FUNCTION,),
        quality=SEEN,
        gil=gil,
        refused=refused,
    )


def profile(
    server: str,
    shares: Mapping[str, float],
    cpu_us: float | None = 100.0,
    *,
    workload: str = "json-small",
    started: str = "2026-01-01T00:00:00+00:00",
    gil: Gil | None = None,
    refused: str = "",
) -> ServerProfile:
    """A profile of that server with those shares."""
    return ServerProfile(
        folder=f"profiles/p-{server}-{workload}",
        server=server,
        title=f"title of {server}",
        workload=workload,
        method="perf",
        runtime="python",
        interpreter="Python 3.12.1",
        started=started,
        seconds=5.0,
        seen=(1_000.0, 900.0),
        slowdown=0.1,
        cpu_us=cpu_us,
        breakdown=breakdown(shares, cpu_us, gil, refused),
    )


def conversion(lines: Mapping[str, tuple[float, float]]) -> Conversion:
    """Two rounds over five sizes, 1 % off a line; `lines` has intercept and us per KB."""
    return Conversion(
        bench_version="0",
        started="2026-01-01T00:00:00+00:00",
        seed=1,
        servers=tuple(lines),
        points=tuple(
            ConversionPoint(
                server=server,
                body_bytes=size,
                round=number,
                us=(start + slope * size / 1000) * (1 + 0.01 * (-1) ** (number + place)),
                status="valid",
            )
            for number in (1, 2)
            for server, (start, slope) in lines.items()
            for place, size in enumerate((0, 1_000, 5_000, 20_000, 40_000))
        ),
    )


SCRIPT = """\
python 1/1  10.1: 
	ffffffff8143d42d tcp_sendmsg ([kernel.kallsyms])
	          26b3 sock_send (/usr/lib/libpython3.12.so.1.0)
	    7f439f332499 py::echo:/app/app.py (/tmp/perf-1.map)

python 1/1  10.2: 
	          10c9a0 _PyEval_EvalFrameDefault (/usr/lib/libpython3.12.so.1.0)
	    7f439f332499 py::JSONDecoder.raw_decode:/usr/python3.12/json/decoder.py (/tmp/perf-1.map)

python 1/2  10.3: 
	          2aeaa4 take_gil (/usr/lib/libpython3.12.so.1.0)
	    7f439f332499 py::<escape & me>:/app/app.py (/tmp/perf-1.map)

"""  # noqa: E101, W291 - perf prints tabs and trailing blanks


def profile_run(reports: Path, server: str = "spikard", workload: str = "json-small") -> Path:
    """A profile run on disk as `bench profile` leaves it, with 300 samples of three kinds."""
    trials = run_data({server: Truth(rps=8_000, cpu_us=120.0)}).trials
    directory = RunDirectory.create(reports, f"p-profile-{server}-{workload}")
    record = ProfileRecord(
        bench_version="0",
        server=server,
        title=server,
        workload=workload,
        method="perf",
        runtime="python",
        interpreter="Python 3.12.1",
        frequency=499,
        window_s=1.0,
        started="2026-01-01T00:00:00+00:00",
        plain=trials[0],
        profiled=trials[1],
    )
    directory.write_model(f"profiles/{server}.json", record)
    folder = f"trials/{server}.profiled"
    directory.write_bytes(f"{folder}/perf.script.gz", gzip.compress((SCRIPT * 800).encode()))
    directory.write_bytes(f"{folder}/perf.data", b"large")
    return directory.path


def sentence_of(section: Section) -> str:
    """What stands between a heading and its table."""
    return "".join(plain(block.text) for block in section.blocks if isinstance(block, Paragraph))


def rows_of(section: Section) -> tuple[tuple[str, ...], ...]:
    """The rows of its table as plain text."""
    (table,) = [block for block in section.blocks if isinstance(block, Table)]
    return tuple(tuple(plain(cell) for cell in row) for row in table.rows)
