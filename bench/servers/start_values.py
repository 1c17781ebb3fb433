"""What the placeholders of `run` and `env` stand for, the certificate of a run among them.

That is made when a server first needs one, and gone when `bench` ends.
"""

from __future__ import annotations

import atexit
import functools
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from bench.model.http_protocol import WITH_TLS
from bench.model.target import LOOPBACK
from bench.servers.building import python_for
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


class Certificate(NamedTuple):
    """PEM files in a folder that only this user can read.

    Attributes:
        cert: the server's certificate, and what it is signed by.
        key: its private key.
        trust: the authority, which only this run knows.
    """

    cert: Path
    key: Path
    trust: Path


@functools.cache
def certificate() -> Certificate:
    """The one of this process: for 127.0.0.1, ::1 and localhost, by an authority of its own.

    A key that lay in a project would sooner or later be trusted somewhere.
    """
    import trustme  # noqa: PLC0415 - late: it brings a library of cryptography with it

    folder = Path(tempfile.mkdtemp(prefix="bench-tls-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    authority = trustme.CA(organization_name="bench")
    made = authority.issue_cert(LOOPBACK, "::1", "localhost", organization_name="bench")
    files = Certificate(*(folder / name for name in ("cert.pem", "key.pem", "trust.pem")))
    files.cert.write_bytes(b"".join(one.bytes() for one in made.cert_chain_pems))
    files.key.write_bytes(made.private_key_pem.bytes())
    files.trust.write_bytes(authority.cert_pem.bytes())
    return files
