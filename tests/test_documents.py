"""What docs/faults.md promises is tested where it says."""

from __future__ import annotations

import re
from pathlib import Path

_TESTS = Path(__file__).parent
_DOCUMENT = _TESTS.parent / "docs" / "faults.md"


def rows() -> list[list[str]]:
    """The cells of every row of every table, without headings."""
    lines = [line for line in _DOCUMENT.read_text().splitlines() if line.startswith("| ")]
    cells = [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines]
    return [row for row in cells if row[0] != "fault"]


def test_every_fault_names_a_test_that_exists() -> None:
    """Each row has four cells, the last of which names a test or a file of tests."""
    for row in rows():
        assert len(row) == 4, row
        file, _, name = row[3].partition("::")
        text = (_TESTS / file).read_text()
        assert not name or re.search(rf"^def {name}\(", text, re.MULTILINE), row[3]


def test_there_are_enough() -> None:
    """At least 25 kinds of fault, each once."""
    faults = [row[0] for row in rows()]

    assert len(faults) >= 25
    assert len(set(faults)) == len(faults)
