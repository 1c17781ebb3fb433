"""What the placeholders in a server's `run` and `env` stand for when it is started."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from bench.model.http_protocol import WITH_TLS
from bench.servers.building import toolchain
from bench.servers.certificate import certificate
from bench.servers.environment import PLAIN, fill, fill_all

if TYPE_CHECKING:
    from bench.model.http_protocol import HttpProtocol
    from bench.model.plan import Arm
    from bench.model.target import Target


class Spoken(NamedTuple):
    """What a server is to speak.

    Attributes:
        resume: whether TLS sessions may be taken up again.
        trust: file of the authority of its certificate, "" without TLS.
    """

    protocol: HttpProtocol
    resume: bool
    trust: str

    @classmethod
    def of(cls, protocol: HttpProtocol, *, resume: bool) -> Spoken:
        """With the certificate of this run, which is made where it is the first to need it."""
        trust = str(certificate().trust) if protocol in WITH_TLS else ""
        return cls(protocol, resume, trust)


def filled(
    arm: Arm, at: Target, cpus: int, spoken: Spoken
) -> tuple[tuple[str, ...], dict[str, str]]:
    """The command of a server, and the variables of its own that it gets."""
    values = {
        **PLAIN,
        "protocol": spoken.protocol,
        "resume": "true" if spoken.resume else "false",
        "host": at.host,
        "port": str(at.port),
        "cpus": str(cpus),
        "python": _python(arm),
    }
    if spoken.trust:
        made = certificate()
        values |= {"cert": str(made.cert), "key": str(made.key)}
    env = arm.config.env | arm.env
    return fill_all(arm.config.run, values), {
        name: fill(text, values) for name, text in env.items()
    }


def _python(arm: Arm) -> str:
    """The interpreter for `{python}`; looked for only where `run` or `env` names it."""
    named = [*arm.config.run, *arm.config.env.values(), *arm.env.values()]
    wanted = any("{python}" in word for word in named)
    return (toolchain(arm).python or "") if wanted else ""
