"""`bench compare`: output, exit codes, gate."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner

from bench.cli import compare_command
from bench.errors import BenchError, GateMetError, UsageError
from bench.model.metric_names import METRICS
from bench.model.run_comparison import Change
from bench.model.summary import Metrics
from bench.reports.compare_answer import METRIC_NAMES, render
from bench.store.run_directory import RunDirectory
from tests.factories import Truth, closed_profile, open_profile, run_data, run_view, with_status

if TYPE_CHECKING:
    from pathlib import Path

    from click.testing import Result

    from bench.model.summary import RunView
    from bench.model.trial_record import TrialRecord

BOTH = {"axum": Truth(), "spikard": Truth(rps=17_000)}
SLOW = {"axum": Truth(rps=50_000), "spikard": Truth(rps=17_000)}


class _Stored:
    """What `find_run` gives: a folder with a path."""

    def __init__(self, path: str) -> None:
        self.path = path


@pytest.fixture
def runs(monkeypatch: pytest.MonkeyPatch) -> dict[str, RunView]:
    """Runs by name, in place of folders in reports/."""
    known: dict[str, RunView] = {}
    monkeypatch.setattr("bench.store.runs.find_run", lambda name, _reports: _Stored(name))
    monkeypatch.setattr("bench.run.opening.open_run", lambda path: known[path.name])
    return known


def _view(truth: dict[str, Truth], **options: Any) -> RunView:
    return run_view(run_data(truth, **({"seed": 2, "block_noise": 0.005} | options)))


def _call(project: Path, *args: str) -> Result:
    (project / "configs").mkdir(exist_ok=True)
    return CliRunner().invoke(compare_command.command, [*args, "--project", str(project)])


def test_markdown_for_a_pull_request(runs: dict[str, RunView], tmp_path: Path) -> None:
    """Headline, method, one table; exit 0 without a gate although something is slower."""
    runs |= {"a": _view(BOTH), "b": _view(SLOW)}
    result = _call(tmp_path, "a", "b")
    lines = result.stdout.splitlines()

    assert result.exit_code == 0
    assert lines[0] == "### Synthetic run: candidate against baseline"
    assert lines[2] == "**Slower beyond 2 % by requests/s in 1 of 2 cells**"
    assert "Unpaired: Welch's t on logs" in lines[4]
    table = [line for line in lines if line.startswith("|")]
    assert {line.count(" | ") for line in table[2:]} == {8}
    assert sum("| axum | requests/s |" in line for line in table) == 1
    assert "requests per CPU-second" not in result.stdout


def test_json_is_one_object(runs: dict[str, RunView], tmp_path: Path) -> None:
    """With schema_version, rows, changes, missing."""
    runs |= {"a": _view(BOTH), "b": _view(SLOW)}
    found = json.loads(_call(tmp_path, "a", "b", "--json").stdout)

    assert found["schema_version"] == 1
    assert found["method"] == "unpaired"
    assert found["same_host"] is True
    assert found["rows"][0]["verdict"]["word"] in {"slower", "equivalent", "inconclusive"}
    assert (found["missing"], found["changes"]) == ([], [])


def test_the_gate_is_met(runs: dict[str, RunView], tmp_path: Path) -> None:
    """Slower beyond the margin: exit 4, after the table was printed."""
    runs |= {"a": _view(BOTH), "b": _view(SLOW)}
    result = _call(tmp_path, "a", "b", "--fail-on", "slower", "--margin", "5%")

    assert isinstance(result.exception, GateMetError)
    assert result.exception.exit_code == 4
    assert "axum is slower: 0.8" in str(result.exception)
    assert result.stdout.startswith("### ")


@pytest.mark.parametrize("margin", ["30%", "20 %"])
def test_the_gate_is_not_met_within_the_margin(
    runs: dict[str, RunView], tmp_path: Path, margin: str
) -> None:
    """17 % slower is not slower beyond 20 %."""
    runs |= {"a": _view(BOTH), "b": _view(SLOW)}
    result = _call(tmp_path, "a", "b", "--fail-on", "slower", "--margin", margin)

    assert result.exit_code == 0


def test_inconclusive_is_no_failure(runs: dict[str, RunView], tmp_path: Path) -> None:
    """Noise does not fail a build."""
    noisy = {"axum": Truth(noise=0.2), "spikard": Truth(rps=17_000, noise=0.2)}
    runs |= {"a": _view(noisy), "b": _view(noisy, seed=9)}
    result = _call(tmp_path, "a", "b", "--fail-on", "slower")

    assert result.exit_code == 0
    assert "no significant difference" in result.stdout
    assert "Nothing is worse" not in result.stdout
    assert "Not decided by requests/s" in result.stdout.splitlines()[2]


def test_a_missing_cell_comes_before_a_slower_one(runs: dict[str, RunView], tmp_path: Path) -> None:
    """Exit 1, also where the gate is met; without a gate it is only listed."""
    edit = with_status("failed", "server-died", where=lambda t: t.server == "spikard")
    runs |= {"a": _view(BOTH), "b": _view(SLOW, edit=edit)}
    gated = _call(tmp_path, "a", "b", "--fail-on", "slower")
    plain = _call(tmp_path, "a", "b")

    assert type(gated.exception) is BenchError
    assert gated.exception.exit_code == 1
    assert "spikard.json-small.wrk-c50" in str(gated.exception)
    assert plain.exit_code == 0
    assert "<summary>Not compared (1)</summary>" in plain.stdout
    assert "1 cell not compared" in plain.stdout


def test_an_open_loop_at_another_rate_does_not_fail_a_gate_on_throughput(
    runs: dict[str, RunView], tmp_path: Path
) -> None:
    """It is listed; throughput is not compared there anyway. A gate on p99 misses it."""

    def edit(trial: TrialRecord) -> TrialRecord:
        rate = 2_500.0 if trial.profile == "oha-c50-r2000" else None
        return trial.model_copy(update={"offered_rps": rate})

    profiles = [closed_profile(), open_profile()]
    runs |= {"a": _view(BOTH, profiles=profiles), "b": _view(BOTH, profiles=profiles, edit=edit)}
    by_rate = _call(tmp_path, "a", "b", "--fail-on", "slower")
    by_tail = _call(tmp_path, "a", "b", "--fail-on", "slower", "--metric", "p99_us")

    assert by_rate.exit_code == 0
    assert "offered rate (2,000 and 2,500 requests/s)" in by_rate.stdout
    assert type(by_tail.exception) is BenchError


def test_both_sides_failed_is_listed_as_such(runs: dict[str, RunView], tmp_path: Path) -> None:
    """A gate that measures nothing does not pass."""
    edit = with_status("failed", "server-died", where=lambda t: t.server == "spikard")
    runs |= {"a": _view(BOTH, edit=edit), "b": _view(BOTH, edit=edit)}
    result = _call(tmp_path, "a", "b", "--fail-on", "slower")

    assert type(result.exception) is BenchError
    assert "`spikard.json-small.wrk-c50` in both runs: no usable trial" in result.stdout


def test_a_gate_that_nothing_can_meet_is_refused(runs: dict[str, RunView], tmp_path: Path) -> None:
    """p99 in a closed loop would pass for ever: exit 2."""
    runs |= {"a": _view(BOTH), "b": _view(SLOW)}
    result = _call(tmp_path, "a", "b", "--fail-on", "slower", "--metric", "p99_us")

    assert isinstance(result.exception, UsageError)
    assert "no cell of these runs is compared by p99_us" in str(result.exception)


def test_a_latency_gate(runs: dict[str, RunView], tmp_path: Path) -> None:
    """More p99 at equal load fails."""
    slow = {"axum": Truth(open_us=700.0), "spikard": BOTH["spikard"]}
    profiles = [closed_profile(), open_profile()]
    runs |= {"a": _view(BOTH, profiles=profiles), "b": _view(slow, profiles=profiles)}
    result = _call(tmp_path, "a", "b", "--fail-on", "slower", "--metric", "p99_us")

    assert isinstance(result.exception, GateMetError)
    assert "axum has a higher p99" in str(result.exception)
    assert "More beyond 2 % by p99 of a trial in 1 of 2 cells" in result.stdout


@pytest.mark.parametrize("margin", ["5", "abc", "0%", "100%"])
def test_a_margin_that_is_none_is_a_usage_error(tmp_path: Path, margin: str) -> None:
    """Exit 2 before any run is opened."""
    result = _call(tmp_path, "a", "b", "--margin", margin)

    assert result.exit_code == 2
    assert "expected a percentage" in result.stderr


def test_unknown_runs_are_a_usage_error(tmp_path: Path) -> None:
    """The real store says which name it does not know."""
    result = _call(tmp_path, "nowhere", "latest")

    assert isinstance(result.exception, UsageError)
    assert "nowhere" in str(result.exception)


def test_a_gate_into_a_closed_pipe(tmp_path: Path) -> None:
    """`compare ... | true`: the gate decides, not the reader that has left."""
    (tmp_path / "configs").mkdir()
    for name, truth in (("a", BOTH), ("b", SLOW)):
        data = run_data(truth, seed=2, block_noise=0.005)
        run = RunDirectory.create(tmp_path / "reports", name)
        run.write_model("run.json", data.info)
        run.write_model("plan.json", data.plan)
        run.write_model("host.json", data.host)
        for trial in data.trials:
            run.append_trial(trial)
    argv = [sys.executable, "-m", "bench", "compare", "a", "b", "--fail-on", "slower"]
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run(
        [*argv, "--project", str(tmp_path)], stdout=writer, stderr=subprocess.PIPE, check=False
    )
    os.close(writer)

    assert done.returncode == 4, done.stderr
    assert b"beyond the margin" in done.stderr


def test_a_run_is_not_compared_with_itself(runs: dict[str, RunView], tmp_path: Path) -> None:
    """Two names of one run would pass any gate: exit 2."""
    runs |= {"a": _view(BOTH)}
    result = _call(tmp_path, "a", "./a", "--fail-on", "slower")

    assert isinstance(result.exception, UsageError)
    assert "are the same run" in str(result.exception)


def test_the_help_shows_one_example_a_line() -> None:
    """Examples and exit codes are not run together into one paragraph."""
    text = CliRunner().invoke(compare_command.command, ["--help"]).stdout
    lines = [line.strip() for line in text.splitlines()]

    assert "bench compare main-run latest" in lines
    assert "\\b" not in text


def test_every_metric_is_a_field_and_has_a_name() -> None:
    """What can be asked for is what a summary has, and tables call it by name."""
    assert tuple(Metrics.model_fields) == METRICS
    assert tuple(METRIC_NAMES) == METRICS


def test_foreign_text_is_harmless_in_the_comment() -> None:
    """A version string is no Markdown, and an unknown one is called so."""
    from bench.analysis import compare  # noqa: PLC0415 - used once

    result = compare(_view(BOTH), _view(BOTH)).model_copy(
        update={
            "same_host": False,
            "changes": (Change(what="tool wrk", before=None, after="4|1 <b> `x` @all"),),
        }
    )
    text = render(result)

    assert "- tool wrk: unknown -> ``4\\|1 <b> `x` @all``" in text
    assert "**The runs are of different hosts.**" in text
    assert text.endswith("</details>\n")


def test_nothing_comparable_prints_an_empty_table() -> None:
    """Another load: no row, all cells listed below."""
    from bench.analysis import compare  # noqa: PLC0415 - used once

    result = compare(_view(BOTH), _view(BOTH, profiles=[closed_profile(connections=64)]))
    text = render(result)

    assert "No cell can be compared by requests/s; 2 cells not compared" in text
    assert "`axum.json-small.wrk-c50`: the loads differ in connections" in text


def test_the_headline_names_how_far_off_it_may_be(runs: dict[str, RunView], tmp_path: Path) -> None:
    """A wide interval is not "nothing is worse": what is still possible is said."""
    wide = {"axum": Truth(noise=0.4), "spikard": Truth(rps=17_000, noise=0.4)}
    runs |= {"a": _view(wide), "b": _view(wide, seed=9)}
    headline = _call(tmp_path, "a", "b").stdout.splitlines()[2]

    assert "Not decided by requests/s in 2 of 2 cells" in headline
    assert "worse beyond 2 % is still possible there, anywhere from -" in headline
    assert "Nothing is worse" not in headline


def test_a_slower_machine_is_named_and_meets_no_gate(
    runs: dict[str, RunView], tmp_path: Path
) -> None:
    """The ceiling server is the same program in both runs: its fall is nobody's change."""
    runs |= {
        "a": _view(BOTH | {"ceiling": Truth(rps=200_000)}),
        "b": _view(BOTH | {"ceiling": Truth(rps=180_000)}),
    }
    result = _call(tmp_path, "a", "b", "--fail-on", "slower")
    headline = result.stdout.splitlines()[2]

    assert result.exit_code == 0
    assert headline.startswith("**Nothing is worse beyond 2 % by requests/s (2 cells)")
    assert "; the machine changed too: its ceiling server, the same in both, 0." in headline


def test_slower_cells_do_not_hide_those_not_decided(
    runs: dict[str, RunView], tmp_path: Path
) -> None:
    """One is slower, and what could not be told of the other stands beside it."""
    before = {"axum": Truth(), "spikard": Truth(rps=17_000, noise=0.4)}
    after = {"axum": Truth(rps=50_000), "spikard": Truth(rps=17_000, noise=0.4)}
    runs |= {"a": _view(before), "b": _view(after, seed=9)}
    headline = _call(tmp_path, "a", "b").stdout.splitlines()[2]

    assert "Slower beyond 2 % by requests/s in 1 of 2 cells, not decided in 1" in headline


def test_a_gate_that_compares_nothing_does_not_pass(
    runs: dict[str, RunView], tmp_path: Path
) -> None:
    """No cell has both sides: the gate says so, and is not silent."""
    none = with_status("failed", "server-died", where=lambda _trial: True)
    runs |= {"a": _view(BOTH), "b": _view(BOTH, edit=none)}
    result = _call(tmp_path, "a", "b", "--fail-on", "slower")

    assert isinstance(result.exception, BenchError)
    assert not isinstance(result.exception, GateMetError)


def test_one_round_that_halves_the_rate(runs: dict[str, RunView], tmp_path: Path) -> None:
    """The headline says what was measured; a gate that cannot tell does not pass."""
    half = {"axum": Truth(rps=30_000), "spikard": Truth(rps=17_000)}
    runs |= {"a": _view(BOTH, rounds=1), "b": _view(half, rounds=1)}
    plain = _call(tmp_path, "a", "b")
    gated = _call(tmp_path, "a", "b", "--fail-on", "slower")

    assert "Not decided by requests/s in 2 of 2 cells" in plain.stdout
    assert "measured 0.5" in plain.stdout.splitlines()[2]
    assert plain.exit_code == 0
    assert type(gated.exception) is BenchError
    assert "the gate cannot tell 2 of the cells" in str(gated.exception)


def test_one_of_five_rounds_that_halves_the_rate(runs: dict[str, RunView], tmp_path: Path) -> None:
    """It decides nothing, and hides in no `nothing is worse`."""

    def edit(trial: TrialRecord) -> TrialRecord:
        if trial.round != 3 or trial.server != "axum" or trial.load is None:
            return trial
        load = trial.load.model_copy(update={"throughput_rps": trial.load.throughput_rps / 2})
        return trial.model_copy(update={"load": load})

    runs |= {"a": _view(BOTH, rounds=5), "b": _view(BOTH, rounds=5, edit=edit)}
    headline = _call(tmp_path, "a", "b").stdout.splitlines()[2]

    assert "Not decided by requests/s in " in headline
    assert "anywhere from -" in headline
