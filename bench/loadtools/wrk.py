"""wrk: closed loop, many connections per thread, our Lua script inside; one thread per process."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Final

import bench
from bench.errors import ParseError, ToolMissingError, UsageError
from bench.loadtools import wrk_detail, wrk_pool, wrk_text
from bench.loadtools.tool import STDERR, STDOUT, read_bytes, read_text, refuse_failure, tool_env
from bench.process.command import Command, capture
from bench.workload.requests import pool

if TYPE_CHECKING:
    import random

    from bench.loadtools.tool import Recorded, ToolOutput
    from bench.model.load_result import LoadResult
    from bench.model.plan import LoadProfile, Workload
    from bench.model.target import Target

POOL_FILE: Final = "wrk.pool"
DETAIL_FILE: Final = "wrk.json"
MIN_MAJOR: Final = 4
_VERSION: Final = re.compile(r"^wrk (?:\S+/)?(\S+) \[\w+\] Copyright")


class Wrk:
    """The wrk load tool."""

    name = "wrk"
    executable = "wrk"

    def unsupported(self, profile: LoadProfile, workload: Workload) -> str | None:
        """Why wrk cannot do it: no rate control, whole seconds, no answers without a body."""
        if any(kind.method == "HEAD" for kind in workload.kinds):
            return "wrk cannot read answers to HEAD, it waits for their body: use tool: oha"
        if profile.loop == "open":
            return "wrk has no rate control: an open loop needs tool: oha"
        for name, seconds in (("duration", profile.duration_s), ("warmup", profile.warmup_s)):
            if seconds != int(seconds):
                return f"wrk's {name} is whole seconds, not {seconds:g}s: use tool: oha for that"
        if profile.timeout_s != int(profile.timeout_s):
            return f"wrk's timeout is whole seconds, not {profile.timeout_s:g}s: use tool: oha"
        return None

    def prepare(
        self,
        workload: Workload,
        profile: LoadProfile,  # noqa: ARG002 - the protocol's signature
        target: Target,
        folder: Path,
        rng: random.Random,
    ) -> None:
        """Write the pool of rendered requests."""
        data = wrk_pool.encode(pool(workload, rng), target.authority)
        (folder / POOL_FILE).write_bytes(data)

    def command(
        self,
        target: Target,
        workload: Workload,
        profile: LoadProfile,
        out: Path,
        *,
        index: int,  # noqa: ARG002 - the protocol's signature
        seed: int,
        folder: Path,
        duration_s: float,
    ) -> Command:
        """One wrk process with one thread; the result is written to `wrk.json` in `out`."""
        env = tool_env(
            BENCH_POOL=str(folder / POOL_FILE), BENCH_OUT=DETAIL_FILE, BENCH_SEED=str(seed)
        )
        if workload.lua:
            env["BENCH_USER_LUA"] = workload.lua
        argv = (
            self.executable,
            "-t1",
            f"-c{profile.connections}",
            f"-d{round(duration_s)}s",
            "--timeout",
            f"{round(profile.timeout_s)}s",
            "-s",
            str(lua_file()),
            f"http://{target.authority}/",
        )
        return Command(argv, env, out, None, out / STDOUT, out / STDERR)

    def parse(self, output: ToolOutput, profile: LoadProfile) -> LoadResult:
        """Read what bench.lua wrote; anything on stderr is a failure."""
        refuse_failure(output, "wrk")
        data = read_bytes(output.folder / DETAIL_FILE)
        return wrk_detail.parse(data, connections=profile.connections)

    def read(self, file: Path, recorded: Recorded) -> LoadResult:
        """Read wrk's text, and with `detail` the raw histogram beside it."""
        if recorded.db or recorded.csv:
            raise UsageError("wrk writes no database and no CSV: --db and --csv are for oha")
        if recorded.loop == "open":
            raise UsageError("wrk has no open loop")
        text = read_text(file)
        if recorded.detail is None:
            return wrk_text.parse(text)
        said = wrk_text.read(text)
        connections = recorded.connections or said.connections
        result = wrk_detail.parse(read_bytes(recorded.detail), connections=connections)
        if said.requests != result.requests:
            counts = f"{said.requests} and {result.requests} requests"
            raise ParseError("text and detail of wrk are not of one run", excerpt=counts)
        if result.findings:
            raise ParseError(f"text and detail of wrk contradict: {result.findings[0].text}")
        return result

    def version(self) -> str | None:
        """Version such as `4.1.0-3+b2`; wrk prints it with its usage and exits 1."""
        said = capture([self.executable, "-v"])
        match = _VERSION.match(said.stdout + said.stderr) if said else None
        return match[1] if match else None

    def outdated(self, version: str) -> str | None:
        """Wrk before 4.0 lays out its statistics otherwise; 4.0 to 4.2 are alike."""
        major = version.partition(".")[0]
        if major.isdigit() and int(major) >= MIN_MAJOR:
            return None
        return f"wrk {version} is too old: {MIN_MAJOR}.0 or newer is needed"


def lua_file() -> Path:
    """Find bench.lua: beside the package in a checkout, inside it when installed.

    Raises:
        ToolMissingError: it is in neither place.
    """
    package = Path(bench.__file__).resolve().parent
    for place in (package / "_data" / "lua", package.parent / "scripts" / "lua"):
        if (place / "bench.lua").is_file():
            return place / "bench.lua"
    raise ToolMissingError("bench.lua is not there", advice="Install bench again.")
