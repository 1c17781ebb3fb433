"""No trial refutes what a sentence claims: means are called means, and what is left out is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.reports.blocks import Bullets, plain
from bench.reports.view import make_view
from bench.reports.wording.implications import implications
from bench.reports.wording.key_findings import key_findings
from tests.factories import Truth, run_data, run_view
from tests.reports import samples

if TYPE_CHECKING:
    from bench.model.summary import RunView
    from bench.reports.blocks import Block


def _sentences(blocks: tuple[Block, ...]) -> list[str]:
    return [plain(item) for b in blocks if isinstance(b, Bullets) for item in b.items]


def _said(run: RunView) -> list[str]:
    view = make_view(run)
    return [*_sentences(key_findings(view)), *_sentences(implications(view))]


class TestMeans:
    """A mean is no threshold: trials lie on both sides of it."""

    NOISY = run_view(run_data({"axum": Truth(noise=0.4), "robyn": Truth(rps=9_000, noise=0.4)}))

    def test_rates_below_the_mean_refute_no_threshold(self) -> None:
        """Trials of the least lie below "all reached": it says that it is on average."""
        trials = [
            t.load.throughput_rps for t in self.NOISY.trials if t.server == "robyn" and t.load
        ]
        mean = self.NOISY.summary.cells[1].metrics.throughput_rps
        (rates,) = (text for text in _said(self.NOISY) if "reached" in text)

        assert mean is not None
        assert min(trials) < mean.value < max(trials)
        assert rates.startswith("Json small, on average over trials: both servers reached ")

    def test_one_trial_is_no_average(self) -> None:
        """What one trial reached it reached."""
        (rates,) = (text for text in _said(samples.one_round()) if "reached" in text)

        assert rates.startswith("Json small: both servers reached ")

    def test_memory_is_a_mean_of_peaks(self) -> None:
        """The highest trial had more: nothing is said to be "at most"."""
        found = [text for text in _said(self.NOISY) if "memory" in text.lower()]

        assert len(found) == 3
        assert all("mean over trials" in text for text in found)
        assert not any("at most" in text for text in found)
