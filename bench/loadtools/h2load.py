"""h2load of nghttp2: a closed loop over HTTP/2, a cross-check of what oha reaches.

One connection has one request under way, as with all tools here. `--log-file` gives each request:
when it was sent, its status, how long it took. No option makes it check certificates.
"""

from __future__ import annotations

import re
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from bench.errors import ParseError, UsageError
from bench.loadtools.tool import (
    Installation,
    LoadTool,
    read_bytes,
    read_text,
    refuse_extras,
    refuse_failure,
    tool_command,
)

if TYPE_CHECKING:
    import random
    from pathlib import Path

    from bench.loadtools.tool import LoadJob, Recorded, Share, ToolOutput
    from bench.model.load_result import LoadResult
    from bench.model.plan import LoadProfile, Workload
    from bench.process.command import Command

LOG_FILE: Final = "h2load.log"
_UNSENT: Final = "-1"
_US: Final = 1e6
_LINE: Final = re.compile(r"^(\d+)\t(-?\d+)\t(\d+)$")
_FINISHED: Final = re.compile(r"^finished in ([\d.]+)(us|ms|s|m), ([\d.]+) req/s", re.MULTILINE)
_REQUESTS: Final = re.compile(
    r"^requests: (\d+) total, (\d+) started, (\d+) done, (\d+) succeeded, (\d+) failed, "
    r"(\d+) errored, (\d+) timeout$",
    re.MULTILINE,
)
_TRAFFIC: Final = re.compile(r"^traffic: .*?\((\d+)\) data$", re.MULTILINE)
_CLIENTS: Final = re.compile(r"^spawning thread #\d+: (\d+) total client", re.MULTILINE)
_SECONDS: Final = {"us": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0}


class H2load(LoadTool):
    """The h2load load tool."""

    name = "h2load"
    minimum = (1, 40)  # the first with --log-file and -D together
    version_argv = ("--version",)
    version = re.compile(r"^h2load nghttp2/(\d+(?:\.\d+)+)", re.MULTILINE)
    installation = Installation(brew="nghttp2", apt="nghttp2-client")
    loops = MappingProxyType({"closed": 5})
    prints = "text"
    purpose = "It cross-checks what oha reaches over HTTP/2."
    extras = MappingProxyType({"log": "Log of the same h2load run (--log-file)."})
    optional = True
    one_kind = True
    protocols = ("h2", "h2c")

    def unsupported(self, profile: LoadProfile, workload: Workload) -> str | None:  # noqa: ARG002 - the protocol's signature
        """Why it cannot do it: each process sends one request over and over."""
        if workload.lua:
            return "the workload has a Lua script, which only wrk runs"
        if len(workload.kinds) > 1:
            return (
                "h2load sends one kind of request, and a closed loop has no weights: use tool: oha"
            )
        kind = workload.kinds[0]
        if kind.values or len(kind.bodies) > 1:
            return f"h2load sends one request, but {kind.method} {kind.path} varies: use tool: oha"
        return None

    def prepare(self, job: LoadJob, rng: random.Random) -> None:  # noqa: ARG002 - the protocol's signature
        """Write the body."""
        for body in job.workload.kinds[0].bodies[:1]:
            _body(job.folder).write_bytes(body)

    def command(self, job: LoadJob, share: Share, out: Path, duration_s: float) -> Command:  # noqa: ARG002 - the protocol's signature
        """One process with one thread."""
        kind = job.workload.kinds[0]
        argv = [self.name, "-t1", "-m1", f"-c{job.profile.connections}"]
        argv += ["-D", f"{max(1, round(duration_s * 1000))}ms", f"--log-file={LOG_FILE}"]
        argv += ["-H", f":method: {kind.method}"]
        for name, value in kind.headers.items():
            argv += ["-H", f"{name.lower()}: {value}"]
        if kind.bodies:
            argv += ["-d", str(_body(job.folder))]
        argv.append(f"{job.target.origin}{kind.path}")
        return tool_command(out, *argv)

    def parse(self, output: ToolOutput, profile: LoadProfile) -> LoadResult:  # noqa: ARG002 - the protocol's signature
        """Read totals from what it printed, every complete response from the log."""
        refuse_failure(output, self.name)
        return _result(read_text(output.stdout), read_bytes(output.folder / LOG_FILE))

    def read(self, file: Path, recorded: Recorded) -> LoadResult:
        """Read what it printed, and with `log` every response beside it."""
        refuse_extras(self, recorded)
        if recorded.loop == "open":
            raise UsageError("h2load is read as a closed loop: its pacing is bursts of 10 ms")
        log = recorded.files.get("log")
        return _result(read_text(file), read_bytes(log) if log else None)

    def connections(self, file: Path) -> int | None:
        """As it printed when it began."""
        found = _CLIENTS.search(read_text(file))
        return int(found[1]) if found else None


def _body(folder: Path) -> Path:
    return folder / "h2load.body"


def _result(text: str, log: bytes | None) -> LoadResult:
    from bench.loadtools.merging import summarize  # noqa: PLC0415 - late: a list of tools is quick
    from bench.model.load_result import ErrorCounts, LoadResult  # noqa: PLC0415 - late, as above
    from bench.stats.histogram import Histogram  # noqa: PLC0415 - late, as above

    finished, said, traffic = (each.search(text) for each in (_FINISHED, _REQUESTS, _TRAFFIC))
    if not (finished and said and traffic):
        raise ParseError("this is not what h2load prints", excerpt=text.strip()[-200:])
    _, started, done, succeeded, _, errored, timeout = map(int, said.groups())
    rate = float(finished[3])
    # The time it prints holds connecting; its rate is over the window that was asked for.
    duration_s = done / rate if rate else float(finished[1]) * _SECONDS[finished[2]]
    status, took = _logged(log) if log is not None else (None, None)
    answered = done - errored - timeout
    if status is not None and sum(status.values()) != answered:
        told = f"{sum(status.values())} logged, {answered} counted"
        raise ParseError("log and totals of h2load are not of one run", excerpt=told)
    seen = Histogram.of(took) if took is not None else None
    return LoadResult(
        tool="h2load",
        tool_version=None,
        loop="closed",
        latency_kind="service",
        duration_s=duration_s,
        requests=answered,
        ok=succeeded,
        throughput_rps=succeeded / duration_s if duration_s else 0.0,
        bytes_in=int(traffic[1]),
        bytes_kind="body",
        status=status,
        errors=ErrorCounts(
            connect=None, read=errored, write=None, timeout=timeout,
            status=answered - succeeded, deadline=started - done, other=None,
        ),
        latency_us=summarize(seen, timeouts=timeout, source="raw") if seen else None,
        histogram=seen,
    )  # fmt: skip


def _logged(log: bytes) -> tuple[dict[str, int], dict[int, int]]:
    """Responses by status, and by microseconds."""
    status: dict[str, int] = {}
    took: dict[int, int] = {}
    for number, line in enumerate(log.decode("ascii", "replace").splitlines(), 1):
        found = _LINE.match(line)
        if not found:
            raise ParseError("this is not a log of h2load", excerpt=f"line {number}: {line[:80]}")
        if found[2] != _UNSENT:
            status[found[2]] = status.get(found[2], 0) + 1
            took[int(found[3])] = took.get(int(found[3]), 0) + 1
    return dict(sorted(status.items())), took


TOOL: Final = H2load()
