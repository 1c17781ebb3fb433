"""What a matrix needs of the system (descriptors, ports, backlog) against what there is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from bench.model.finding import finding

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bench.model.finding import Finding
    from bench.model.host_facts import Host
    from bench.model.plan import LoadProfile

_OWN_FILES: Final = 256
"""Descriptors beside the connections: libraries, logs, epoll and wake-up pipes of many threads."""
_TRIES: Final = 3
"""Connections of a trial are opened for the verification, the warm-up and the window."""
_MOST_PORTS: Final = 0.5
_LINUX_TIME_WAIT_S: Final = 60.0
"""TCP_TIMEWAIT_LEN, a constant of the kernel; tcp_fin_timeout is something else."""
_REUSED_AFTER_S: Final = 2.0
"""The kernel's second in whole seconds, rounded up: net.ipv4.tcp_tw_reuse."""
_REUSE: Final = "network.tcp_tw_reuse"
_FAST_RPS: Final = 10_000.0
"""What a fast server answers per second with a connection per request."""
_MS: Final = 1000.0


def needed_files(connections: int) -> int:
    """Descriptors that the process with the most connections (the server) needs."""
    return connections + _OWN_FILES


def _most_files(host: Host) -> int | None:
    """Hard limit, and on macOS what the kernel allows a process; None = no limit known."""
    limits = (host.limits.get("nofile_hard"), host.limits.get("maxfilesperproc"))
    return min((limit for limit in limits if limit is not None), default=None)


def new_connections_per_s(host: Host) -> float | None:
    """How many connections a second can be opened for long when each is used once.

    A port that was used rests: 60 s on Linux (2 s on loopback where it may be reused), twice
    the segment lifetime on macOS.
    """
    ports = port_count(host)
    return ports / _rest_s(host) if ports else None


def _rest_s(host: Host) -> float:
    lifetime = host.limits.get("msl_ms")
    if lifetime:
        return 2 * lifetime / _MS
    return _REUSED_AFTER_S if host.details.get(_REUSE) in (1, 2) else _LINUX_TIME_WAIT_S


def fresh_ports(host: Host, profile: LoadProfile) -> tuple[Finding, ...]:
    """Whether a profile that opens a connection per request runs out of ports in a trial.

    Where the rate is known (an open loop) it is compared with what the ports allow; a closed
    loop goes as fast as it is answered: there it is told where a fast server would get there.
    """
    ports, most = port_count(host), new_connections_per_s(host)
    if profile.keepalive or ports is None or most is None:
        return ()
    seconds = profile.warmup_s + profile.duration_s
    most = max(most, ports / seconds)  # a short trial ends before the first port is needed again
    known = profile.rate_rps is not None
    if most >= (profile.rate_rps or _FAST_RPS):
        return ()
    return (
        finding(
            "port-budget",
            "host",
            "rate" if known else "per-request",
            profile=profile.id,
            ports=ports,
            rest_s=_rest_s(host),
            seconds=seconds,
            most=most,
            rate=profile.rate_rps,
            severity="error" if known else "warning",
        ),
    )


def port_count(host: Host) -> int | None:
    """Size of the range of ephemeral ports."""
    first, last = host.limits.get("port_first"), host.limits.get("port_last")
    return last - first + 1 if first is not None and last is not None and last >= first else None


def budget(host: Host, connections: int, processes: int) -> tuple[Finding, ...]:
    """What the system has too little of for a matrix; to be reported before the run.

    Args:
        host: the machine.
        connections: the most connections that one trial holds, over all its load processes.
        processes: load processes; more than connections makes no sense and is not judged here.
    """
    return (
        *_files(host, connections),
        *_ports(host, connections),
        *_backlog(host, connections, processes),
        *_tracking(host, connections),
    )


def _files(host: Host, connections: int) -> Iterator[Finding]:
    needed, most = needed_files(connections), _most_files(host)
    soft = host.limits.get("nofile_soft")
    if soft is None or soft >= needed or most is None or most >= needed:
        return
    yield finding(
        "fd-limit",
        "host",
        host.system,
        severity="error",
        needed=needed,
        limit=most,
        soft=soft,
        connections=connections,
    )


def _ports(host: Host, connections: int) -> Iterator[Finding]:
    ports, needed = port_count(host), connections * _TRIES
    if ports is None or needed <= ports * _MOST_PORTS:
        return
    yield finding(
        "port-budget",
        "host",
        host.system,
        severity="error" if needed > ports else "warning",
        ports=ports,
        needed=needed,
        connections=connections,
        first=host.limits.get("port_first"),
        last=host.limits.get("port_last"),
    )


def _backlog(host: Host, connections: int, processes: int) -> Iterator[Finding]:
    most = host.limits.get("somaxconn")
    if most is None or connections <= most:
        return
    key = "kern.ipc.somaxconn" if host.system == "darwin" else "net.core.somaxconn"
    yield finding(
        "backlog",
        "host",
        connections=connections,
        processes=processes,
        somaxconn=most,
        key=key,
        wanted=1 << (connections - 1).bit_length(),
    )


def _tracking(host: Host, connections: int) -> Iterator[Finding]:
    most, needed = host.limits.get("conntrack_max"), 2 * _TRIES * connections
    if most is not None and needed > most:
        yield finding(
            "port-budget",
            "host",
            "tracking",
            limit=most,
            needed=needed,
            wanted=4 * needed,
        )
