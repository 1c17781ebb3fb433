"""No trial refutes what a sentence claims: means are called means, and what is left out is."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from bench.model.finding import finding
from bench.reports.blocks import Bullets, plain
from bench.reports.view import make_view
from bench.reports.wording.findings import text_of
from bench.reports.wording.implications import implications
from bench.reports.wording.key_findings import key_findings
from bench.reports.wording.limiting import limiting
from tests.analysis.test_cost_verdicts import planted
from tests.factories import Truth, run_data, run_view
from tests.reports import samples

if TYPE_CHECKING:
    from bench.model.finding import Finding
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


def _with(run: RunView, *found: Finding, floor: float | None = None) -> RunView:
    """The run with these findings, and with this noise floor."""
    more = {"findings": (*run.summary.findings, *found), "noise_floor": floor}
    return run.model_copy(update={"summary": run.summary.model_copy(update=more)})


class TestLimits:
    """What limits the figures most is named first, and a noise floor with what it is one of."""

    def test_a_noise_floor_has_its_metric_and_its_rate(self) -> None:
        """Of CPU per request in duets at 12,000 requests/s it says nothing of rates."""
        told = {"metric": "requests_per_cpu_second", "rate_rps": 12_000.0, "workload": "json-small"}
        of = finding(
            "noise-floor", "run", "most", may_differ=0.042, server="axum", comparisons=8, **told
        )
        found = _said(_with(samples.two_servers(), of, floor=0.042))

        assert (
            "Noise floor 4.2%: what two copies of one server may differ by in CPU per request at "
            "12,000 requests/s each (Json small); of other figures it says nothing. Of the others "
            "no copy was measured."
        ) in found
        assert text_of(of) == (
            "two copies of axum may differ by up to 4.2 % in CPU per request at 12,000 requests/s "
            "each (far end of the 95 % interval of their ratio, the most of 8 comparisons)"
        )

    def test_copies_of_blocks_give_the_floor_of_rates(self) -> None:
        """There the rates themselves are compared, saturated."""
        run = run_view(run_data({"axum": Truth(), "again": Truth(server="axum")}))
        (floor,) = (text for text in _said(run) if text.startswith("Noise floor"))

        assert " may differ by in requests/sec, saturated (Json small); of other " in floor
        assert "no copy was measured" not in floor

    def test_the_most_first(self) -> None:
        """Slow cores concern every figure, late sending and Little some."""
        slow = finding("unsteady-cpu", "host", "run", slow=9, trials=10, longer=0.17, most=0.4)
        run = _with(samples.two_servers(), slow)
        first = run.summary.cells[0]
        none = first.metrics.model_copy(update={"p99_us": None})
        seen = {"findings": ("pacer-late", "little"), "metrics": none}
        cells = (first.model_copy(update=seen), *run.summary.cells[1:])
        summary = run.summary.model_copy(update={"cells": cells})
        found = limiting(make_view(run.model_copy(update={"summary": summary})))

        assert [str(text).split(":")[0] for text in found] == [
            "Slow cores",
            "p99 is not compared of trials in which the load tool sent late",
            "Rate x mean latency is not the connections that were open (Little)",
        ]
        assert "in 9 of 10 trials one fixed computation took 17 % longer" in found[0]

    def test_the_table_of_costs_has_the_rate_of_its_floor(self) -> None:
        """No cost stands without its load, nor does what its copies differ by."""
        page = samples.text(run_view(planted()))

        assert re.search(r"\| 5 \| \d[.\d]* % at 1,234/s \| costs more \|", page)
