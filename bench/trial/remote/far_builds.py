"""Builds servers on the machine where they are going to run; their sources are brought there."""

from __future__ import annotations

import hashlib
import io
import tarfile
from pathlib import Path
from typing import TYPE_CHECKING, Final

from bench.errors import BuildError
from bench.model.summary import BuildRecord
from bench.servers.building import repository_files, sources
from bench.trial.remote import server_side
from bench.units import format_bytes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from bench.model.plan import Arm
    from bench.process.remote.remote_machine import Machine

_MOST_BYTES: Final = 256_000_000
_SEND_S: Final = 600.0
_BUILD_S: Final = 3700.0


class FarBuilds:
    """The servers of a run on their machine; see `bench.run.builder` for those on this one.

    Args:
        server: gives the machine, which may have been opened again meanwhile.
    """

    def __init__(self, server: Callable[[], Machine]) -> None:
        self._server = server
        self._folders: dict[str, str] = {}

    def placed(self, arm: Arm) -> Arm:
        """The arm with the folder that it has there.

        Only sources travel: no server.yaml, whose `env` may hold secrets. What builds made is
        kept there, by the content of the sources.

        Raises:
            BuildError: the sources are too large.
        """
        if arm.folder not in self._folders:
            self._folders[arm.folder] = self._bring(arm)
        return arm.replace(folder=self._folders[arm.folder])

    def is_there(self, arm: Arm) -> None:
        """Take the folder of an arm, which was made there, as it is."""
        self._folders[arm.folder] = arm.folder

    def missing(self, arm: Arm) -> str | None:
        """Why it cannot be built there, None = it can."""
        reason: str | None = self._server().call(
            server_side.lacking, arm=self.placed(arm).model_dump()
        )
        return reason

    def content(self, arm: Arm) -> str:
        """Hash of what a build of it would be made of, there and now."""
        digest: str = self._server().call(server_side.content_of, arm=self.placed(arm).model_dump())
        return digest

    def build(self, arm: Arm, log: Path, *, cpus: str) -> BuildRecord:
        """Build it there unless that was done; its log comes to a file of ours.

        Raises:
            BuildError: a command failed.
        """
        told = self._server().call(
            server_side.build_server,
            within_s=_BUILD_S,
            arm=self.placed(arm).model_dump(),
            cpus=cpus,
        )
        log.parent.mkdir(parents=True, exist_ok=True)
        log.write_bytes(told["log"])
        return BuildRecord.model_validate(told["record"])

    def _bring(self, arm: Arm) -> str:
        root, folder, files = _sources(arm)
        size = sum(path.stat().st_size for path in files)
        if size > _MOST_BYTES:
            raise BuildError(
                f"the sources of {arm.name} are {format_bytes(size)}: too much to bring to "
                f"the server's machine, at most {format_bytes(_MOST_BYTES)}",
                advice="what builds make is left out; is there data among the sources?",
            )
        below = str(folder.relative_to(root))
        data = _packed(root, below, files)
        digest, machine = hashlib.sha256(data).hexdigest(), self._server()
        if not machine.call(server_side.has_sources, digest=digest):
            machine.call(server_side.put_sources, within_s=_SEND_S, digest=digest, data=data)
        place: str = machine.call(server_side.place_of, digest=digest, below=below)
        return place


def _sources(arm: Arm) -> tuple[Path, Path, list[Path]]:
    """The folder that holds them all, the server's folder in it, and its files.

    The folder of `bench try` is the user's own and has no server.yaml: what git would track goes,
    and the programs that the command names, which are built and thus left out by git.
    """
    folder = Path(arm.folder).resolve()
    root = (folder / arm.config.source).resolve()
    if not (folder / "server.yaml").exists():
        named = {folder / word for word in arm.config.run if _below(folder, word)}
        return folder, folder, _plain({*repository_files(folder), *named})
    if root == folder or not folder.is_relative_to(root):
        return folder, folder, _plain(sources(folder))
    return root, folder, _plain({*repository_files(root), *sources(folder)})


def _below(folder: Path, word: str) -> bool:
    """Whether a word of a command names a file in the folder."""
    return (folder / word).is_file() and (folder / word).resolve().is_relative_to(folder)


def _plain(files: Iterable[Path]) -> list[Path]:
    return sorted(p for p in files if p.name != "server.yaml" and not p.is_symlink())


def _packed(root: Path, below: str, files: Sequence[Path]) -> bytes:
    """The sources of a server as one archive, the same bytes each time."""
    with io.BytesIO() as buffer:
        with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as archive:
            top = tarfile.TarInfo(below)
            top.type, top.mode = tarfile.DIRTYPE, 0o700
            archive.addfile(top)
            for path in files:
                entry = tarfile.TarInfo(str(path.relative_to(root)))
                data = path.read_bytes()
                entry.size, entry.mode = len(data), path.stat().st_mode & 0o777 | 0o600
                archive.addfile(entry, io.BytesIO(data))
        return buffer.getvalue()
