"""The folder of a bisect: what was asked, the finished measurements, and their runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pydantic import ValidationError

from bench.errors import UsageError
from bench.model.bisect import BisectAsked, BisectLook
from bench.store.run_directory import RunDirectory, write_atomic
from bench.store.runs import by_start

if TYPE_CHECKING:
    from pathlib import Path

_ASKED: Final = "bisect.json"
_LOOKS: Final = "looks.jsonl"


class BisectFolder:
    """One bisect on disk."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.runs = path / "runs"

    @classmethod
    def create(cls, reports: Path, name: str, asked: BisectAsked) -> BisectFolder:
        """Make a new folder.

        Raises:
            StoreError: disk full, no permission.
        """
        made = cls(RunDirectory.create(reports, name).path)
        write_atomic(made.path / _ASKED, asked.model_dump_json(indent=2).encode() + b"\n")
        return made

    @classmethod
    def find(cls, name: str, reports: Path) -> BisectFolder:
        """The bisect of that path, name in reports/, or `latest`.

        Raises:
            UsageError: there is none.
        """
        known = [each.path for each in list_bisects(reports)]
        if name == "latest" and known:
            return cls(known[-1])
        for path in (reports / name, reports.parent / name):
            if name != "latest" and (path / _ASKED).is_file():
                return cls(path)
        raise UsageError(
            f"there is no bisect {name!r} in {reports}",
            advice=f"the newest is {known[-1].name}" if known else "start one: bench bisect --help",
        )

    def asked(self) -> BisectAsked:
        """What it was started with.

        Raises:
            UsageError: the file is damaged.
        """
        try:
            return BisectAsked.model_validate_json((self.path / _ASKED).read_bytes())
        except (OSError, ValidationError) as error:
            raise UsageError(
                f"{self.path / _ASKED} cannot be read: {error}", advice="start a new bisect"
            ) from None

    def looks(self) -> list[BisectLook]:
        """The finished measurements in order.

        Raises:
            UsageError: a line is damaged.
        """
        path = self.path / _LOOKS
        lines = path.read_bytes().splitlines() if path.exists() else []
        try:
            return [BisectLook.model_validate_json(line) for line in lines]
        except ValidationError as error:
            raise UsageError(
                f"{path} cannot be read: {error.errors()[0]['msg']}", advice="start a new bisect"
            ) from None

    def add(self, look: BisectLook) -> None:
        """Keep a finished measurement.

        Raises:
            StoreError: disk full, no permission.
        """
        lines = [each.model_dump_json() for each in (*self.looks(), look)]
        write_atomic(self.path / _LOOKS, "".join(f"{line}\n" for line in lines).encode())


def list_bisects(reports: Path) -> list[BisectFolder]:
    """All bisects, in the order in which they began."""
    return [BisectFolder(path) for path in by_start(p.parent for p in reports.glob(f"*/{_ASKED}"))]
