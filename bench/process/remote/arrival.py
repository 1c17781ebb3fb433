"""What is sent to another machine first: says what it is, keeps the parcel, becomes the agent.

Its source travels and runs there before anything of `bench` is there: standard library only, in
what every Python from 3.11 on understands. The parcel lies unpacked in the user's cache, in a
folder named by the sha256 of its content, which is computed again from the files each time.
"""

from __future__ import annotations

import fcntl
import hashlib
import io
import os
import platform
import shutil
import sys
import sysconfig
import tempfile
import zipfile
from pathlib import Path

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any


def machine_facts() -> dict[str, object]:
    """What decides which parcel this machine needs."""
    soabi = sysconfig.get_config_var("SOABI") or ""
    libc = " ".join(platform.libc_ver()).strip()
    return {
        "python": list(sys.version_info[:3]),
        "executable": sys.executable,
        "soabi": soabi,
        "platform": sysconfig.get_platform(),
        "libc": "musl" if "musl" in soabi else libc,
    }


def agents_folder() -> Path:
    """Where parcels and the folders of agents lie: XDG_CACHE_HOME/bench/agents."""
    base = os.environ.get("XDG_CACHE_HOME") or str(Path("~/.cache").expanduser())
    return Path(base) / "bench" / "agents"


def content_digest(files: Iterable[tuple[str, bytes]]) -> str:
    """The sha256 of files by name and content, in whatever order they come."""
    lines = sorted(f"{name}\0{hashlib.sha256(data).hexdigest()}\n" for name, data in files)
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def folder_digest(folder: Path) -> str:
    """The same of what lies in a folder, without what Python compiled; "" where it is not there."""
    found = []
    for base, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if name != "__pycache__"]
        inside = Path(base).relative_to(folder)
        found += [((inside / name).as_posix(), Path(base, name).read_bytes()) for name in names]
    return content_digest(found) if found else ""


def keep_parcel(place: Path, digest: str, archive: bytes) -> None:
    """Unpack a parcel beside its place, check it, and move it there in one step.

    Agents that come at the same time, such as those of machines with one home, wait for each
    other: what the first has put there is not taken from under its feet by the second.
    """
    place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    beside = Path(tempfile.mkdtemp(prefix="new-", dir=place.parent))
    alone = os.open(place.parent, os.O_RDONLY)
    try:
        with zipfile.ZipFile(io.BytesIO(archive)) as packed:
            packed.extractall(beside)
        if folder_digest(beside) != digest:
            raise ValueError("the parcel was damaged on its way")
        fcntl.flock(alone, fcntl.LOCK_EX)
        if folder_digest(place) != digest:
            shutil.rmtree(place, ignore_errors=True)
            beside.rename(place)
    finally:
        os.close(alone)
        shutil.rmtree(beside, ignore_errors=True)


def arrive(channel: Any) -> None:
    """Say what this machine is, get the parcel if it is not here, and serve."""
    channel.send(machine_facts())
    digest = channel.receive()
    place = agents_folder() / digest
    try:
        if folder_digest(place) != digest:
            channel.send("missing")
            keep_parcel(place, digest, channel.receive())
    except (OSError, ValueError) as error:
        channel.send(f"failed: {error}")
        return
    channel.send("here")
    sys.path.insert(0, str(place))
    from bench.process.remote.agent import serve  # noqa: PLC0415 - only now it is here

    serve(channel, str(agents_folder() / "work"))


if __name__ == "__channelexec__":
    arrive(channel)  # type: ignore[name-defined] # noqa: F821 - execnet puts it there
