"""oha: a window of requests in a closed loop, or a fixed number at a fixed rate in an open one.

The open loop is `-n N -q R --latency-correction`: every request that fell due is sent and its
wait is counted. With `-z` oha drops what is queued when time is up, so the longest waits never
appear. The price is that a server slower than the rate keeps oha busy longer than the window;
SIGINT ends it with its totals, but without the single latencies.
"""

from __future__ import annotations

import re
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from bench.errors import ParseError, UsageError
from bench.loadtools.tool import (
    CrateBuild,
    Installation,
    LoadTool,
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
    from bench.model.plan import LoadProfile, RequestKind, Workload
    from bench.model.target import Target
    from bench.process.command import Command

JSON_FILE: Final = "oha.json"
DB_FILE: Final = "oha.sqlite"
_HARMLESS: Final = ("Storing results to ",)


class Oha(LoadTool):
    """The oha load tool."""

    name = "oha"
    minimum = (1, 14)  # before it the latency correction is inverted where a rate is given
    version_argv = ("--version",)
    version = re.compile(r"^oha (\d+(?:\.\d+)+)", re.MULTILINE)
    installation = Installation(
        brew="oha",
        crate=CrateBuild("oha", "1.16.0", rustc=(1, 88), cpu_s=1000.0),  # 8.5 min on two cores
    )
    loops = MappingProxyType({"closed": 10, "open": 10})
    prints = "JSON"
    purpose = "Closed loops without wrk, and cross-checks of open loops, need it."
    extras = MappingProxyType(
        {
            "db": "SQLite file of the same oha run (--db-url).",
            "csv": "CSV of the same oha run (--output-format csv).",
        }
    )
    one_kind = True
    reconnects = True
    times_connecting = True
    protocols = ("http", "https", "h2", "h2c")

    def unsupported(self, profile: LoadProfile, workload: Workload) -> str | None:
        """Why oha cannot do it: one process sends one method, and URLs apart from bodies."""
        kinds = workload.kinds
        if workload.lua:
            return "the workload has a Lua script, which only wrk runs"
        if len(kinds) > 1 and profile.loop == "closed":
            return (
                "oha sends one kind of request per process; in a closed loop the mix would follow "
                "the response times instead of the weights: use tool: wrk, or loop: open"
            )
        if len(kinds) > profile.connections:
            return f"oha needs a connection for each of the {len(kinds)} kinds of request"
        reasons = (_unsupported_kind(kind) for kind in kinds)
        return next((reason for reason in reasons if reason), None)

    def prepare(self, job: LoadJob, rng: random.Random) -> None:
        """Write one file of URLs or of bodies per kind of request that varies."""
        from bench.workload.requests import pool  # noqa: PLC0415 - late: a list of tools is quick

        requests = pool(job.workload, rng).requests
        for index, kind in enumerate(job.workload.kinds):
            own = [request for request in requests if request.kind == index]
            if _varies_in_path(kind):
                urls = "".join(f"{job.target.origin}{request.path}\n" for request in own)
                _urls(job.folder, index).write_text(urls, encoding="utf-8")
            bodies = list(dict.fromkeys(request.body for request in own))
            if kind.bodies:
                _body(job.folder, index).write_bytes(b"\n".join(bodies))

    def command(self, job: LoadJob, share: Share, out: Path, duration_s: float) -> Command:
        """One oha process; with several kinds of request, process i sends kind i."""
        profile, kinds = job.profile, job.workload.kinds
        number = share.index if len(kinds) > 1 else 0
        kind = kinds[number]
        argv = [self.name, "--no-tui", "--disable-compression", "-r", "0"]
        argv += ["-t", _milliseconds(profile.timeout_s), "-c", str(profile.connections)]
        argv += _pace(profile, duration_s)
        argv += ["-m", kind.method, *([] if profile.keepalive else ["--disable-keepalive"])]
        argv += _spoken(job.target)
        for name, value in kind.headers.items():
            argv += ["-H", f"{name}: {value}"]
        argv += ["--output-format", "json", "-o", JSON_FILE, "--db-url", DB_FILE]
        argv += _body_arguments(kind, _body(job.folder, number))
        if _varies_in_path(kind):
            argv += ["--urls-from-file", str(_urls(job.folder, number))]
        else:
            argv.append(f"{job.target.origin}{kind.path}")
        return tool_command(out, *argv, TOKIO_WORKER_THREADS="1", NO_COLOR="1")

    def parse(self, output: ToolOutput, profile: LoadProfile) -> LoadResult:
        """Read totals and errors from the JSON, every complete response from the SQLite file."""
        from bench.loadtools import oha_json, oha_result, oha_rows  # noqa: PLC0415 - late

        refuse_failure(output, self.name, harmless=_HARMLESS)
        report = oha_json.read(read_text(output.folder / JSON_FILE))
        database = output.folder / DB_FILE
        # Interrupted in an open loop, oha writes no database: a finding, since its totals stand.
        rows = oha_rows.NO_ROWS
        if database.is_file():
            rows = oha_rows.read_db(database, pacer=profile.loop == "open")
        return oha_result.of_trial(report, rows, profile)

    def read(self, file: Path, recorded: Recorded) -> LoadResult:
        """Read oha's JSON, and with `db` or `csv` every response beside it."""
        from bench.loadtools import oha_json, oha_result, oha_rows  # noqa: PLC0415 - late

        refuse_extras(self, recorded)
        database, table = recorded.files.get("db"), recorded.files.get("csv")
        if database and table:
            raise UsageError("give --db or --csv: both hold the same responses")
        report = oha_json.read(read_text(file))
        rows = None
        if database:
            rows = oha_rows.read_db(database)
        elif table:
            rows = oha_rows.read_csv(read_text(table))
        if rows is not None and (problem := oha_result.mismatch(report, rows)):
            raise ParseError(f"totals and responses of oha are not of one run: {problem}")
        return oha_result.build(report, rows, loop=recorded.loop)


def _pace(profile: LoadProfile, duration_s: float) -> list[str]:
    if profile.loop == "closed":
        return ["-z", _milliseconds(duration_s)]
    rate = profile.rate_rps or 0.0
    from bench.loadtools import oha_result  # noqa: PLC0415 - late

    count = oha_result.planned_requests(rate, duration_s)
    return ["-n", str(count), "-q", f"{rate:.10g}", "--latency-correction"]


def _spoken(target: Target) -> list[str]:
    """HTTP/2 where it is asked for, and whom oha believes that the server is the one meant."""
    trusted = ["--cacert", target.trust] if target.trust else []
    return [*(["--http2"] if target.http2 else []), *trusted]


def _milliseconds(seconds: float) -> str:
    return f"{max(1, round(seconds * 1000))}ms"


def _urls(folder: Path, kind: int) -> Path:
    return folder / f"oha-{kind}.urls"


def _body(folder: Path, kind: int) -> Path:
    return folder / f"oha-{kind}.body"


def _placeholders(kind: RequestKind) -> tuple[str, ...]:
    return tuple(f"{{{name}}}" for name in kind.values)


def _varies_in_path(kind: RequestKind) -> bool:
    return any(name in kind.path for name in _placeholders(kind))


def _varies_in_body(kind: RequestKind) -> bool:
    return len(kind.bodies) > 1 or any(
        name.encode() in body for name in _placeholders(kind) for body in kind.bodies
    )


def _unsupported_kind(kind: RequestKind) -> str | None:
    if not _varies_in_body(kind):
        return None
    if _varies_in_path(kind):
        return (
            f"oha draws path and body apart from each other, but both vary in "
            f"{kind.method} {kind.path}: use tool: wrk"
        )
    if any(not body.strip() or b"\n" in body or b"\r" in body for body in kind.bodies):
        return (
            f"oha reads varying bodies line by line, but one of {kind.method} {kind.path} "
            "is empty or has a line break: use tool: wrk"
        )
    return None


def _body_arguments(kind: RequestKind, file: Path) -> list[str]:
    if not kind.bodies:
        return []
    return ["-Z" if _varies_in_body(kind) else "-D", str(file)]


TOOL: Final = Oha()
