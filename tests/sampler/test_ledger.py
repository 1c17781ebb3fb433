"""The account of a group loses no CPU time when processes come and go, and counts none twice."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from bench.sampler.ledger import Ledger, Reading

MS = 1_000_000
TICK = 10 * MS


def test_the_living_are_added_up() -> None:
    """Own clocks and reaped children of all members count."""
    total = Ledger().look([Reading(1, 0, 0, 30 * MS, 20 * MS), Reading(2, 0, 1, 5 * MS, 0)])

    assert total == 55 * MS


def test_a_child_that_was_waited_for_moves_into_its_parent() -> None:
    """Its time is in the parent's reaped figure and not counted from its own clock again."""
    ledger = Ledger()
    before = ledger.look([Reading(1, 0, 0, 0, 0), Reading(2, 0, 1, 42 * MS, 0)])

    after = ledger.look([Reading(1, 0, 0, 0, 50 * MS)])

    assert (before, after) == (42 * MS, 50 * MS)


def test_the_total_does_not_fall_by_the_rounding_to_ticks() -> None:
    """The reaped figure is floored; what was seen of the child itself stands."""
    ledger = Ledger()
    ledger.look([Reading(1, 0, 0, 0, 0), Reading(2, 0, 1, 49 * MS, 0)])

    assert ledger.look([Reading(1, 0, 0, 0, 40 * MS)]) == 49 * MS


def test_a_parent_that_ignores_sigchld_keeps_its_childrens_time() -> None:
    """The kernel adds such children nowhere: what was last seen of them counts."""
    ledger = Ledger()
    ledger.look([Reading(1, 0, 0, 0, 300 * MS), Reading(2, 0, 1, 49 * MS, 0)])

    assert ledger.look([Reading(1, 0, 0, 0, 300 * MS)]) == 349 * MS


def test_an_orphans_time_stays() -> None:
    """Somebody outside the group waits for it: what was last seen of it counts."""
    ledger = Ledger()
    ledger.look([Reading(1, 0, 0, 10 * MS, 0), Reading(9, 0, 1_000, 70 * MS, 0)])

    assert ledger.look([Reading(1, 0, 0, 10 * MS, 0)]) == 80 * MS


def test_a_whole_family_that_ends_at_once_is_kept() -> None:
    """Grandchildren fold into children, children into the root, the root into the account."""
    ledger = Ledger()
    ledger.look(
        [
            Reading(1, 0, 0, 1 * MS, 0),
            Reading(2, 0, 1, 10 * MS, 0),
            Reading(3, 0, 2, 100 * MS, 0),
        ]
    )

    assert ledger.look([]) == 111 * MS
    assert ledger.pids == ()


def test_a_pid_given_to_somebody_else_is_another_process() -> None:
    """The time of birth tells them apart, so that no time is subtracted."""
    ledger = Ledger()
    ledger.look([Reading(1, 0, 0, 0, 0), Reading(2, 100, 1, 60 * MS, 0)])

    assert ledger.look([Reading(1, 0, 0, 0, 0), Reading(2, 200, 1, 1 * MS, 0)]) == 61 * MS


def test_children_never_seen_are_in_the_parents_figure() -> None:
    """Those that lived between two looks are known only from the reaped figure."""
    ledger = Ledger()
    first = ledger.look([Reading(1, 0, 0, 5 * MS, 0)])

    assert ledger.look([Reading(1, 0, 0, 5 * MS, 230 * MS)]) - first == 230 * MS


@given(
    st.lists(
        st.tuples(st.integers(1, 4), st.integers(0, 40 * MS), st.booleans()),
        min_size=1,
        max_size=30,
    )
)
def test_the_error_stays_within_two_ticks_for_each_parent(
    steps: list[tuple[int, int, bool]],
) -> None:
    """Whatever order children work and end in, the total is true within 2 ticks."""
    ledger = Ledger()
    clocks: dict[int, int] = {}
    reaped = used = 0
    for child, work, ends in steps:
        clocks[child] = clocks.get(child, 0) + work
        used += work
        if ends:
            reaped += clocks.pop(child)
        living = [Reading(10 + pid, 0, 1, own, 0) for pid, own in clocks.items()]
        total = ledger.look([Reading(1, 0, 0, 0, reaped // TICK * TICK), *living])

        assert used - 2 * TICK < total <= used
