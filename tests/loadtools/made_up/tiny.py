"""A load tool that bench does not have: the one file that adds it."""

from __future__ import annotations

import json
import re
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from bench.errors import ParseError
from bench.loadtools.tool import (
    Installation,
    LoadTool,
    Recorded,
    Share,
    ToolOutput,
    read_text,
    refuse_extras,
    refuse_failure,
    tool_command,
)

if TYPE_CHECKING:
    import random
    from pathlib import Path

    from bench.loadtools.tool import LoadJob
    from bench.model.load_result import LatencySource, LoadResult, Loop
    from bench.model.plan import LoadProfile, Workload
    from bench.process.command import Command


class Tiny(LoadTool):
    """Sends one request after the other, by a few lines of Python."""

    name = "tiny"
    minimum = (2, 1)
    version_argv = ("--version",)
    version = re.compile(r"^tiny (\d+(?:\.\d+)+)", re.MULTILINE)
    installation = Installation(brew="tiny", apt="tiny-load")
    loops = MappingProxyType({"closed": 1, "open": 90})
    prints = "lines of JSON"
    purpose = "Nothing is as small."
    extras = MappingProxyType({"notes": "Notes of the same tiny run."})
    overrun_s = 0.2
    lead_s = 0.3

    def unsupported(self, profile: LoadProfile, workload: Workload) -> str | None:  # noqa: ARG002 - the protocol's signature
        """It knows one request."""
        return "tiny sends one kind of request" if len(workload.kinds) > 1 else None

    def prepare(self, job: LoadJob, rng: random.Random) -> None:  # noqa: ARG002 - the protocol's signature
        """Write the request."""
        kind = job.workload.kinds[0]
        request = {
            "host": job.target.host,
            "port": job.target.port,
            "method": kind.method,
            "path": kind.path,
            "headers": kind.headers,
            "body": kind.bodies[0].decode() if kind.bodies else None,
        }
        (job.folder / "tiny.json").write_text(json.dumps(request))

    def command(self, job: LoadJob, share: Share, out: Path, duration_s: float) -> Command:
        """Request i is due at i / rate after the start; process k sends those of i % n = k."""
        total = (job.profile.rate_rps or 0) * share.count
        request = (str(job.folder / "tiny.json"), str(duration_s), str(total))
        mine = (str(share.index), str(share.count), repr(share.start_at))
        return tool_command(out, self.name, *request, *mine)

    def parse(self, output: ToolOutput, profile: LoadProfile) -> LoadResult:
        """Read what it printed."""
        refuse_failure(output, self.name)
        return _result(read_text(output.stdout), profile.loop)

    def read(self, file: Path, recorded: Recorded) -> LoadResult:
        """Read what it printed elsewhere."""
        refuse_extras(self, recorded)
        return _result(read_text(file), recorded.loop)

    def connections(self, file: Path) -> int | None:
        """It says so."""
        return int(json.loads(read_text(file))["connections"])


def _result(text: str, loop: Loop | None) -> LoadResult:
    from bench.loadtools.merging import summarize  # noqa: PLC0415 - late: a list of tools is quick
    from bench.model.load_result import ErrorCounts, LoadResult  # noqa: PLC0415 - late, as tools of bench do
    from bench.stats.histogram import Histogram  # noqa: PLC0415 - late, as tools of bench do

    try:
        said = json.loads(text)
    except ValueError as error:
        raise ParseError("this is not what tiny prints", excerpt=text[:40]) from error
    seen = Histogram.from_pairs(said["us"])
    source: LatencySource = "intended-time" if loop == "open" else "raw"
    return LoadResult(
        tool="tiny",
        tool_version=None,
        loop=loop,
        latency_kind="response" if loop == "open" else "service",
        duration_s=said["seconds"],
        requests=said["requests"],
        ok=said["requests"],
        throughput_rps=said["requests"] / said["seconds"],
        bytes_in=said["bytes"],
        bytes_kind="body",
        status=None,
        errors=ErrorCounts(),
        latency_us=summarize(seen, timeouts=0, source=source),
        histogram=seen,
    )


TOOL: Final = Tiny()
