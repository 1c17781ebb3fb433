"""Drift, steps and the plateau."""

from __future__ import annotations

import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.stats.steady import drift, plateau, shape, steps

BINS = 40


def _noise(rng: random.Random, n: int, rho: float, sd: float) -> list[float]:
    """Autocorrelated noise of standard deviation sd."""
    out = [rng.gauss(0, sd)]
    for _ in range(n - 1):
        out.append(rho * out[-1] + rng.gauss(0, sd * math.sqrt(1 - rho * rho)))
    return out


def _window(levels: list[float], noise: list[float]) -> list[float]:
    return [1000 * level * math.exp(e) for level, e in zip(levels, noise, strict=True)]


def _ramp(change: float, n: int = BINS) -> list[float]:
    return [1 + change * 1.5 * ((k + 0.5) / n - 0.5) for k in range(n)]


class TestDrift:
    def test_a_ramp_is_flagged_with_its_size(self) -> None:
        """A window that ends 10 % faster than it began is said to rise by 10 %."""
        rng = random.Random(1)
        found = drift([_window(_ramp(0.1), _noise(rng, BINS, 0.5, 0.005)) for _ in range(5)])

        assert found is not None
        assert found.flagged
        assert found.change == pytest.approx(0.105, abs=0.01)
        assert found.low < found.change < found.high
        assert found.n == 5

    def test_two_bins_are_halves(self) -> None:
        """A window of a second has two whole bins beside its ends as often as three.

        Fastify with plain text: 1.7 times as fast in the second half of every window of a run, and
        nothing was said, since thirds need three bins.
        """
        found = drift([[100.0, 170.0], [90.0, 160.0], [100.0, 165.0, 172.0], [95.0, 168.0]])

        assert found is not None
        assert found.flagged
        assert found.change == pytest.approx(0.74, abs=0.03)
        assert found.n == 4

    def test_windows_of_one_bin_are_left_out(self) -> None:
        """One bin has no halves; the others keep their thirds."""
        ramps = [_ramp(0.1 + k / 1000) for k in range(3)]

        assert drift([*ramps, [5.0]]) == drift(ramps)
        assert drift([[1.0], [2.0], [3.0]]) is None

    def test_falling_has_the_other_sign(self) -> None:
        """A slowdown is negative."""
        found = drift([_window(_ramp(-0.1 - k / 1000), [0.0] * BINS) for k in range(3)])

        assert found is not None
        assert found.flagged
        assert found.change < -0.05

    def test_below_one_percent_is_never_flagged(self) -> None:
        """A drift that is certain but tiny is no finding."""
        found = drift([_window(_ramp(0.008 + k / 1e5), [0.0] * BINS) for k in range(5)])

        assert found is not None
        assert not found.flagged

    @pytest.mark.parametrize("n", [3, 5])
    def test_false_alarms_of_two_bins_are_rare(self, n: int) -> None:
        """At most 1.6 % of flat runs, as with thirds, whether windows have two bins or three."""
        rng = random.Random(8)
        tries = 4000
        flagged = 0
        for _ in range(tries):
            sizes = [rng.choice((2, 2, 3)) for _ in range(n)]
            windows = [_window([1.0] * k, _noise(rng, k, 0.5, 0.1)) for k in sizes]
            found = drift(windows)
            flagged += bool(found and found.flagged)

        assert flagged / tries <= 0.016

    @pytest.mark.slow
    @pytest.mark.parametrize("rho", [0.0, 0.8])
    def test_false_alarms_are_rare_whatever_the_autocorrelation(self, rho: float) -> None:
        """At most 1.6 % of flat runs are flagged (1.1 % by the method, three standard errors)."""
        rng = random.Random(2)
        tries = 4000
        flagged = 0
        for _ in range(tries):
            found = drift([_window([1.0] * BINS, _noise(rng, BINS, rho, 0.02)) for _ in range(5)])
            flagged += bool(found and found.flagged)

        assert flagged / tries <= 0.016

    def test_fewer_than_three_windows_say_nothing(self) -> None:
        """Two rounds have no interval; neither have windows without a series."""
        assert drift([_ramp(0.1)] * 2) is None
        assert drift([[], [1.0, 2.0], [0.0] * 9, _ramp(0.1)]) is None


class TestSteps:
    @pytest.mark.parametrize("rho", [0.0, 0.5])
    def test_a_ten_percent_step_is_found_where_it_is(self, rho: float) -> None:
        """A step in the middle is found there with its size."""
        rng = random.Random(3)
        levels = [1.0] * 20 + [0.9] * 20
        (step,) = steps(_window(levels, _noise(rng, BINS, rho, 0.015)))

        assert step.at == pytest.approx(0.5, abs=0.06)
        assert step.change == pytest.approx(-0.1, abs=0.02)

    def test_a_dip_has_two_sides(self) -> None:
        """Two seconds 10 % slower: down and up again, hence unsteady."""
        rng = random.Random(4)
        levels = [1.0] * 16 + [0.9] * 8 + [1.0] * 16
        found = steps(_window(levels, _noise(rng, BINS, 0.3, 0.01)))

        assert [step.change < 0 for step in found] == [True, False]
        assert shape([step.change for step in found]) == "unsteady"

    def test_a_step_below_five_percent_is_not_reported(self) -> None:
        """However certain: the size matters more than the penalty."""
        assert steps(_window([1.0] * 20 + [0.96] * 20, [0.0] * 40)) == ()

    @pytest.mark.slow
    @pytest.mark.parametrize(("rho", "limit"), [(0.0, 0.005), (0.5, 0.01), (0.8, 0.04)])
    def test_false_alarms_are_rare(self, rho: float, limit: float) -> None:
        """Flat windows are rarely given a step: 0 / 0.2 / 2.4 % by the method."""
        rng = random.Random(5)
        tries = 1500
        found = sum(
            bool(steps(_window([1.0] * BINS, _noise(rng, BINS, rho, 0.02)))) for _ in range(tries)
        )

        assert found / tries <= limit

    @pytest.mark.slow
    def test_most_late_throttling_is_found(self) -> None:
        """A last quarter 6 % slower is found in most windows (81 % by the method at rho 0.5)."""
        rng = random.Random(6)
        levels = [1.0] * 30 + [0.94] * 10
        found = sum(bool(steps(_window(levels, _noise(rng, BINS, 0.5, 0.02)))) for _ in range(500))

        assert found / 500 >= 0.75

    @given(st.lists(st.floats(0, 1e6), max_size=30))
    def test_any_series_is_answered(self, series: list[float]) -> None:
        """No series is an error; steps come in order and lie inside the window."""
        found = steps(series)

        assert [step.at for step in found] == sorted(step.at for step in found)
        assert all(0 < step.at < 1 and abs(step.change) > 0.05 for step in found)

    def test_a_flat_series_without_noise_has_no_step(self) -> None:
        """Nothing varies, nothing is found."""
        assert steps([500.0] * 40) == ()

    def test_a_minute_is_judged_as_a_whole(self) -> None:
        """240 bins are coalesced; the step stays where it was."""
        rng = random.Random(7)
        levels = [1.0] * 120 + [1.2] * 120
        (step,) = steps(_window(levels, _noise(rng, 240, 0.5, 0.02)))

        assert step.at == pytest.approx(0.5, abs=0.03)

    @pytest.mark.parametrize(
        ("changes", "name"),
        [
            ([], "flat"),
            ([0.1, 0.2], "warm-up"),
            ([-0.1], "slowdown"),
            ([0.1, -0.1], "unsteady"),
        ],
    )
    def test_shapes_have_the_words_of_the_literature(self, changes: list[float], name: str) -> None:
        """Up is warm-up, down is slowdown, both is unsteady."""
        assert shape(changes) == name


class TestPlateau:
    def test_time_to_98_percent(self) -> None:
        """An exponential rise with time constant 0.5 s is within 2 % after about 2 s."""
        warmup = [1000 * (1 - math.exp(-(k + 0.5) * 0.25 / 0.5)) for k in range(16)]

        assert plateau(warmup, [1000.0] * 40, 0.25) == pytest.approx(1.75, abs=0.25)

    def test_a_server_that_is_fast_at_once_takes_no_time(self) -> None:
        """The first bin already is on the plateau."""
        assert plateau([1000.0] * 8, [1000.0] * 40, 0.25) == 0.0

    def test_a_single_fast_bin_is_no_plateau(self) -> None:
        """A second on average is needed, not one bin."""
        assert plateau([1200.0, *[500.0] * 5, *[1000.0] * 8], [1000.0] * 40, 0.25) > 1.0  # type: ignore[operator] # the test gives what the type would not

    def test_a_fast_end_is_no_plateau(self) -> None:
        """The last bins are judged by a whole second too, not by fewer and fewer of them."""
        slow = [1.0] * 7

        assert plateau([*slow, 100.0], [100.0] * 8, 0.25) is None
        assert plateau([*slow, *[100.0] * 3], [100.0] * 8, 0.25) is None
        assert plateau([*slow, *[100.0] * 4], [100.0] * 8, 0.25) == pytest.approx(1.75)

    def test_a_warm_up_below_a_second_is_judged_as_a_whole(self) -> None:
        """Two bins at the level are, a slow one and a fast one are not."""
        assert plateau([100.0] * 2, [100.0] * 8, 0.25) == 0.0
        assert plateau([1.0, 100.0], [100.0] * 8, 0.25) is None

    @pytest.mark.parametrize(
        ("warmup", "window"),
        [([500.0] * 8, [1000.0] * 40), ([], [1000.0]), ([1.0], []), ([1.0], [0.0])],
    )
    def test_never_reached_or_not_measured_is_none(
        self, warmup: list[float], window: list[float]
    ) -> None:
        """A warm-up that ends too low, or no series at all, has no time."""
        assert plateau(warmup, window, 0.25) is None
