"""What `bench ab` answers: one line per load profile, then the details."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from bench.cli.ab_command import _gate
from bench.errors import GateMetError
from bench.model.trial_record import Partner
from bench.plans.duets import as_duet
from bench.reports import REPORTS
from bench.reports.ab_answer import answers, markdown, text
from bench.reports.assembly import Rendering
from bench.reports.choice_answer import text as rates_alone
from bench.run.start import Result
from bench.store.run_directory import RunDirectory
from tests.factories import Truth, closed_profile, open_profile, run_data, run_view

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from bench.analysis import RunData
    from bench.model.summary import RunView
    from bench.model.trial_record import TrialRecord

_MAIN = Truth(rps=20_000, cpu_us=40.0, noise=0.004, server="mine")


def _duets(
    branch: Truth,
    *,
    again: Truth = _MAIN,
    rounds: int = 7,
    margin: float = 0.01,
    unlike: bool = False,
    drift: float = 0.0,
) -> RunView:
    """Seven rounds of duets, both loops, the first three with servers alone."""
    servers = {"main": _MAIN, "main-again": again, "branch": branch._replace(server="mine.branch")}
    profiles = [closed_profile(), open_profile(share=0.6)]
    data = run_data(servers, profiles=profiles, rounds=rounds, margin=margin, block_noise=0.02)
    arms = tuple(arm.model_copy(update={"version_of": "mine"}) for arm in data.plan.arms)
    if unlike:
        arms = (*arms[:-1], arms[-1].model_copy(update={"version_of": "another"}))
    plan = as_duet(data.plan.model_copy(update={"design": "duet", "arms": arms}))
    beside = {(t.profile, t.round): t for t in data.trials if t.server == "main"}
    duets = [
        _with_partner(trial, beside[trial.profile, trial.round])
        for trial in data.trials
        if trial.server != "main"
    ]
    duets = [_drifting(trial, drift) if trial.server == "branch" else trial for trial in duets]
    alone = [_alone(data, number, name) for number in (1, 2, 3) for name in ("main", "branch")]
    return run_view(data._replace(plan=plan, trials=(*duets, *alone)))


def _drifting(trial: TrialRecord, drift: float) -> TrialRecord:
    """Its CPU time changes by that share from one half of an open window to the other."""
    if not drift or "oha" not in trial.profile:
        return trial
    count = len(trial.window_series)
    used = tuple(0.2 * (1 + drift * (at >= count / 2)) for at in range(count))
    return trial.model_copy(update={"cpu_series": used})


def _with_partner(trial: TrialRecord, base: TrialRecord) -> TrialRecord:
    partner = Partner(
        server=base.server,
        server_process=base.server_process,
        load=base.load,
        resources=base.resources,
        counters=base.counters,
        exchanges=base.exchanges,
        sidechannel=base.sidechannel,
        start_s=base.phases_s.start,
        first=False,
    )
    return trial.model_copy(update={"partner": partner})


def _alone(data: RunData, number: int, server: str) -> TrialRecord:
    found = next(
        t for t in data.trials if (t.server, t.round, t.profile) == (server, number, "wrk-c50")
    )
    name = f"r0{number}-{server}.alone"
    return found.model_copy(update={"trial": name, "profile": "wrk-c50-alone"})


def _lines(view: RunView) -> tuple[str, str]:
    """The answers for the saturated loop and for the equal offered rate."""
    (answer,) = answers(view)
    closed, offered = answer.said
    return closed, offered


def test_a_difference_is_one_line() -> None:
    """Arm, words, ratio with its interval, n, noise floor, load."""
    for line in _lines(_duets(_MAIN._replace(cpu_us=38.0))):
        assert re.match(
            r"branch does more per CPU: 1\.0\d+x \[1\.0\d+, 1\.0\d+\], n = 7; "
            r"noise floor 0\.\d %",
            line,
        )


def test_no_difference_says_how_many_more_trials_would_tell() -> None:
    """The range that is possible, and the rounds for the difference that was asked for."""
    noisy = _MAIN._replace(noise=0.03)
    for line in _lines(_duets(noisy)):
        assert re.match(
            r"branch: no significant difference: anywhere from [+-]\d.* to [+-]\d.*; "
            r"about \d+ more rounds? would resolve 1 %; n = 7; noise floor \d",
            line,
        )


def test_equivalent_arms_have_their_ratio_too() -> None:
    """What is known is the interval, not only that it lies within the margin."""
    for line in _lines(_duets(_MAIN, margin=0.03)):
        assert re.match(
            r"branch: equivalent within 3 %: (0\.99|1\.0)\d*x \[0\.9\d+, 1\.0\d+\], n", line
        )


def test_the_loads_are_named() -> None:
    """Which of the two questions a line answers."""
    closed, offered = _lines(_duets(_MAIN))

    assert closed.endswith("(saturated, 50 connections)")
    assert re.search(
        r"\(at an equal 2,000 requests/s, 1\d % of what both reach together\)$", offered
    )


def test_saturated_duets_of_unlike_servers_decide_nothing() -> None:
    """Their ratio is shown, with the reason; at an equal rate they are compared."""
    closed, offered = _lines(_duets(_MAIN._replace(cpu_us=20.0), unlike=True))

    assert closed.startswith("branch: not comparable: saturated beside each other, unlike servers")
    assert offered.startswith("branch does more per CPU: ")


def test_saturated_duets_of_few_responses_decide_nothing() -> None:
    """Six responses of each connection: the CPU time of those under way is in the cost."""
    view = _duets(_MAIN._replace(rps=60.0, cpu_us=38.0))
    closed, offered = _lines(view)
    (alone,) = [line for line in answers(view)[0].details if line.what.startswith("rate alone")]

    assert closed.startswith("branch: not comparable: too few responses per connection: CPU time")
    assert offered.startswith("branch ")
    assert "not comparable" not in offered
    assert (alone.arm[:2], alone.ratio) == (">=", "-")
    assert not alone.baseline.startswith(">=")
    assert re.search(r"branch +>=5\d\..* <=38\.\d us", rates_alone(view))
    assert "is slower than" not in rates_alone(view)


def test_what_goes_on_changing_stands_under_the_verdict() -> None:
    """A server that gets cheaper from one half of the windows to the other was not warm."""
    (answer,) = answers(_duets(_MAIN, drift=-0.1))

    assert len(answer.said) == 3
    assert answer.said[2].startswith("branch (oha-c50-r2000): CPU time per request still falls by ")


@pytest.mark.parametrize("render", [text, markdown])
def test_the_rate_alone_stands_in_the_details(render: Callable[[RunView], str]) -> None:
    """With its interval over the rounds in which both were measured alone; the answer is first."""
    shown = render(_duets(_MAIN._replace(rps=10_000)))
    (row,) = [line for line in shown.splitlines() if "rate alone" in line]

    assert "n = 3" in row
    assert re.search(r"0\.50\d*x \[0\.4\d+, 0\.5\d+\]", row)
    assert shown.index("rate alone") > shown.index("noise floor")


def test_without_trials_alone_there_is_no_rate() -> None:
    """Of two servers on one CPU the scheduler decides the rates: none is shown."""
    view = _duets(_MAIN)
    duets = tuple(trial for trial in view.trials if trial.partner)

    shown = text(view.model_copy(update={"trials": duets}))

    assert "rate alone" in text(view)
    assert "rate alone" not in shown
    assert "rate, saturated" not in shown


def test_the_report_tells_what_the_baseline_used() -> None:
    """Its threads and processes were counted in the trials of the others."""
    view = _duets(_MAIN)
    duets = tuple(trial for trial in view.trials if trial.partner)
    report = REPORTS["markdown"].render(Rendering(view.model_copy(update={"trials": duets})))
    shown = next(iter(report.values())).decode()

    assert shown.count("2 threads in 1 process under load") == len(view.plan.arms) == 3


class TestCopies:
    """A copy of the baseline shows the noise: it is no candidate, whatever it is called."""

    METRIC = "requests_per_cpu_second"

    def test_a_slower_copy_does_not_meet_the_gate(self, tmp_path: Path) -> None:
        """The candidate is equivalent; that the copy is slower is noise."""
        view = _duets(_MAIN, again=_MAIN._replace(cpu_us=44.0), margin=0.03)
        words = {
            row.server: row.verdict.word
            for row in view.summary.comparisons
            if row.metric == self.METRIC
        }

        assert words == {"main-again": "slower", "branch": "equivalent"}
        _gate(Result(RunDirectory(tmp_path), view, 0), self.METRIC)

    def test_a_server_really_called_so_is_a_candidate(self, tmp_path: Path) -> None:
        """Its name alone makes no copy of it: it is answered, and it meets the gate."""
        other = _MAIN._replace(cpu_us=44.0, server="main-again")
        view = _duets(_MAIN, again=other, margin=0.03)

        assert [arm.name for arm in view.plan.arms][:2] == ["main", "main-again-2"]
        assert [answer.arm for answer in answers(view)] == ["main-again", "branch"]
        with pytest.raises(GateMetError, match="main-again"):
            _gate(Result(RunDirectory(tmp_path), view, 0), self.METRIC)

    def test_arms_of_equal_content_are_answered(self) -> None:
        """Two refs of one content were asked for: the copy is all there is."""
        view = run_view(run_data({"main": _MAIN, "branch": _MAIN}))

        assert view.plan.copies == {"branch"}
        assert [answer.arm for answer in answers(view)] == ["branch"]


def test_a_verdict_is_held_against_the_noise_floor() -> None:
    """A difference that two copies show as well is said to be no more than that."""
    again = _MAIN._replace(cpu_us=36.0)
    closed, _ = _lines(_duets(_MAIN._replace(cpu_us=38.0), again=again))

    assert "two copies of one server may differ as much" in closed


def test_a_small_difference_is_held_against_the_noise_floor_too() -> None:
    """One that may be less than the margin is not larger than what two copies show either."""
    again = _MAIN._replace(cpu_us=36.0)
    closed, _ = _lines(_duets(_MAIN._replace(cpu_us=38.5), again=again, margin=0.04))

    assert "possibly by less than 4 %" in closed
    assert "two copies of one server may differ as much" in closed


def test_both_loads_are_told_apart() -> None:
    """One sentence says why the two answers differ, and which to quote."""
    view = _duets(_MAIN._replace(cpu_us=38.0))

    assert text(view).count("Quote the answer at the equal") == 1
    assert markdown(view).count("Quote the answer at the equal") == 1
