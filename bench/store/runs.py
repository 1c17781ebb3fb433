"""Finds the runs of a project by path, by name, and by when they began."""

from __future__ import annotations

import errno
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

import orjson

from bench.errors import UsageError, did_you_mean
from bench.store.run_directory import RunDirectory

if TYPE_CHECKING:
    from collections.abc import Iterable

_NO_NAME: Final = (errno.ENAMETOOLONG, errno.EINVAL)
_SHOWN_MAX: Final = 100
_OLDEST: Final = datetime.min.replace(tzinfo=UTC)


def find_run(name: str, reports: Path) -> RunDirectory:
    """The run of that path, name in reports/, or `latest`: the one that began last.

    Raises:
        UsageError: there is no such run; the message names the nearest.
    """
    if name == "latest":
        runs = list_runs(reports)
        if not runs:
            raise UsageError(f"no run in {reports} yet", advice="`bench run quick` makes one")
        return runs[-1]
    for path in (Path(name), reports / name):
        try:
            found = _found_at(path)
        except OSError as error:
            if error.errno in _NO_NAME:
                continue
            raise UsageError(
                f"{path} cannot be read: {error.strerror or error}",
                advice="see whose it is: `ls -ld` shows owner and rights",
            ) from None
        if found:
            return found
    shown = name if len(name) <= _SHOWN_MAX else name[:_SHOWN_MAX] + "..."
    names = [run.path.name for run in list_runs(reports)]
    raise UsageError(
        f"no run {shown!r}: neither a run directory nor a name in {reports}",
        advice=did_you_mean(name, names, "`bench list runs` shows what is there", cutoff=0.4),
    )


def _found_at(path: Path) -> RunDirectory | None:
    if (path / "run.json").is_file():
        return RunDirectory(path)
    if (path / "profiles").is_dir() or (path / "conversion.json").is_file():
        raise UsageError(
            f"{path.name} is a profile, not a run",
            advice=f"`bench profile --from {path}` renders it again; "
            "`bench profile --into RUN` makes one that is part of a run",
        )
    return None


def list_runs(reports: Path) -> list[RunDirectory]:
    """All run directories that can be looked into, in the order in which they began.

    Raises:
        UsageError: `reports` itself cannot be read.
    """
    return [RunDirectory(path) for path in by_start(_looked_into(reports)[0])]


def closed_folders(reports: Path) -> dict[Path, str]:
    """Folders that cannot be looked into, such as another user's runs, each with the reason.

    Raises:
        UsageError: `reports` itself cannot be read.
    """
    return _looked_into(reports)[1]


def _looked_into(reports: Path) -> tuple[list[Path], dict[Path, str]]:
    runs: list[Path] = []
    closed: dict[Path, str] = {}
    try:
        paths = sorted(reports.iterdir()) if reports.is_dir() else []
    except OSError as error:
        raise UsageError(f"{reports} cannot be read: {error.strerror or error}") from None
    for path in paths:
        try:
            if (path / "run.json").is_file():
                runs.append(path)
        except OSError as error:
            closed[path] = error.strerror or str(error)
    return runs, closed


def by_start(paths: Iterable[Path]) -> list[Path]:
    """Folders of runs and bisects, the one that began last at the end.

    Names say nothing: a user may call a run `main-run`. One that does not say when it began
    comes first, so that it is never taken for the newest.
    """
    return sorted(paths, key=lambda path: (_began(path), path.name))


def _began(path: Path) -> datetime:
    try:
        if not (path / "run.json").is_file():  # a bisect, whose file is written when it begins
            return datetime.fromtimestamp((path / "bisect.json").stat().st_mtime, UTC)
        began = datetime.fromisoformat(orjson.loads((path / "run.json").read_bytes())["started"])
    except (OSError, ValueError, TypeError, KeyError):
        return _OLDEST
    return began if began.tzinfo else began.replace(tzinfo=UTC)
