"""What the placeholders in a server's `run` and `env` stand for when it is started."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from bench.model.http_protocol import WITH_TLS
from bench.servers.building import python_for
from bench.servers.certificate import Certificate, certificate
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
        files: certificate, key and authority; None without TLS.
    """

    protocol: HttpProtocol
    resume: bool
    files: Certificate | None

    @classmethod
    def of(
        cls, protocol: HttpProtocol, *, resume: bool, files: Certificate | None = None
    ) -> Spoken:
        """With the certificate of this run, which is made where it is the first to need it.

        Args:
            protocol: what it is to speak.
            resume: whether TLS sessions may be taken up again.
            files: of a run that is led from another machine.
        """
        return cls(protocol, resume, (files or certificate()) if protocol in WITH_TLS else None)

    @property
    def trust(self) -> str:
        """File of the authority of its certificate, "" without TLS."""
        return str(self.files.trust) if self.files else ""


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
    if spoken.files:
        values |= {"cert": str(spoken.files.cert), "key": str(spoken.files.key)}
    env = arm.config.env | arm.env
    return fill_all(arm.config.run, values), {
        name: fill(text, values) for name, text in env.items()
    }
