"""Of entries of generated code that overlap, the one written last counts."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from bench.profiling.perfmap import without_overlaps

ENTRIES = st.lists(
    st.tuples(st.integers(0, 200), st.integers(1, 40)).map(lambda e: f"{e[0]:x} {e[1]:x} code"),
    max_size=25,
)


def ranges(text: str) -> list[tuple[int, int]]:
    rows = [line.split(" ", 2) for line in text.splitlines()]
    return [(int(row[0], 16), int(row[0], 16) + int(row[1], 16)) for row in rows]


def test_memory_used_again_has_the_name_of_its_last_owner() -> None:
    """V8 never says that code is gone: the later line stands."""
    text = "100 40 Script:~ /app/a.js:1:1\n200 10 JS:*far\n120 10 JS:*hot /app/b.js:3:4\n"

    assert without_overlaps(text) == "120 10 JS:*hot /app/b.js:3:4\n200 10 JS:*far\n"


def test_lines_that_are_no_entries_are_left_out() -> None:
    """Empty lines, other words, no name, no size."""
    assert without_overlaps("\nnoise\nzz 10 name\n10 10\n10 0 name\n10 8 a b c\n") == "10 8 a b c\n"


@given(ENTRIES)
def test_what_is_left_never_overlaps_and_keeps_the_last_entry(lines: list[str]) -> None:
    """Sorted, disjoint, and the line written last is always among them."""
    left = without_overlaps("\n".join(lines))
    found = ranges(left)

    assert all(a[1] <= b[0] for a, b in pairwise(found))
    assert not lines or lines[-1] in left.splitlines()
