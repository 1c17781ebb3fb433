"""Whether a server answers, and on which other port it does when it should answer on this one."""

from __future__ import annotations

import contextlib
import re
import time
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from bench.model.target import InnerTarget, Target
from bench.servers.http2 import exchange
from bench.servers.ports import ports_of
from bench.servers.secure import OtherProtocolError, dial

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from bench.model.plan import Arm
    from bench.model.server_config import ServerConfig

_ASK_S: Final = 2.0
_STATUS: Final = re.compile(rb"HTTP/1\.[01] (\d{3})[ \r]")
_HEAD_MAX: Final = 16_384
_NONE: Final[Mapping[str, str]] = MappingProxyType({})
SWITCHING: Final = 101
"""The one status below 200 that is final."""

_LOOK_EVERY_S: Final = 0.25
_PATIENCE_S: Final = 1.25
_MORE_PATIENCE_S: Final = 8.0
"""For a port that answers otherwise than a ready server: figures and probes have such ports."""
_IDLE_S: Final = 2.5
"""A server that has used no CPU for so long has started: that port is all that it opens."""
_IDLE_SHARE: Final = 0.1


class Elsewhere:
    """Notices a server that listens on another port than the one that it was given.

    Attributes:
        certain: it has answered there for some time, and nothing listens where it should.
        advice: what to write.
        port: the one that answers most like a ready server; 0 = there is none.
    """

    def __init__(self, arm: Arm) -> None:
        self.certain = False
        self.advice = ""
        self.port = 0
        self._arm = arm
        self._next = 0.0
        self._since: dict[int, float] = {}
        self._looked = (0.0, 0.0)
        self._busy_at = 0.0

    def look(self, target: Target, pids: Callable[[], Iterable[int]], *, last: bool) -> str:
        """The other ports on which it listens, in words; "" where there are none.

        Args:
            target: where it should listen.
            pids: its processes, asked for at most four times a second.
            last: look now, whenever the look before was.
        """
        now = time.monotonic()
        if now < self._next and not last:
            return ""
        self._next = now + _LOOK_EVERY_S
        alive = tuple(pids())
        self._note_use(now, cpu_seconds(alive))
        ports = ports_of(alive, target.space)
        if target.port in ports:
            self._since.clear()
            return ""
        self._since = {port: self._since.get(port, now) for port in ports}
        if not ports:
            return ""
        best = self.port = self._answering(target, ports)
        self.advice = (
            f"if it cannot be given its port, say so: `port: {best}` in its server.yaml, or "
            f"`bench try --port {best}`; otherwise pass {{port}} to it"
        )
        return " and ".join(map(str, ports))

    def _note_use(self, now: float, used_s: float) -> None:
        """Remember when the server was last at work."""
        before, spent = self._looked
        self._looked = (now, used_s)
        if not before or used_s - spent > _IDLE_SHARE * (now - before):
            self._busy_at = now

    def _answering(self, target: Target, ports: list[int]) -> int:
        """The port that answers most like a ready server; notes whether that is certain."""
        now, best = time.monotonic(), ports[0]
        for port in ports:
            if now - self._since[port] < _PATIENCE_S:
                continue
            there = Target(target.host, port, target.protocol, target.trust)
            if target.space:
                there = InnerTarget.at(
                    port, target.space, protocol=there.protocol, trust=there.trust
                )
            config, status = self._arm.config, None
            with contextlib.suppress(OtherProtocolError):
                status = ask_status(there, config.ready, 0.5, headers=config.ready_headers)
            ready = status and (self._arm.ready_any or 200 <= status < 300)  # noqa: PLR2004 - 2xx
            started = now - self._busy_at > _IDLE_S or now - self._since[port] > _MORE_PATIENCE_S
            if ready or (status and started):
                self.certain, best = True, port
        return best


def cpu_seconds(pids: Iterable[int]) -> float:
    """CPU time of all these processes."""
    import psutil  # noqa: PLC0415 - late, see `bench --help`

    used = 0.0
    for pid in pids:
        with contextlib.suppress(psutil.Error):
            times = psutil.Process(pid).cpu_times()
            used += times.user + times.system
    return used


def ask_status(
    target: Target, path: str, timeout_s: float = _ASK_S, *, headers: Mapping[str, str] = _NONE
) -> int | None:
    """Status of GET path; None = no connection, 0 = connected and no answer in time.

    http.client would wait forever for an answer that comes in drips.

    Raises:
        OtherProtocolError: the server does not speak what the target says.
    """
    if target.http2:
        return _status_by_http2(target, path, timeout_s, headers)
    named = any(name.lower() == "host" for name in headers)
    sent = {**({} if named else {"Host": target.authority}), **headers}
    lines = [f"GET {path} HTTP/1.1", *(f"{name}: {value}" for name, value in sent.items())]
    question = "\r\n".join([*lines, "", ""]).encode("latin-1")
    deadline = time.monotonic() + timeout_s
    try:
        sock = dial(target, timeout_s)
    except OtherProtocolError:
        raise
    except OSError as error:
        return None if _not_there(error, target) else 0
    head = b""
    with sock, contextlib.suppress(OSError):
        sock.sendall(question)
        while (status := _final_status(head)) is None and len(head) < _HEAD_MAX:
            left = deadline - time.monotonic()
            if left <= 0:
                return 0
            sock.settimeout(left)
            data = sock.recv(_HEAD_MAX)
            if not data:
                return 0
            head += data
        return status or 0
    return 0


def ask_ready(target: Target, config: ServerConfig) -> tuple[int | None, Target]:
    """Status of the ready path and who answered: it may listen on the loopback of IPv6 alone.

    Raises:
        OtherProtocolError: as `ask_status`.
    """
    for there in (target, target.on_ipv6):
        status = ask_status(there, config.ready, headers=config.ready_headers)
        if status is not None:
            return status, there
    return None, target


def _status_by_http2(
    target: Target, path: str, timeout_s: float, headers: Mapping[str, str]
) -> int | None:
    try:
        return exchange(target, "GET", path, headers, timeout_s=timeout_s).status
    except OtherProtocolError:
        raise
    except (OSError, ValueError) as error:
        return None if _not_there(error, target) else 0


def _not_there(error: Exception, target: Target) -> bool:
    """Whether nobody listens; one who listens may still not end the TLS handshake."""
    return isinstance(error, ConnectionRefusedError) or not (target.tls or target.http2)


def _final_status(head: bytes) -> int | None:
    """The status behind interim answers such as 103; None = it has not come yet."""
    while match := _STATUS.match(head):
        status = int(match[1])
        if status >= 200 or status == SWITCHING:  # noqa: PLR2004 - 1xx is interim
            return status
        head = head.partition(b"\r\n\r\n")[2]
    return None
