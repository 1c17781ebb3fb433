"""Costly readings keep below their share of a CPU, and are made when they are wanted."""

from __future__ import annotations

from bench.sampler.sampling import ReadingPace


def test_a_cheap_reading_comes_at_its_time() -> None:
    """The shortest time between two readings holds."""
    pace = ReadingPace(1.0, 0.01)
    pace.ran(10.0, 0.001)

    assert not pace.due(10.9)
    assert pace.due(11.0)


def test_a_costly_reading_waits_longer() -> None:
    """100 ms at 1 % of a CPU may come back after 10 s."""
    pace = ReadingPace(1.0, 0.01)
    pace.ran(10.0, 0.1)

    assert not pace.due(19.9)
    assert pace.due(20.0)


def test_hurry_keeps_to_the_cost() -> None:
    """Growing memory is looked at early, but never at any price."""
    pace = ReadingPace(1.0, 0.01)
    pace.ran(10.0, 0.005)

    pace.hurry()

    assert not pace.due(10.4)
    assert pace.due(10.5)


def test_a_wanted_reading_comes_when_it_was_asked_for() -> None:
    """A mark asks for one, so that each window has its own."""
    pace = ReadingPace(5.0, 0.01)
    pace.ran(10.0, 0.1)

    pace.want(12.0)

    assert not pace.due(11.9)
    assert pace.due(12.0)


def test_a_reading_wanted_while_another_is_made_is_not_forgotten() -> None:
    """The one under way began too early for the window that wants its own."""
    pace = ReadingPace(5.0, 0.01)

    pace.want(12.0)
    pace.ran(11.9, 0.1)

    assert pace.due(12.0)
    pace.ran(12.0, 0.1)
    assert not pace.due(12.1)
