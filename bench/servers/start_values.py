"""What the placeholders in a server's `run` and `env` stand for when it is started."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from bench.model.http_protocol import WITH_TLS
from bench.servers.building import python_for
from bench.servers.certificate import certificate
from bench.servers.environment import PLAIN, fill, fill_all

if TYPE_CHECKING:
    from collections.abc import Mapping

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
    arm: Arm, at: Target, cpus: int, spoken: Spoken, more: Mapping[str, str]
) -> tuple[tuple[str, ...], dict[str, str]]:
    """The command of a server, and the variables of its own that it gets."""
    values = {
        **PLAIN,
        **more,
        "protocol": spoken.protocol,
        "resume": "true" if spoken.resume else "false",
        "host": at.host,
        "port": str(at.port),
        "cpus": str(cpus),
        "python": python_for(arm),
    }
    if spoken.trust:
        made = certificate()
        values |= {"cert": str(made.cert), "key": str(made.key)}
    env = arm.config.env | arm.env
    return fill_all(arm.config.run, values), {
        name: fill(text, values) for name, text in env.items()
    }
