"""The certificate of a run: made when a server first needs one, and gone when `bench` ends."""

from __future__ import annotations

import atexit
import functools
import os
import shutil
import tempfile
from pathlib import Path
from typing import Final, NamedTuple

from bench.model.target import LOOPBACK
from bench.process.client import remove_left

_FOLDER: Final = "bench-tls"


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
def certificate(host: str = LOOPBACK) -> Certificate:
    """The one of this process: for a host and for loopback, by an authority of its own.

    A key that lay in a project would sooner or later be trusted somewhere.

    Args:
        host: address by which the load reaches the server.
    """
    import psutil  # noqa: PLC0415 - late, as the next
    import trustme  # noqa: PLC0415 - late: it brings a library of cryptography with it

    remove_left(_FOLDER, psutil.pid_exists)  # of a `bench` that was killed
    folder = Path(tempfile.mkdtemp(prefix=f"{_FOLDER}-{os.getpid()}-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    authority = trustme.CA(organization_name="bench")
    made = authority.issue_cert(
        *dict.fromkeys((host, LOOPBACK, "::1", "localhost")), organization_name="bench"
    )
    files = Certificate(*(folder / name for name in ("cert.pem", "key.pem", "trust.pem")))
    files.cert.write_bytes(b"".join(one.bytes() for one in made.cert_chain_pems))
    files.key.write_bytes(made.private_key_pem.bytes())
    files.trust.write_bytes(authority.cert_pem.bytes())
    return files
