"""The verdict table."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.stats.intervals import Estimate
from bench.stats.rounds import width_factor
from bench.stats.verdict import VerdictWord, verdict

MARGIN = 0.02


def _ratio(low: float, high: float, n: int = 5) -> Estimate:
    half = math.log(high / low) / 2
    return Estimate(math.sqrt(low * high), low, high, n, half / width_factor(n), 0.01)


@pytest.mark.parametrize(
    ("low", "high", "p", "call", "beyond"),
    [
        (1.05, 1.11, 0.01, VerdictWord.HIGHER, True),
        (0.90, 0.95, 0.01, VerdictWord.LOWER, True),
        (0.99, 1.01, 0.80, VerdictWord.EQUIVALENT, False),
        (1.005, 1.015, 0.01, VerdictWord.EQUIVALENT, False),
        (1 / 1.02, 1.02, 0.80, VerdictWord.EQUIVALENT, False),
        (1.01, 1.05, 0.01, VerdictWord.HIGHER_MAYBE_WITHIN, False),
        (0.95, 0.99, 0.01, VerdictWord.LOWER_MAYBE_WITHIN, False),
        (1.06, 1.34, 0.08, VerdictWord.PROBABLY_HIGHER, True),
        (1.01, 1.34, 0.08, VerdictWord.PROBABLY_HIGHER, False),
        (0.70, 0.94, 0.08, VerdictWord.PROBABLY_LOWER, True),
        (0.97, 1.05, 0.40, VerdictWord.UNRESOLVED, False),
        (0.97, 1.00, 0.05, VerdictWord.UNRESOLVED, False),
    ],
)
def test_each_row_of_the_table(
    low: float, high: float, p: float, call: VerdictWord, *, beyond: bool
) -> None:
    """Interval against 1 and against the margin, with the corrected p, decide."""
    judged = verdict(_ratio(low, high), p, MARGIN, 4)

    assert (judged.call, judged.beyond_margin) == (call, beyond)


@pytest.mark.parametrize("p", [None, 0.01])
def test_no_interval_is_too_few_rounds(p: float | None) -> None:
    """Without an interval nothing is called."""
    judged = verdict(Estimate(1.5, None, None, 2, 0.1, None), p, MARGIN)

    assert judged == (VerdictWord.TOO_FEW, False, None)


@given(st.floats(0.3, 3), st.floats(0.0001, 0.5), st.floats(0, 1))
def test_the_reciprocal_gets_the_mirrored_call(value: float, half: float, p: float) -> None:
    """B/A is called lower exactly where A/B is called higher."""
    there = verdict(_ratio(value * math.exp(-half), value * math.exp(half)), p, MARGIN)
    back = verdict(_ratio(math.exp(-half) / value, math.exp(half) / value), p, MARGIN)
    mirrored = {
        VerdictWord.HIGHER: VerdictWord.LOWER,
        VerdictWord.HIGHER_MAYBE_WITHIN: VerdictWord.LOWER_MAYBE_WITHIN,
        VerdictWord.PROBABLY_HIGHER: VerdictWord.PROBABLY_LOWER,
    }
    both = mirrored | {b: a for a, b in mirrored.items()}

    assert back.call == both.get(there.call, there.call)
    assert back.beyond_margin == there.beyond_margin


@given(st.floats(0.5, 2), st.floats(0.001, 0.5), st.integers(3, 20))
def test_rounds_to_go_are_named_only_for_open_questions(value: float, half: float, n: int) -> None:
    """An undecided ratio names at least one more round or says that it is hopeless."""
    judged = verdict(_ratio(value * math.exp(-half), value * math.exp(half), n), 0.01, MARGIN)

    if judged.call is VerdictWord.UNRESOLVED:
        assert judged.more_rounds is None or judged.more_rounds >= 1
    else:
        assert judged.more_rounds is None


def test_rounds_to_go_resolve_the_margin() -> None:
    """With that many more rounds the typical half-width is at the margin."""
    ratio = _ratio(0.93, 1.07)
    judged = verdict(ratio, 0.9, MARGIN)

    assert judged.more_rounds is not None
    assert ratio.sd is not None
    assert width_factor(5 + judged.more_rounds) * ratio.sd <= math.log(1.02)


def test_rounds_to_go_for_a_small_effect_aim_at_a_decision() -> None:
    """[0.995, 1.024] is narrower than the margin and still undecided: more rounds are named."""
    judged = verdict(_ratio(0.995, 1.024), 0.2, MARGIN)

    assert judged.call is VerdictWord.UNRESOLVED
    assert judged.more_rounds is not None
    assert judged.more_rounds >= 1


def test_more_comparisons_need_more_rounds_to_confirm() -> None:
    """What one comparison would show takes longer among ten."""
    among_2 = verdict(_ratio(1.01, 1.40), 0.06, MARGIN, 2).more_rounds
    among_10 = verdict(_ratio(1.01, 1.40), 0.30, MARGIN, 10).more_rounds

    assert among_2 is not None
    assert among_10 is not None
    assert among_10 > among_2


def test_hopeless_noise_names_no_number() -> None:
    """More than a hundred rounds are not proposed."""
    assert verdict(_ratio(0.3, 3.0), 0.9, MARGIN).more_rounds is None
