"""Coverage data of a process that was killed while it wrote: set aside, and told, not a crash.

Tests kill `bench` at any moment. coverage writes without a journal, so such a file can be torn,
and combining it with the others would end the whole run with an error of the database.
"""

from __future__ import annotations

import sqlite3
import sys
from contextlib import closing, suppress
from pathlib import Path

BROKEN = ".broken"


def is_whole(path: Path) -> bool:
    """Whether the database can be read from its first to its last page."""
    try:
        with closing(sqlite3.connect(path)) as data:
            said = data.execute("PRAGMA integrity_check").fetchall()
            return said == [("ok",)] and data.execute("SELECT count(*) FROM meta").fetchone()[0] > 0
    except sqlite3.Error:
        return False


def set_aside(data_file: Path) -> list[Path]:
    """Rename what is broken of a data file and of those beside it that are to be combined.

    One that is gone by then was set aside or removed by somebody else.
    """
    found = [data_file, *data_file.parent.glob(f"{data_file.name}.*")]
    bad = [one for one in found if one.is_file() and one.suffix != BROKEN and not is_whole(one)]
    moved = []
    for one in bad:
        with suppress(FileNotFoundError):
            moved.append(one.rename(f"{one}{BROKEN}"))
    return moved


def main() -> None:
    """Set aside what is broken beside each data file named on the command line."""
    for name in sys.argv[1:]:
        set_aside(Path(name))


if __name__ == "__main__":
    main()
