"""No trial refutes what a sentence claims: means are called means, and what is left out is."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from bench.analysis import analyze
from bench.model.finding import finding
from bench.reports.blocks import Bullets, plain
from bench.reports.figures import make_charts
from bench.reports.view import make_view
from bench.reports.wording.findings import text_of
from bench.reports.wording.implications import implications
from bench.reports.wording.key_findings import key_findings
from bench.reports.wording.limiting import limiting
from bench.stats.histogram import Histogram
from tests.analysis.test_cost_verdicts import cost_data
from tests.factories import Truth, run_data, run_view
from tests.reports import samples

if TYPE_CHECKING:
    from bench.model.finding import Finding
    from bench.model.summary import RunView
    from bench.model.trial_record import TrialRecord
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


class TestTails:
    """Where a tail begins is counted, and has no more digits than tell it from 100."""

    @pytest.mark.parametrize(
        ("share", "expected"),
        [(91.6, "p91.6"), (83.55, "p83.5"), (99.05, "p99.05"), (99.96, "p99.960"), (None, "")],
    )
    def test_as_many_digits_as_needed(self, share: float | None, expected: str) -> None:
        """Not the next step of a grid."""
        run = samples.two_servers()
        first = run.details[0].model_copy(update={"tail": share})
        said = _said(run.model_copy(update={"details": (first, *run.details[1:])}))
        (found,) = (text for text in said if text.startswith("Axum") and "on average, " in text)

        assert found.endswith(f" begins at {expected}." if expected else "their median.")

    def test_it_is_the_share_below_twice_the_median(self) -> None:
        """Of 100 requests 93 took less than twice 100 us."""
        counts = Histogram.of({100: 60, 199: 33, 200: 6, 900: 1})
        data = run_data({"axum": Truth()}, rounds=1)._replace(histogram=lambda _: counts)
        (detail,) = analyze(data)[1]

        assert detail.tail == pytest.approx(93.0)


def _late(*marked: tuple[str, int]) -> RunView:
    """Both loops; the load tool sent one of a hundred late in these trials (server, round)."""

    def edit(trial: TrialRecord) -> TrialRecord:
        if trial.profile == "wrk-c50" or (trial.server, trial.round) not in marked:
            return trial
        found = finding("pacer-late", trial.trial, "tail", p50_us=0.0, p99_us=90.0, tail_us=800.0)
        return trial.model_copy(update={"findings": (found,)})

    servers = {"axum": Truth(), "spikard": samples.PYTHON, "robyn": Truth(open_us=600)}
    return run_view(run_data(servers, profiles=samples.BOTH_LOOPS, rounds=4, edit=edit))


class TestLate:
    """A tail that the load tool made is ranked nowhere; the median that it spares is."""

    ALL = tuple(("axum", number) for number in range(1, 5))
    RUN = _late(*ALL, ("robyn", 2))

    def test_no_sentence_ranks_a_tail_that_is_not_compared(self) -> None:
        """Neither 99 of 100 responses nor times of the median, and it is said why."""
        said = [text for text in _said(self.RUN) if "open loop" in text]
        start = "Json small, open loop at 2,000 requests/s: "

        assert not [t for t in said if "their median" in t and not t.startswith("Spikard")]
        assert [t for t in said if "99 of 100" in t] == [
            f"{start}99 of 100 responses came from Spikard (Python) within 2.05 ms."
        ]
        assert any(t.startswith(f"{start}half of all responses came from Axum") for t in said)
        assert (
            f"{start}no p99 is given of Axum (Rust) and Robyn (Rust), since the load tool sent "
            "late in 5 of 12 trials."
        ) in said

    def test_p50_is_said_where_p99_would_be(self) -> None:
        """At the top, in the table, in the findings and in the conclusion."""
        page = samples.text(self.RUN)

        assert "p50 at equal rate: 2 of 2 comparisons decided (2 higher, 1.5" in page
        assert "| p50 of a trial, at equal rate | p50 against baseline | Verdict |" in page
        assert page.count("; p50 higher |") == 2
        assert "Robyn (Rust) has a higher p50: 1.5" in page
        assert "against Axum (Rust): higher p50: Spikard (Python) (2.2" in page
        assert "p99 against baseline" not in page
        assert " No p99 can be compared: the load tool sent late in 5 trials." in page

    def test_figures_of_late_trials_are_marked_and_have_no_ratio(self) -> None:
        """Average, slowest, and every percentile above the median."""
        page = samples.text(self.RUN)
        opened = page[page.index("### Json small, open loop") :]
        table = {
            line.split(" | ")[0].strip("|* "): line.strip("| ").split(" | ")[1:]
            for line in opened[: opened.index("## Key Findings")].splitlines()
            if line.startswith("| **")
        }
        for label in ("Average Latency", "Slowest", "Response time, p99 of all requests"):
            axum, spikard, first, robyn, second = table[label]
            assert axum.endswith(" ms \u2020"), label
            assert robyn.endswith(" ms \u2020"), label
            assert not spikard.endswith("\u2020"), label
            assert (first, second) == ("-", "-"), label
        assert "\u2020" not in "".join(table["Response time, p50 of all requests"])
        assert table["p99 of a trial"][3].endswith(" ms (n = 3)")

    def test_the_chart_draws_no_late_trial(self) -> None:
        """No line of a server without another trial."""
        charts = {chart.name: chart for chart in make_charts(make_view(self.RUN)).all}
        drawn = {each["server"] for each in charts["latency"].panels[0].spec["data"]["values"]}

        assert drawn == {"Spikard (Python)", "Robyn (Rust)"}
        assert charts["latency"].title.endswith(", without trials in which the load tool sent late")
        assert "Axum (Rust): p50 0.40 ms and no line, as there is no other trial." in (
            charts["latency"].alt
        )

    def test_a_p99_that_is_compared_stays(self) -> None:
        """One late trial of four leaves three pairs, which have an interval."""
        page = samples.text(_late(("axum", 1)))

        assert "p99 at equal rate: 2 of 2 comparisons decided" in page
        assert "p50 against baseline" not in page
        assert " at 2,000/s (n = 3) |" in page

    def test_the_dot_of_a_late_trial_is_a_cross(self) -> None:
        """It is no part of the mean beside it."""
        (chart,) = (
            each for each in make_charts(make_view(_late(("axum", 1)))).all if each.name == "trials"
        )
        dots = chart.panels[1].spec["layer"][2]["data"]["values"]

        assert [each["server"] for each in dots if each["mark"]] == ["Axum (Rust)"]
        assert "Response times of 1 more are not compared (crosses)." in chart.alt


class TestLimits:
    """What limits the figures most is named first, and a noise floor with what it is one of."""

    def test_a_noise_floor_has_its_metric_and_its_rate(self) -> None:
        """Of CPU per request in duets at 12,000 requests/s it says nothing of rates."""
        of = finding(
            "noise-floor",
            "run",
            "most",
            may_differ=0.042,
            server="axum",
            comparisons=8,
            metric="requests_per_cpu_second",
            rate_rps=12_000.0,
            workload="json-small",
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
        page = samples.text(run_view(cost_data()))

        assert re.search(r"\| 5 \| \d[.\d]* % at 1,234/s \| costs more \|", page)


class TestCaptions:
    """A caption counts what is really behind the figures."""

    def test_each_column_has_its_number_of_trials(self) -> None:
        """Rates, cost of duets, and response times, of which some are left out."""
        page = samples.text(samples.with_cost(_late(("axum", 1))))

        assert (
            "Geometric means of each server: Requests/sec over 4 trials; CPU per request over "
            "6 duets; p99 over 3 to 4 trials. "
        ) in page

    def test_duets_and_the_ceiling_are_no_rounds_of_trials(self) -> None:
        """They are counted apart."""
        assert (
            "This rests on 10 usable trials in 5 rounds and 10 usable duets in 5 rounds on one "
            "machine."
        ) in samples.text(run_view(cost_data()))
        run = run_view(run_data({"axum": Truth(), "robyn": Truth(), "ceiling": samples.CEILING}))
        assert (
            "This rests on 10 usable trials in 5 rounds on one machine, besides 5 trials of the "
            "ceiling server."
        ) in samples.text(run)


class TestCost:
    """One cost at an equal rate: that of the duets, which decide, and never without its rate."""

    def test_the_deciding_one_where_there_is_one(self) -> None:
        """Of the baseline what it cost beside the other; the open loop's is not told beside it."""
        found = [text for text in _said(run_view(cost_data())) if "CPU per request at an" in text]

        assert len(found) == 2
        assert re.search(
            r"; 40\.1 us of CPU per request at an equal rate of 1,234/s beside each other", found[0]
        )
        assert re.search(
            r"; 90\.2 us of CPU per request at an equal rate of 1,234/s beside Axum", found[1]
        )

    def test_duets_before_the_open_loop(self) -> None:
        """With both in one run."""
        said = _said(samples.with_cost(_late()))

        assert sum("at an equal rate of 3,100/s" in text for text in said) == 3
        assert not any("CPU per request in the open loop" in text for text in said)

    def test_the_open_loop_has_its_rate_where_it_is_alone(self) -> None:
        """Kind and rate."""
        said = _said(_late())

        assert sum("CPU per request in the open loop at 2,000/s;" in text for text in said) == 3

    def test_the_deciding_one_is_drawn(self) -> None:
        """With the rate at each bar; the saturated one comes after it."""
        after = make_charts(make_view(run_view(cost_data()))).after
        (bar,) = after[0].panels[0].spec["data"]["values"]

        assert [chart.name for chart in after] == ["cost", "cpu"]
        assert after[0].title.endswith("costs at an equal rate, beside Axum (Rust)")
        assert bar["label"] == "90.2 us at 1,234/s"
        assert after[0].alt.endswith("beside Axum (Rust). 90.2 us.")
