"""The kept summaries of runs: one small file per run, a folder per machine."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, NamedTuple

import orjson
from pydantic import ValidationError

from bench.errors import StoreError
from bench.model.history import HistoryEntry
from bench.store.atomic import replace_file

if TYPE_CHECKING:
    from pathlib import Path

FOLDER: Final = "history"
_SAFE: Final = re.compile(r"[^\w.-]")


class UnreadableEntry(NamedTuple):
    """A file that is not an entry, and why."""

    path: Path
    reason: str


def write_entry(folder: Path, entry: HistoryEntry) -> Path:
    """Keep an entry; the same run again takes the place of its file.

    Args:
        folder: `reports/history` of the project.
        entry: what to keep.

    Raises:
        StoreError: it cannot be written.
    """
    name = f"{entry.date[:10]}-{entry.commit[:12]}-{entry.run_id[-6:]}.json"
    path = folder / _SAFE.sub("-", entry.fingerprint) / _SAFE.sub("-", name)
    try:
        replace_file(path, orjson.dumps(entry.model_dump(), option=orjson.OPT_INDENT_2) + b"\n")
    except OSError as error:
        raise StoreError(f"cannot write {path}: {error.strerror or error}") from error
    return path


def read_entries(folder: Path) -> tuple[tuple[HistoryEntry, ...], tuple[UnreadableEntry, ...]]:
    """All entries, oldest run first, and the files that cannot be read as one."""
    entries, unreadable = [], []
    for path in sorted(folder.glob("*/*.json")):
        try:
            entries.append(HistoryEntry.model_validate_json(path.read_bytes()))
        except OSError as error:
            unreadable.append(UnreadableEntry(path, error.strerror or str(error)))
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(map(str, first["loc"])) or "the file"
            unreadable.append(UnreadableEntry(path, f"{where}: {first['msg']}"))
    return tuple(sorted(entries, key=lambda entry: entry.date)), tuple(unreadable)
