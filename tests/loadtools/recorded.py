"""Where the recorded outputs are, and small builders for tests of load tools."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from bench.loadtools import ToolOutput
from bench.model.load_result import ErrorCounts, LoadResult
from bench.model.plan import LoadProfile, RequestKind, Workload
from bench.model.workload_config import Expect
from bench.stats.histogram import Histogram

DATA = Path(__file__).parents[1] / "data" / "loadtools"
WRK = DATA / "wrk-4.1.0"
OHA = DATA / "oha-1.16.0"
OLD_OHA = DATA / "oha-1.4.7"


def profile(**changes: Any) -> LoadProfile:
    base: dict[str, Any] = {
        "id": "p",
        "tool": "wrk",
        "loop": "closed",
        "connections": 20,
        "processes": 1,
        "warmup_s": 1.0,
        "duration_s": 2.0,
        "timeout_s": 10.0,
    }
    return LoadProfile(**{**base, **changes})


def kind(**changes: Any) -> RequestKind:
    base: dict[str, Any] = {
        "weight": 1,
        "method": "GET",
        "path": "/ok",
        "headers": {},
        "bodies": (),
        "values": {},
        "expect": Expect(),
    }
    return RequestKind(**{**base, **changes})


def workload(*kinds: RequestKind, lua: str | None = None) -> Workload:
    return Workload(id="w", title="W", kinds=kinds or (kind(),), lua=lua, sha256="0")


def result(**changes: Any) -> LoadResult:
    base: dict[str, Any] = {
        "tool": "wrk",
        "tool_version": None,
        "loop": "closed",
        "latency_kind": "service",
        "duration_s": 1.0,
        "requests": 0,
        "ok": 0,
        "throughput_rps": 0.0,
        "bytes_in": 0,
        "bytes_kind": "wire",
        "status": None,
        "errors": ErrorCounts(),
        "latency_us": None,
        "histogram": Histogram.of({}),
    }
    return LoadResult(**{**base, **changes})


def output(folder: Path, *, rc: int = 0, stderr: str = "") -> ToolOutput:
    (folder / "stdout.txt").write_text("")
    (folder / "stderr.txt").write_text(stderr)
    return ToolOutput(rc, folder / "stdout.txt", folder / "stderr.txt", folder)
