"""wrk: closed loop, many connections per thread, our Lua script inside; one thread per process."""

from __future__ import annotations

import re
from types import MappingProxyType
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from bench.errors import ParseError, UsageError
from bench.loadtools.tool import (
    Installation,
    LoadTool,
    read_bytes,
    read_text,
    refuse_extras,
    refuse_failure,
    shipped,
    tool_command,
)

if TYPE_CHECKING:
    import random
    from pathlib import Path

    from bench.loadtools.tool import LoadJob, Recorded, Share, ToolOutput
    from bench.model.load_result import LoadResult
    from bench.model.plan import LoadProfile, Workload
    from bench.process.command import Command

POOL_FILE: Final = "wrk.pool"
DETAIL_FILE: Final = "wrk.json"
_PLAIN_SUCCESS: Final = 200
"""The one status for which wrk's own counters do: its errors are those above 399."""


class Wrk(LoadTool):
    """The wrk load tool."""

    name = "wrk"
    minimum = (4, 1)
    version_argv = ("-v",)
    version = re.compile(r"^wrk (?:debian/)?v?(\d+(?:\.\d+)+)", re.MULTILINE)
    installation = Installation(brew="wrk", apt="wrk")
    loops = MappingProxyType({"closed": 20})
    prints = "text"
    purpose = "The matrices that come with bench load their servers with it."
    extras = MappingProxyType({"detail": "JSON of the same wrk run, written by bench.lua."})
    essential = True
    whole_seconds = True
    plain_only = True
    late_counted = True
    protocols = ("http", "https")
    reconnects = True  # where request and response say `Connection: close`; it is not timed
    overrun_s = 0.12  # it looks at its clock every 100 ms

    def unsupported(self, profile: LoadProfile, workload: Workload) -> str | None:
        """Why wrk cannot do it: no answers without a body, no script beside our counters."""
        if workload.lua and not profile.keepalive:
            return (
                "keepalive: false puts `Connection: close` into every request, but this workload "
                "has a Lua script, which writes its own: let the script do it, remove keepalive"
            )
        if any(kind.method == "HEAD" for kind in workload.kinds):
            return "wrk cannot read answers to HEAD, it waits for their body: use tool: oha"
        if workload.lua and _counts_statuses(workload):
            wanted = max(kind.expect.status for kind in workload.kinds)
            return (
                f"a status of {wanted} is expected, wrk itself tells only which are above 399, and "
                "beside the workload's own Lua script ours counts none: use tool: oha"
            )
        return None

    def prepare(self, job: LoadJob, rng: random.Random) -> None:
        """Write the pool of rendered requests."""
        from bench.loadtools.request_pools import lua_pool  # noqa: PLC0415 - late: a list of tools is quick
        from bench.workload.requests import pool  # noqa: PLC0415 - late: reading a result needs no requests

        data = lua_pool(pool(job.workload, rng), job.target.authority)
        (job.folder / POOL_FILE).write_bytes(data)

    def command(self, job: LoadJob, share: Share, out: Path, duration_s: float) -> Command:
        """One wrk process with one thread; the result is written to `wrk.json` in `out`."""
        env = {"BENCH_POOL": str(job.folder / POOL_FILE), "BENCH_OUT": DETAIL_FILE}
        if job.workload.lua:
            env["BENCH_USER_LUA"] = job.workload.lua
        elif _counts_statuses(job.workload):
            env["BENCH_STATUSES"] = "1"
        argv = [self.name, "-t1", f"-c{job.profile.connections}", f"-d{round(duration_s)}s"]
        argv += ["--timeout", f"{round(job.profile.timeout_s)}s"]
        argv += ["-s", str(shipped("lua", "bench.lua")), f"{job.target.origin}/"]
        return tool_command(out, *argv, **env, BENCH_SEED=str(share.seed))

    def parse(self, output: ToolOutput, profile: LoadProfile) -> LoadResult:
        """Read what bench.lua wrote; anything on stderr is a failure."""
        from bench.loadtools import wrk_detail  # noqa: PLC0415 - late: a list of tools is quick

        refuse_failure(output, self.name)
        data = read_bytes(output.folder / DETAIL_FILE)
        return wrk_detail.parse(data, connections=profile.connections)

    def read(self, file: Path, recorded: Recorded) -> LoadResult:
        """Read wrk's text, and with `detail` the raw histogram beside it."""
        from bench.loadtools import wrk_detail, wrk_text  # noqa: PLC0415 - late

        refuse_extras(self, recorded)
        if recorded.loop == "open":
            raise UsageError("wrk has no open loop")
        text = read_text(file)
        detail = recorded.files.get("detail")
        if detail is None:
            return wrk_text.parse(text)
        said = wrk_text.read(text)
        connections = recorded.connections or said.connections
        result = wrk_detail.parse(read_bytes(detail), connections=connections)
        if said.requests != result.requests:
            counts = f"{said.requests} and {result.requests} requests"
            raise ParseError("text and detail of wrk are not of one run", excerpt=counts)
        if result.findings:
            problem = result.findings[0].evidence["problem"]
            raise ParseError(f"text and detail of wrk contradict: {problem}")
        return result

    def connections(self, file: Path) -> int | None:
        """As the text says."""
        from bench.loadtools import wrk_text  # noqa: PLC0415 - late

        return wrk_text.read(read_text(file)).connections

    def conditions(self, file: Path) -> dict[str, str]:
        """Connections, threads and path; servers side by side have ports of their own."""
        from bench.loadtools import wrk_text  # noqa: PLC0415 - late

        said = wrk_text.read(read_text(file))
        try:
            parts = urlsplit(said.url)
        except ValueError:  # a bracket that is not closed
            raise ParseError("wrk's URL cannot be read", excerpt=said.url) from None
        path = f"{parts.path or '/'}{'?' if parts.query else ''}{parts.query}"
        return {
            "connections": str(said.connections),
            "threads": str(said.threads),
            "path": path,
            "scheme": parts.scheme,
        }


def _counts_statuses(workload: Workload) -> bool:
    """Whether our script has to count them one by one; wrk then collects headers and bodies."""
    return any(kind.expect.status != _PLAIN_SUCCESS for kind in workload.kinds)


TOOL: Final = Wrk()
