"""Profiles become part of a run: copied, rendered, checked, renewed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from bench.cli import check_command, report_command
from bench.cli.profile_command import command
from bench.errors import StartError, UsageError
from bench.model.cpu_profile import ShownProfiles
from bench.profiling import into_run as module
from bench.profiling.into_run import add, profile_into, renew_into, stale, wanted, write_report
from bench.profiling.profile_run import ProfileOptions
from bench.run.opening import check_run, open_run, write_derived
from bench.store.run_directory import RunDirectory
from tests.factories import Truth, arm, run_data
from tests.profiles import conversion, profile_run

if TYPE_CHECKING:
    from pathlib import Path

    from bench.plans.project import Project


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A finished run of axum and spikard on disk."""
    data = run_data({"axum": Truth(), "spikard": Truth(rps=8_000, cpu_us=120.0)})
    directory = RunDirectory.create(tmp_path / "reports", "20260101T000000Z-synthetic-aaaaaa")
    directory.write_model("run.json", data.info)
    directory.write_model("plan.json", data.plan)
    directory.write_model("host.json", data.host)
    for trial in data.trials:
        directory.trial_folder(trial.trial)
        directory.append_trial(trial.model_copy(update={"raw_sha256": {}}))
    return directory.path


def files(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_an_added_profile_is_in_the_report_and_the_run_still_checks(
    run: Path, tmp_path: Path
) -> None:
    """The report says where the time goes, and is rendered byte for byte from the copy."""
    copy = add(profile_run(tmp_path), run)
    write_report(run)
    before = files(run)

    assert "## Where the time goes" in (run / "report.md").read_text()
    assert check_run(run)[1] == ()
    write_derived(run)
    assert files(run) == before
    assert copy == run / "profiles" / "p-profile-spikard-json-small"
    assert (copy / "spikard.flame.svg").is_file()


def test_the_copy_needs_nothing_of_the_original(run: Path, tmp_path: Path) -> None:
    """Without the profile run the copy breaks down to the same; perf's own file stays behind."""
    copy = add(profile_run(tmp_path), run)
    original = tmp_path / copy.name
    for path in sorted(original.rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()

    assert not list(copy.rglob("perf.data"))
    assert stale(run) == ()
    shown = copy / "shown.json"
    before = shown.read_text()
    shown.write_text(before.replace("0.33", "0.44"))
    assert stale(run) == (copy.name,)
    assert renew_into(run) == (copy.name,)
    assert stale(run) == ()
    assert shown.read_text() == before


def test_what_was_sampled_is_what_is_shown(run: Path, tmp_path: Path) -> None:
    """One third each: kernel, JSON decode, the GIL; nothing unknown."""
    add(profile_run(tmp_path), run)

    (shown,) = open_run(run).breakdowns

    shares = {part.category: part.share for part in shown.breakdown.slices if part.samples}
    third = pytest.approx(1 / 3)
    assert shares == {
        "kernel and network": third,
        "JSON decode": third,
        "waiting for the GIL": third,
    }


def test_the_experiment_over_sizes_can_be_added(run: Path, tmp_path: Path) -> None:
    """A conversion run is copied like a profile."""
    source = RunDirectory.create(tmp_path, "p-profile-conversion-spikard")
    source.write_model("conversion.json", conversion({"spikard": (130.0, 160.0)}))

    add(source.path, run)
    write_report(run)

    assert "### What each KB costs" in (run / "report.md").read_text()
    assert check_run(run)[1] == ()


def test_only_a_profile_goes_into_a_run(run: Path, tmp_path: Path) -> None:
    """A folder without a profile, and a copy of one that is there already, are refused."""
    (tmp_path / "empty").mkdir()

    with pytest.raises(UsageError, match="holds no profile"):
        add(tmp_path / "empty", run)
    copy = add(profile_run(tmp_path), run)
    with pytest.raises(UsageError, match="lies in that run already"):
        add(copy, run)


def test_a_damaged_profile_of_a_run_is_named(run: Path, tmp_path: Path) -> None:
    """The report says which file cannot be read."""
    copy = add(profile_run(tmp_path), run)
    (copy / "shown.json").write_text("{")

    with pytest.raises(UsageError, match=r"shown\.json cannot be read"):
        open_run(run)


def test_the_yardstick_and_second_arms_are_not_profiled() -> None:
    """Servers of the plan once each; of the workloads those whose bodies cost and do not."""
    data = run_data({"axum": Truth(), "spikard": Truth()}, workloads=("json-small", "mixed"))
    arms = (*data.plan.arms, arm("again", Truth(server="axum")), arm("ceiling", Truth()))
    plan = data.plan.model_copy(update={"arms": arms})

    assert wanted(plan) == (("axum", "spikard"), ("json-small",))
    other = plan.model_copy(update={"workloads": ("mixed",)})
    assert wanted(other).workloads == ("mixed",)


def test_what_cannot_be_profiled_does_not_stop_the_rest(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One server fails, the other one is in the report; the reason is told."""

    def measure(_: Project, servers: list[str], workload: str, *__: object) -> Path:
        if servers == ["axum"]:
            raise StartError("no profiler here", code="tool-failed")
        return profile_run(tmp_path, servers[0], workload)

    def sizes(*_: object) -> Path:
        raise StartError("no sizes", code="tool-failed")

    monkeypatch.setattr(module, "profile_servers", measure)
    monkeypatch.setattr(module, "measure_conversion", sizes)

    done, failed = profile_into(None, run, ProfileOptions(), lambda _: None)  # type: ignore[arg-type] # the project is only handed on

    assert done == 1
    assert failed == ("axum, json-small: no profiler here", "body sizes: no sizes")
    assert [item.server for item in open_run(run).breakdowns] == ["spikard"]


def test_the_command_adds_an_earlier_profile(run: Path, tmp_path: Path) -> None:
    """`bench profile --from PROFILE --into RUN` needs no server and no profiler."""
    source = profile_run(tmp_path)
    (tmp_path / "configs").mkdir()

    result = CliRunner().invoke(
        command,
        ["--from", str(source), "--into", str(run), "--project", str(tmp_path)],
    )

    assert result.exit_code == 0, result.output
    assert "its report says where the time goes" in result.stderr
    assert "## Where the time goes" in (run / "report.md").read_text()
    shown = RunDirectory(run).read_model(f"profiles/{source.name}/shown.json", ShownProfiles)
    assert shown.profiles[0].folder == f"profiles/{source.name}"


def test_check_and_report_look_at_the_raw_profile(run: Path, tmp_path: Path) -> None:
    """`bench check` names a breakdown that its raw data do not give; `report --write` mends it."""
    shown = add(profile_run(tmp_path), run) / "shown.json"
    shown.write_text(shown.read_text().replace("0.33", "0.44"))
    (tmp_path / "configs").mkdir()
    place = ["--project", str(tmp_path)]
    check = CliRunner().invoke

    before = check(check_command.command, [str(run), *place], standalone_mode=False)
    file = tmp_path / "RESULTS.md"
    renewed = check(report_command.command, [str(run), "--write", "--publish", str(file), *place])
    after = check(check_command.command, [str(run), *place], standalone_mode=False)

    assert "gives something else now" in before.stdout
    assert (before.return_value, after.return_value) == (1, 0)
    assert "broken down again" in renewed.stderr
    assert renewed.stdout == ""
    assert "## Where the time goes" in file.read_text()
    assert (tmp_path / "charts" / "where-json-small.svg").is_file()
