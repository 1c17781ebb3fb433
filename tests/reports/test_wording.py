"""Sentences by rules: each has its number, none without data."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Final

import pytest

from bench.model.finding import finding
from bench.model.summary import Verdict
from bench.reports import rows
from bench.reports.blocks import Bullets, plain
from bench.reports.figures import make_charts
from bench.reports.primary_metric import PER_CPU, RESPONSE_TIME, THROUGHPUT
from bench.reports.view import describe_profile, make_view, winner
from bench.reports.wording.baseline_difference import gap, payload_gap
from bench.reports.wording.conclusion import conclusion, in_short
from bench.reports.wording.implications import implications
from bench.reports.wording.key_findings import key_findings
from bench.reports.wording.notes import is_lower_bound, notes, verdict_phrase
from bench.reports.wording.phrases import join, sentence, tally
from bench.reports.wording.verdict_words import times
from tests.factories import Truth, closed_profile, open_profile, run_data, run_view, with_status
from tests.reports import samples

if TYPE_CHECKING:
    from bench.model.summary import RunView, Word
    from bench.model.trial_record import TrialRecord
    from bench.reports.blocks import Block


def _sentences(blocks: tuple[Block, ...]) -> list[str]:
    return [plain(item) for b in blocks if isinstance(b, Bullets) for item in b.items]


def _verdict(word: Word, *, beyond: bool = True) -> Verdict:
    return Verdict(
        word=word, text="t", ratio=1.0, low=None, high=None, p_holm=None, beyond_margin=beyond
    )


def test_verdict_names_server_and_baseline() -> None:
    """The one comparison of a run stands at its top, in titles."""
    found = in_short(make_view(samples.two_servers()))

    assert re.fullmatch(
        r"Against Axum \(Rust\), Spikard \(Python\) is slower: 0\.2\d+x \[0\.2\d+, 0\.2\d+\]\.",
        found,
    )


def test_without_an_interval_no_verdict_is_claimed() -> None:
    """One trial each gives two figures and their ratio, and says that it is no more."""
    (found,) = gap(make_view(samples.one_round()))

    assert re.fullmatch(
        r"Axum \(Rust\) answered 3\.\d\dx as many requests/sec as Spikard \(Python\) "
        r"\([\d,]+ against [\d,]+\), without an interval \(one trial each\)\.",
        plain(found),
    )


def test_a_server_faster_than_the_baseline_is_named_first() -> None:
    """The larger figure comes first, whoever is the baseline."""
    run = run_view(run_data({"slow": Truth(rps=1000), "fast": Truth(rps=3000)}, rounds=2))
    (found,) = gap(make_view(run))

    assert plain(found).startswith("Fast (Rust) answered 3.0")
    assert plain(found).endswith("(2 trials each, 3 are needed).")


def test_many_workloads_are_tallied() -> None:
    """Over several workloads a server has one sentence, loops apart, with the range."""
    found = [plain(text) for text in gap(make_view(samples.five_servers()))]

    assert len(found) == 4
    start = "Spikard (Python) against Axum (Rust): throughput 3 slower (0.115x in Json large to "
    assert found[0].startswith(start)
    assert "; p99 at equal rate " in found[0]


def test_gap_that_grows_with_the_payload_is_told() -> None:
    """A ratio that changes from the smallest to the largest payload has both ends."""

    def heavier(trial: object) -> object:
        if trial.server == "axum" or trial.workload == "json-small":  # type: ignore[attr-defined] # the test gives what the type would not
            return trial
        load = trial.load.model_copy(  # type: ignore[attr-defined] # the test gives what the type would not
            update={"throughput_rps": trial.load.throughput_rps / 3}  # type: ignore[attr-defined] # the test gives what the type would not
        )
        return trial.model_copy(update={"load": load})  # type: ignore[attr-defined] # the test gives what the type would not

    run = run_view(
        run_data(
            {"axum": Truth(), "spikard": Truth(rps=30_000), "robyn": Truth(rps=40_000)},
            workloads=("json-small", "json-large"),
            edit=heavier,  # type: ignore[arg-type] # the test gives what the type would not
        )
    )
    found = [plain(text) for text in payload_gap(make_view(run))]

    assert re.fullmatch(
        r"From 86 bytes to 40\.96 KB per request, the ratio of Spikard \(Rust\) to Axum \(Rust\) "
        r"goes from 0\.\d+x to 0\.1\d+x\.",
        found[0],
    )


def test_one_payload_size_says_nothing_about_size() -> None:
    """No sentence without data behind it."""
    assert payload_gap(make_view(samples.two_servers())) == []


def test_every_sentence_has_its_number() -> None:
    """Key findings and implications hold figures, not adjectives."""
    for run in (samples.two_servers(), samples.five_servers(), samples.one_round()):
        view = make_view(run)
        for text in (*_sentences(key_findings(view)), *_sentences(implications(view))):
            assert re.search(r"\d", text), text


def test_nothing_measured_nothing_said() -> None:
    """A run without usable trials has no findings about servers, and concludes nothing."""
    view = make_view(samples.all_failed())

    assert in_short(view) == ""
    assert gap(view) == []
    assert implications(view) == ()
    assert _sentences(key_findings(view)) == [
        "10 of 10 trials are left out, with their causes above."
    ]
    assert conclusion(view)[0].kind == "paragraph"


def test_one_server_is_described_alone() -> None:
    """Without anybody to compare with there is its rate and no threshold."""
    view = make_view(run_view(run_data({"axum": Truth()})))

    assert re.fullmatch(r"Axum \(Rust\) answered [\d,]+ requests/sec\.", in_short(view))
    assert implications(view) == ()


def test_without_a_baseline_only_rates_are_told() -> None:
    """Who answered the most is measured; verdicts are not invented."""
    found = in_short(make_view(samples.baseline_failed()))

    assert re.fullmatch(r"Most requests/sec: Robyn \(Rust\) with [\d,]+\.", found)


def test_failures_have_their_share() -> None:
    """A success rate below 100 % is told per server and workload."""
    run = samples.two_servers()
    cells = (
        run.summary.cells[0].model_copy(update={"success_rate": 0.9991}),
        *run.summary.cells[1:],
    )
    summary = run.summary.model_copy(update={"cells": cells})
    view = make_view(run.model_copy(update={"summary": summary}))

    assert "Axum (Rust), Json small: success rate 99.91%." in _sentences(key_findings(view))


def test_limits_are_told() -> None:
    """Client-bound, near the ceiling, saturated, drifting: each names its cells."""
    run = samples.two_servers()
    codes = ("near-ceiling", "saturated", "drift")
    cells = (
        run.summary.cells[0].model_copy(update={"findings": codes, "bound": "client"}),
        *run.summary.cells[1:],
    )
    summary = run.summary.model_copy(update={"cells": cells, "noise_floor": 0.014})
    found = _sentences(key_findings(make_view(run.model_copy(update={"summary": summary}))))

    limit = "The load tool, not the server, was the limit of Axum (Rust) (Json small)"

    assert [text for text in found if "(Json small)" in text][-4:] == [
        f"{limit}: at least that fast.",
        "Near what this machine can answer at all: Axum (Rust) (Json small); lower bounds.",
        "Could not keep up with the offered rate: Axum (Rust) (Json small).",
        "Still changing inside the window: Axum (Rust) (Json small); a longer warm-up is needed.",
    ]
    assert found[-1].startswith("Noise floor 1.4%")


def test_lower_bounds_are_marked_in_the_table() -> None:
    """A rate that the load tool limited is at least that, and ratios to it are at most that."""
    run = run_view(run_data({"axum": Truth(bound="client"), "spikard": Truth(rps=3000)}))
    page = samples.text(run)

    assert "| Axum (Rust) | \u2265 " in page
    assert "| \u2264 0.05" in page or "| \u2264 0.04" in page
    assert "| **Requests/sec** | \u2265 " in page


def test_what_too_few_responses_cannot_tell_is_not_told_as_a_rate() -> None:
    """51 responses of 50 connections: no rate, no cost, no change with the size of bodies."""
    truth = {"axum": Truth(rps=6_000), "spikard": Truth(rps=51, cpu_us=19_762, noise=0.001)}
    run = run_view(run_data(truth, profiles=[closed_profile(duration_s=1.0)], block_noise=0.0))
    page = samples.text(run)
    found = " ".join(_sentences(key_findings(make_view(run))))

    assert "| **Requests/sec** | 6," in page or "| **Requests/sec** | 5," in page
    assert "| \u2265 51 |" in page
    assert "| \u2264 19," in page
    assert "Spikard (Rust)**: too few responses per connection: a lower bound" in page
    assert "**window-short** (Spikard (Rust)" in page
    assert "--duration 10s" in page
    assert "by more rounds" not in page
    assert "51 requests/sec" not in found
    assert "CPU per request saturated" in found
    assert "19,7" not in found
    assert "Too few responses per connection in a window: Spikard (Rust)" in found


def test_a_bound_among_other_verdicts_is_named_as_one() -> None:
    """Beside workloads that were decided the ratio alone would read as one of them."""
    truth = {"axum": Truth(rps=6_000, noise=0.001), "spikard": Truth(rps=51, noise=0.001)}
    profiles = [closed_profile(duration_s=1.0)]
    run = run_view(run_data(truth, profiles=profiles, workloads=("json-small", "plaintext")))

    assert "inconclusive: Spikard (Rust) (at least 0.0" in samples.text(run)


def test_notes_beside_a_number() -> None:
    """Left-out trials with their causes, copies and late plateaus are remarked."""
    edit = with_status("invalid", "errors", where=lambda t: t.server == "again" and t.round == 2)
    data = run_data({"axum": Truth(), "again": Truth(server="axum", ramp_s=0.3)}, edit=edit)
    view = make_view(run_view(data))
    group = view.groups[0]
    found = notes(view, group, group.entries[1]).split("; ")

    assert found[0] == "1 of 5 trials invalid (errors)"
    assert re.fullmatch(r"a copy of axum: noise floor \d\.\d%", found[1])
    assert re.fullmatch(r"warm-up \d\.\d s", found[2])
    assert notes(view, group, group.entries[0]) == ""


def test_lateness_is_a_remark_beside_response_times_only() -> None:
    """In an open loop it stands there; in a duet CPU per request is compared, late or not."""

    def late(trial: TrialRecord) -> TrialRecord:
        found = (finding("pacer-late", trial.trial), finding("arrivals-off", trial.trial, "even"))
        return trial.model_copy(update={"findings": found})

    data = run_data({"axum": Truth(), "robyn": Truth()}, profiles=(open_profile(),), edit=late)
    run = run_view(data)
    said = []
    for design in ("blocks", "duet"):
        plan = run.plan.model_copy(update={"design": design})
        view = make_view(run.model_copy(update={"plan": plan}))
        said.append(notes(view, view.groups[0], view.groups[0].entries[1]))

    assert "the load tool sent late: response times not compared where it did" in said[0]
    assert "sent late" not in said[1]
    assert all("requests not sent as scheduled" in text for text in said)


def test_response_times_are_no_lower_bounds() -> None:
    """In an open loop the load tool's limit bounds no rate."""
    run = run_view(run_data({"axum": Truth(bound="client")}, profiles=(open_profile(),), rounds=1))
    group = make_view(run).groups[0]

    assert not is_lower_bound(group, group.entries[0])
    assert "lower bound" not in samples.text(run)


@pytest.mark.parametrize(
    ("word", "metric", "beyond", "expected"),
    [
        ("slower", "throughput_rps", True, "slower"),
        ("faster", "throughput_rps", False, "faster, possibly within the margin"),
        ("more", "p99_us", True, "higher p99"),
        ("less", "p99_us", False, "lower p99, possibly within the margin"),
        ("faster", "requests_per_cpu_second", True, "more per CPU"),
        ("equivalent", "p99_us", False, "equivalent"),
        ("too-few-rounds", "throughput_rps", False, "too few rounds"),
    ],
)
def test_verdict_phrases(word: Word, metric: str, beyond: bool, expected: str) -> None:  # noqa: FBT001 - a row of a table
    """The words of a table's verdict column."""
    lead = next(each for each in (THROUGHPUT, RESPONSE_TIME, PER_CPU) if each.metric == metric)

    assert verdict_phrase(_verdict(word, beyond=beyond), lead) == expected


def test_phrases() -> None:
    """Lists, tallies and full stops."""
    assert join([]) == ""
    assert join(["a"]) == "a"
    assert join(["a", "b", "c"]) == "a, b and c"
    assert tally(["slower", "faster", "slower"]) == "2 slower, 1 faster"
    assert tally(["too few rounds"] * 3) == "no verdict, too few rounds"
    assert sentence("") == ""
    assert sentence("quieten the host") == "Quieten the host."
    assert sentence("`bench doctor` tells!") == "`bench doctor` tells!"


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (rows.format_us(4.0), "0.004 ms"),
        (rows.format_us(760.0), "0.76 ms"),
        (rows.format_cost(7.891), "7.89 us"),
        (rows.format_cost(99.97), "100 us"),
        (rows.format_cost(1234.5), "1,234 us"),
        (rows.format_throughput(5.67e6), "5.67 MB/s"),
        (rows.format_throughput(1.5e9), "1,500.00 MB/s"),
        (rows.format_achieved(1.0000194), "100.0%"),
        (rows.format_achieved(0.7796), "78.0%"),
        (rows.format_whole(2000.0), "2,000"),
        (rows.format_whole(0.5), "0.5"),
    ],
)
def test_number_formats(found: str, expected: str) -> None:
    """Units and digits as the source report has them, fine ones where it had none."""
    assert found == expected


@pytest.mark.parametrize(
    ("ratio", "expected"),
    [(0.1084, "0.108x"), (12.345, "12.35x"), (1234.0, "1,234x")],
)
def test_ratio_digits(ratio: float, expected: str) -> None:
    """Three decimals where they matter, fewer above."""
    verdict = _verdict("slower").model_copy(update={"ratio": ratio})

    assert times(verdict) == expected


def test_profiles_in_words() -> None:
    """A share of the slowest server's rate is said as such until the rate is known."""
    one = closed_profile(connections=1)

    assert describe_profile(one) == "1 connection, closed loop (wrk)"
    assert describe_profile(open_profile(rate_rps=None, share=0.5)) == (
        "50 connections, open loop at 50% of the slowest server's rate (oha)"
    )
    assert describe_profile(open_profile(rate_rps=None)) == "50 connections, open loop (oha)"


def test_profiles_of_one_loop_are_told_apart_by_all_they_are() -> None:
    """Two closed profiles need more words than their loop."""
    profiles = (closed_profile(), closed_profile("wrk-c100", connections=100))
    run: RunView = run_view(run_data({"axum": Truth()}, profiles=profiles, rounds=1))

    assert [group.title for group in make_view(run).groups] == [
        "Json small, 50 connections, closed loop (wrk)",
        "Json small, 100 connections, closed loop (wrk)",
    ]


def test_equal_servers_have_no_winner() -> None:
    """Where intervals overlap nobody is said to be best, and no threshold lies between them."""
    view = make_view(run_view(run_data({"axum": Truth(), "again": Truth(server="axum")})))
    titles = {chart.name: chart.title for chart in make_charts(view).all}
    found = _sentences(implications(view))

    assert titles["throughput"] == "Requests per second"
    assert "; the most was " in found[0]
    assert " only " not in found[0]


@pytest.mark.parametrize(("slower_rps", "best"), [(20_000.0, "Axum (Rust)"), (60_000.0, "")])
def test_a_baseline_that_all_are_slower_than_is_the_best(slower_rps: float, best: str) -> None:
    """Its pairs say so, though the machine changed so much that the intervals of both overlap."""
    run = run_view(run_data({"axum": Truth(), "spikard": Truth(rps=slower_rps)}))
    cells = []
    for cell in run.summary.cells:
        own = cell.metrics.throughput_rps
        assert own is not None
        wide = own.model_copy(update={"low": own.value / 5, "high": own.value * 5})
        metrics = cell.metrics.model_copy(update={"throughput_rps": wide})
        cells.append(cell.model_copy(update={"metrics": metrics}))
    summary = run.summary.model_copy(update={"cells": tuple(cells)})
    (group,) = make_view(run.model_copy(update={"summary": summary})).groups

    assert winner(group, "throughput_rps") == best


def test_duets_compare_by_cpu() -> None:
    """In a duet rates are the scheduler's: chart, table and verdict are about CPU."""
    run = run_view(run_data({"axum": Truth(), "spikard": Truth(cpu_us=54.0)}))
    plan = run.plan.model_copy(update={"design": "duet"})
    view = make_view(run.model_copy(update={"plan": plan}))
    throughput = next(chart for chart in make_charts(view).all if chart.name == "throughput")

    assert in_short(view).startswith("Against Axum (Rust), Spikard (Rust) does less per CPU: 0.29")
    assert throughput.title == "Requests per CPU-second: Axum (Rust) answered the most"
    assert not [text for text in _sentences(implications(view)) if "reached" in text]


def test_several_workloads_are_concluded_one_by_one() -> None:
    """The conclusion has a line per workload, the words first."""
    found = _sentences(conclusion(make_view(samples.five_servers())))

    assert found[0].startswith("Json small, closed loop, against Axum (Rust): slower: Spikard")
    assert len(found) == 6


def test_inconclusive_cells_are_a_next_step() -> None:
    """What more rounds could decide is proposed."""
    run = run_view(run_data({"axum": Truth(noise=0.05), "robyn": Truth(noise=0.05)}))
    page = samples.text(run)

    assert "**Decide what is inconclusive** by more rounds" in page
    assert "`bench run synthetic --rounds 10`" in page


def test_open_loop_only() -> None:
    """Without a closed loop there is no highest rate, and latency has its verdicts."""
    run = run_view(
        run_data({"axum": Truth(), "spikard": Truth(open_us=2000)}, profiles=(open_profile(),))
    )
    found = in_short(make_view(run))

    assert found.startswith("Against Axum (Rust), Spikard (Rust) has a higher p99: ")


def test_imported_runs_rest_on_results() -> None:
    """An import says that it rests on results, not on trials, and repeats by no command."""
    run = samples.one_round()
    info = run.info.model_copy(update={"imported": True})
    page = samples.text(run.model_copy(update={"info": info}), "results")

    assert "This rests on 2 imported results." in page
    assert "The command that repeats it" not in page
    assert "on the machine that measured it" in page


def test_several_servers_in_one_workload() -> None:
    """The top names who answers the most, what is decided, and the range of ratios."""
    view = make_view(run_view(run_data(samples.FIVE)))

    assert re.fullmatch(
        r"Most requests/sec: Axum \(Rust\) with [\d,]+\. Against Axum \(Rust\), throughput: "
        r"4 of 4 comparisons decided \(4 slower, 0\.1\d+x for Spikard \(Python\), "
        r"to 0\.4\d+x for Fastify \(JavaScript\)\)\.",
        in_short(view),
    )
    assert len(_sentences(conclusion(view))) == 4


def test_the_ceiling_is_a_yardstick() -> None:
    """The ceiling server has a note, and no row, column, verdict or claim."""
    servers = {"axum": Truth(rps=45_000), "robyn": Truth(rps=9_000), "ceiling": Truth(rps=50_000)}
    page = samples.text(run_view(run_data(servers)))

    said = r"^- \*\*Ceiling \(Rust\)\*\*: Requests/sec [\d,]+ \[[\d,]+, [\d,]+\], the most that "
    assert re.search(said, page, re.MULTILINE)
    assert "| Ceiling (Rust) |" not in page
    assert "| Metric | Axum (Rust) | Robyn (Rust) | Ratio |" in page
    assert "Most requests/sec: Ceiling" not in page


class TestCopies:
    """An A/A copy is no result: it stands in the table with a note, and in no count."""

    TRUTH: Final = {"a": Truth(), "a2": Truth(server="a"), "a-again": Truth(rps=30_000)}

    def test_only_the_copy_is_called_one(self) -> None:
        """By what the plan says, not by its name."""
        view = make_view(run_view(run_data(self.TRUTH)))
        (group,) = view.groups
        found = {entry.server: notes(view, group, entry) for entry in group.entries}

        assert found["a2"].startswith("a copy of a: noise floor ")
        assert "copy" not in found["a"] + found["a-again"]

    def test_it_is_not_counted_among_the_comparisons(self) -> None:
        """Two workloads, one candidate: two comparisons."""
        run = run_view(run_data(self.TRUTH, workloads=["json-small", "json-large"]))

        assert "throughput: 2 of 2 comparisons decided" in in_short(make_view(run))


class TestTwoProfiles:
    """Two load profiles of one workload are two groups and one workload."""

    PROFILES: Final = (closed_profile(), closed_profile("wrk-c200", connections=200))

    def test_workloads_are_counted(self) -> None:
        """In the sentence at the top and in the title of the first chart."""
        truth = {"axum": Truth(), "spikard": Truth(rps=17_000)}
        names = ["json-small", "json-large"]
        view = make_view(run_view(run_data(truth, profiles=self.PROFILES, workloads=names)))

        assert len(view.groups) == 4
        assert "Axum (Rust) in 2 of 2 workloads." in in_short(view)
        assert make_charts(view).first[0].title.endswith("the most in 2 of 2 workloads")


def test_the_chart_of_rounds_hides_nothing() -> None:
    """A far trial is drawn at the edge and named; one without load is not drawn on the mean."""
    run = run_view(run_data({"axum": Truth()}))
    kept = run.details[0].rounds[:3]
    rounds = (*kept, (4, 10 * (kept[0][1] or 0.0), "invalid"), (5, None, "failed"))
    details = (run.details[0].model_copy(update={"rounds": rounds}),)
    chart = make_charts(make_view(run.model_copy(update={"details": details}))).on_page[-1]
    spec = json.dumps(chart.panels[0].spec)

    assert chart.name == "rounds"
    said = r"Farther than 50 % off, drawn at the edge: Axum \(Rust\) \+\d+ % in round 4"
    assert re.search(said, chart.alt)
    assert "(edge: 50 % or more)" in spec
    assert '"failed"' not in spec
