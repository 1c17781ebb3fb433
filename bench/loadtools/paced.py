"""paced: an open loop on an exact schedule, by a C program of ours (scripts/paced/README.md).

Each request is due at a moment that is fixed before the start, `poisson` or `even`, and is timed
from that moment. All processes of a trial walk one schedule and take their share of it; the same
seed gives all servers of a round the same arrivals, which pairs their comparison.
"""

from __future__ import annotations

import re
import socket
from functools import cached_property
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from bench.errors import UsageError
from bench.loadtools.tool import (
    Installation,
    LoadTool,
    SourceBuild,
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
    from bench.model.target import Target
    from bench.process.command import Command

POOL_FILE: Final = "paced.pool"
JSON_FILE: Final = "paced.json"
HISTOGRAMS_FILE: Final = "paced.bin"

SPIN_US: Final = 20
"""How long before a due time it looks at the clock instead of sleeping, see `spin_us`."""

_OWN_SPIN_US: Final = 200
_OWN_SPIN_SHARE: Final = 0.5
_SPIN_UP_TO_RPS: Final = 10_000.0
_LEAD_S: Final = 0.25
_LEAD_PER_CONNECTION_S: Final = 0.001
_LEAD_IN_S: Final = 0.3
"""One of two warm Fastifys beside each other cost a fifth more for so long after its connections
were opened (0.44 of a CPU, 0.36 later), now the one and now the other."""

_MAX_DRAIN_S: Final = 600.0
_MAX_KINDS: Final = 256
_LEAST_EXCHANGE_S: Final = 20e-6
_STOPPED: Final = (130, 143)


class Paced(LoadTool):
    """The load generator that comes with bench."""

    name = "paced"
    minimum = (1,)
    version_argv = ("--version",)
    version = re.compile(r"^paced (\d+(?:\.\d+)*)", re.MULTILINE)
    loops = MappingProxyType({"open": 20})
    prints = "JSON"
    purpose = "Open loops (a fixed offered rate) need it; it is built by a C compiler, cc."
    extras = MappingProxyType({"exact": "Histograms of the same paced run (--histograms)."})
    arrivals = ("poisson", "even")
    reconnects = True
    times_connecting = True
    lead_in_s = _LEAD_IN_S

    @cached_property
    def installation(self) -> Installation:  # type: ignore[override]  # read late: it lists files
        """Built from sources, whose files are looked up when they are first asked for."""
        folder = shipped("paced", "main.c").parent
        return Installation(
            sources=SourceBuild(
                files=tuple(sorted(folder.glob("*.c"))),
                flags=("-std=c11", "-O2"),
                libraries=("-lm",),
                headers=tuple(sorted(folder.glob("*.h"))),
            )
        )

    def unsupported(self, profile: LoadProfile, workload: Workload) -> str | None:
        """Why it cannot be done: a script, or a rate that this profile cannot offer."""
        if workload.lua:
            return (
                "the workload has a Lua script, which only wrk runs, and wrk has no open loop: "
                "use loop: closed with tool: wrk, or a workload without lua"
            )
        if len(workload.kinds) > _MAX_KINDS:
            return f"paced sends at most {_MAX_KINDS} kinds of request, not {len(workload.kinds)}"
        return _rate_fault(profile) if profile.rate_rps else None

    def lead(self, profile: LoadProfile) -> float:
        """Time to open all connections before the first request is due."""
        return _LEAD_S + _LEAD_PER_CONNECTION_S * profile.connections

    def prepare(self, job: LoadJob, rng: random.Random) -> None:
        """Write the pool of rendered requests."""
        from bench.loadtools.request_pools import paced_pool  # noqa: PLC0415 - late: a list of tools is quick
        from bench.workload.requests import pool  # noqa: PLC0415 - late: reading a result needs no requests

        data = paced_pool(pool(job.workload, rng), job.target.authority)
        (job.folder / POOL_FILE).write_bytes(data)

    def command(self, job: LoadJob, share: Share, out: Path, duration_s: float) -> Command:
        """One process, which takes request k, k + n, ... of the one schedule."""
        profile = job.profile
        options = {
            "pool": job.folder / POOL_FILE,
            "address": _address(job.target),
            "port": job.target.port,
            "connections": profile.connections,
            "rate": f"{(profile.rate_rps or 0.0) * share.count:.12g}",
            "process": f"{share.index}/{share.count}",
            "arrivals": profile.arrivals or self.arrivals[0],
            "seed": share.schedule,
            **_beginning(share),
            "duration": f"{duration_s:.9g}",
            "timeout": f"{profile.timeout_s:.9g}",
            "drain": f"{min(profile.timeout_s, _MAX_DRAIN_S):.9g}",
            **({} if profile.keepalive else {"keep-alive": "off"}),
            "spin-us": spin_us(profile.rate_rps or 0.0, own_cpu=share.own_cpu),
            "output": JSON_FILE,
            "histograms": HISTOGRAMS_FILE,
        }
        words = (word for name, value in options.items() for word in (f"--{name}", str(value)))
        return tool_command(out, self.name, *words)

    def parse(self, output: ToolOutput, profile: LoadProfile) -> LoadResult:  # noqa: ARG002 - the protocol's signature
        """Read document and histograms; ended by a signal it leaves both, of the time so far."""
        stopped = output.rc in _STOPPED
        refuse_failure(output._replace(rc=0) if stopped else output, self.name)
        document = read_text(output.folder / JSON_FILE)
        return _result(document, read_bytes(output.folder / HISTOGRAMS_FILE))

    def read(self, file: Path, recorded: Recorded) -> LoadResult:
        """Read its document, and with `exact` the histograms beside it."""
        refuse_extras(self, recorded)
        if recorded.loop == "closed":
            raise UsageError("paced has no closed loop")
        exact = recorded.files.get("exact")
        return _result(read_text(file), read_bytes(exact) if exact else None)

    def connections(self, file: Path) -> int | None:
        """As its document says."""
        from bench.loadtools import paced_json  # noqa: PLC0415 - late: a list of tools is quick

        return paced_json.read(read_text(file)).settings.connections


def spin_us(rate_rps: float, *, own_cpu: bool = False) -> int:
    """How long a process spins before each due time, at so many requests per second of its own.

    Measured in turn with the timer alone (docs/open-loop.md): 20 us take the lateness of the
    median request away, 9 to 20 us of timer and wake-up, for 2 to 9 us of CPU time of the load's
    own CPU. Beyond 10,000/s the gap between requests nears the 20 us: a process would hardly
    sleep, and the scheduler takes it off a CPU with other work for milliseconds. On a CPU of
    its own it spins for up to 200 us and half the gap: the p99 of lateness at 1,862/s fell from
    45 to 550 us to 15 to 19, and a process that shares its CPU would be taken off it.
    """
    if rate_rps > _SPIN_UP_TO_RPS:
        return 0
    if not own_cpu or not rate_rps:
        return SPIN_US
    return round(max(SPIN_US, min(_OWN_SPIN_US, _OWN_SPIN_SHARE * 1e6 / rate_rps)))


def _rate_fault(profile: LoadProfile) -> str | None:
    rate = profile.rate_rps or 0.0
    most = profile.connections / _LEAST_EXCHANGE_S
    if rate > most:
        return (
            f"a rate of {rate:g}/s is more than {profile.connections} connections can carry: one "
            f"request at a time each, and no exchange takes less than "
            f"{_LEAST_EXCHANGE_S * 1e6:.0f} us, so at most {most:,.0f}/s"
        )
    if rate * profile.duration_s < 1:
        return (
            f"a rate of {rate:g}/s is less than one request in a window of "
            f"{profile.duration_s:g}s: raise rate or duration"
        )
    return None


def _result(document: str, histograms: bytes | None) -> LoadResult:
    from bench.loadtools import paced_histograms, paced_json, paced_result  # noqa: PLC0415 - late

    report = paced_json.read(document)
    seen = None if histograms is None else paced_histograms.decode(histograms)
    return paced_result.build(report, seen)


def _beginning(share: Share) -> dict[str, str]:
    """When it begins to send, and how much of that goes before the window."""
    if not share.start_at:
        return {}
    begin = {"start": str(round((share.start_at - share.lead_in_s) * 1e9))}
    return begin | ({"warm-up": f"{share.lead_in_s:.9g}"} if share.lead_in_s else {})


def _address(target: Target) -> str:
    """A numeric address, since paced resolves no names: the first that accepts a connection."""
    try:
        found = socket.getaddrinfo(target.host, target.port, type=socket.SOCK_STREAM)
    except OSError as error:
        raise UsageError(f"{target.host} has no address: {error.strerror}") from error
    addresses = list(dict.fromkeys(str(entry[4][0]) for entry in found))
    if len(addresses) == 1:
        return addresses[0]
    return next((one for one in addresses if _answers(one, target.port)), addresses[0])


def _answers(address: str, port: int) -> bool:
    try:
        with socket.create_connection((address, port), timeout=1.0):
            return True
    except OSError:
        return False


TOOL: Final = Paced()
