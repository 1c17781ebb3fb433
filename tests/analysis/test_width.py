"""Precision of the rounds so far, and expected width of planned ones."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import pytest

from bench.analysis import Precision, analyze, expected_width, precision
from tests.factories import Truth, host, open_profile, run_data, with_status

if TYPE_CHECKING:
    from bench.analysis import RunData
    from bench.model.summary import Summary

QUIET = {"a": Truth(noise=0.001), "b": Truth(rps=30_000, noise=0.001)}
NOISY = {"a": Truth(noise=0.1), "b": Truth(noise=0.1)}


def _judge(data: RunData, wanted: float | None = 0.02, max_rounds: int = 12) -> Precision:
    plan = data.plan.model_copy(update={"precision": wanted, "max_rounds": max_rounds})
    return precision(plan, data.trials)


def test_without_a_wanted_precision_nothing_is_to_be_done() -> None:
    """The rounds of the plan are enough; the width is told all the same."""
    found = _judge(run_data(NOISY), wanted=None)

    assert found.reached
    assert found.more_rounds == 0
    assert found.widest is not None


def test_quiet_rounds_are_enough() -> None:
    """The half-width is the verdict's."""
    data = run_data(QUIET)
    found = _judge(data)
    (row,) = [r for r in analyze(data)[0].comparisons if r.metric == "throughput_rps"]
    assert row.verdict.low is not None
    assert row.verdict.high is not None

    assert found.reached
    assert found.cell == "b.json-small.wrk-c50"
    assert found.widest == pytest.approx(math.sqrt(row.verdict.high / row.verdict.low) - 1)


def test_noisy_rounds_need_more() -> None:
    """As many as the spread asks for, at most as many as are allowed."""
    found = _judge(run_data(NOISY))

    assert not found.reached
    assert found.more_rounds == 7
    assert found.widest is not None
    assert found.widest > 0.02


def test_a_moderate_spread_names_a_number_in_between() -> None:
    """2 % trial noise needs about 11 rounds for 2 %, not 100."""
    found = _judge(run_data({"a": Truth(noise=0.02), "b": Truth(noise=0.02)}), max_rounds=100)

    assert not found.reached
    assert 1 <= found.more_rounds <= 20


def test_a_clear_difference_does_not_stop_it() -> None:
    """Significance is no reason to stop: 10 x faster and still too wide goes on."""
    data = run_data({"a": Truth(noise=0.1), "b": Truth(rps=6e5, noise=0.1)})

    assert not _judge(data).reached


def test_the_number_of_rounds_ends_it() -> None:
    """max_rounds is the end, reached or not; rounds that left no record count."""
    data = run_data(NOISY)
    last = data.plan.trials[-1].model_copy(update={"round": 12})
    update = {"rounds": 12, "precision": 0.02, "trials": (*data.plan.trials, last)}
    later = data.plan.model_copy(update=update)

    assert _judge(data, max_rounds=5).reached
    assert precision(later, data.trials).reached


def test_three_narrow_rounds_are_not_enough() -> None:
    """Stopping by width from three on would cost coverage: five are the least."""
    found = _judge(run_data(QUIET, rounds=3))

    assert not found.reached
    assert found.more_rounds == 2


def test_before_there_is_an_interval_nothing_is_reached() -> None:
    """Two rounds have no width."""
    found = _judge(run_data(QUIET, rounds=2))

    assert not found.reached
    assert (found.widest, found.cell) == (None, "")
    assert found.more_rounds == 3


def test_a_cell_that_failed_does_not_hold_up_the_others() -> None:
    """No number of rounds mends it."""
    edit = with_status("failed", "server-died", where=lambda t: t.server == "c")

    assert _judge(run_data({**QUIET, "c": Truth()}, edit=edit)).reached


def test_nothing_usable_ends_it() -> None:
    """All failed: more rounds would fail too."""
    edit = with_status("failed", "server-died", where=lambda _: True)

    assert _judge(run_data(QUIET, edit=edit)) == (True, None, "", 0, ())


@pytest.mark.parametrize("noise", [0.001, 0.1])
def test_a_single_server_counts_by_itself(noise: float) -> None:
    """Nothing to compare with: its own interval decides, session drift included."""
    data = run_data({"a": Truth(noise=noise)}, block_noise=0.0)

    assert _judge(data).reached == (noise < 0.01)


def test_only_open_loops_count_by_p50() -> None:
    """Their rate is offered, and always precise."""
    assert not _judge(run_data(NOISY, profiles=[open_profile()])).reached
    assert _judge(run_data(QUIET, profiles=[open_profile()])).reached


def test_the_ceiling_does_not_count() -> None:
    """It is no candidate."""
    assert _judge(run_data({**QUIET, "ceiling": Truth(noise=0.3)})).reached


class TestExpected:
    @staticmethod
    def _earlier(**truth: Truth) -> Summary:
        return analyze(run_data(truth, rounds=10))[0]

    def test_the_width_follows_the_spread_seen(self) -> None:
        """1 % trial noise: sd 1.4 % of the ratio, about 1.75 % half-width at five rounds."""
        one = self._earlier(a=Truth(), b=Truth(), c=Truth(), d=Truth())
        found = expected_width([one, one], fingerprint=host().fingerprint, rounds=5)

        assert found is not None
        assert found.sd == pytest.approx(0.0141, rel=0.35)
        assert found.half_width == pytest.approx(1.24 * found.sd, rel=0.02)
        assert found.runs == 2

    def test_more_rounds_are_narrower(self) -> None:
        """That is what the plan shows."""
        one = self._earlier(a=Truth(), b=Truth())
        wide, narrow = (
            expected_width([one], fingerprint=host().fingerprint, rounds=n) for n in (5, 12)
        )

        assert wide is not None
        assert narrow is not None
        assert narrow.half_width < wide.half_width

    def test_other_hosts_do_not_count(self) -> None:
        """Their noise is theirs."""
        one = self._earlier(a=Truth(), b=Truth())

        assert expected_width([one], fingerprint="else", rounds=5) is None

    def test_two_rounds_have_no_width(self) -> None:
        """Neither planned nor seen."""
        one = self._earlier(a=Truth(), b=Truth())
        short, _ = analyze(run_data({"a": Truth(), "b": Truth()}, rounds=2))

        assert expected_width([one], fingerprint=host().fingerprint, rounds=2) is None
        assert expected_width([short], fingerprint=host().fingerprint, rounds=5) is None
        assert expected_width([], fingerprint=host().fingerprint, rounds=5) is None

    def test_failed_servers_do_not_count(self) -> None:
        """A row without an interval has no spread."""
        edit = with_status("failed", "server-died", where=lambda t: t.server == "b")
        one, _ = analyze(run_data({"a": Truth(), "b": Truth()}, edit=edit))

        assert expected_width([one], fingerprint=host().fingerprint, rounds=5) is None
