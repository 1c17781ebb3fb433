"""Columns of a table stand below each other on a terminal, whatever is written in it."""

from __future__ import annotations

import pytest
from tabulate import tabulate

from bench.reports.grid import columns_of, grid


@pytest.mark.parametrize(
    ("text", "columns"),
    [
        ("plain", 5),
        ("漢字", 4),
        ("ﾊﾝｶｸ", 4),
        ("go 🚀", 5),
        ("e\u0301", 1),
        ("👩\u200d💻", 2),
        ("❤\ufe0f", 2),
        ("\u200b", 0),
    ],
)
def test_columns_of_a_terminal(text: str, columns: int) -> None:
    """Two for what is wide, none for what is put on another character."""
    assert columns_of(text) == columns


def test_wide_names_move_nothing() -> None:
    """The second column begins and the third ends at the same place in every line."""
    rows = [("고속 서버", "1", "a"), ("🚀🚀", "22,222", "bb"), ("plain", "333", "c")]
    lines = grid(["Server", "Rate", "Note"], rows, [False, True, False]).splitlines()

    ends = {columns_of(line.rsplit("  ", 1)[0]) for line in lines if line.strip()}
    assert len(ends) == 1


def test_narrow_tables_look_as_before() -> None:
    """The form is that of tabulate's `simple`, which others may parse."""
    head, rows = ["server", "rate"], [("axum", "45,000"), ("a-long-name", "5")]
    align = ("left", "right")

    assert grid(head, rows, [False, True]) == tabulate(
        rows, head, tablefmt="simple", colalign=align, disable_numparse=True
    )
    assert grid(head, [], [False, True]).splitlines()[1] == "--------  ------"


def test_titles_take_several_lines_where_cells_need_less_room() -> None:
    """Words stay whole, and all columns stand below each other."""
    shown = grid(["Server", "Rate against baseline"], [["a", "0.5x"]], [False, True], narrow=True)

    assert shown.splitlines() == [
        "Server      Rate",
        "         against",
        "        baseline",
        "------  --------",
        "a           0.5x",
    ]
