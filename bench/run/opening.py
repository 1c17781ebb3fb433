"""Opens a run directory as a RunView and renews its derived files: pure in what is on disk."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, NamedTuple

from bench.analysis import RunData, analyze
from bench.analysis.capacities import capacities
from bench.analysis.rejudged import rejudged
from bench.errors import UsageError
from bench.model.cpu_profile import Conversion, ShownProfiles
from bench.model.finding import finding
from bench.model.summary import RunView, Summary
from bench.model.trial_record import TrialRecord
from bench.reports import REPORTS
from bench.reports.assembly import Rendering
from bench.run.asked_rounds import with_rounds_asked
from bench.stats.histogram import Histogram
from bench.store.run_directory import RunDirectory, sha256_file
from bench.store.runs import list_runs

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from bench.model.finding import Finding
    from bench.model.plan import Plan
    from bench.store.run_directory import Damaged

DERIVED = ("json", "markdown", "html")
"""Reports whose files lie in every run directory; deletable, re-rendered byte for byte."""


def open_run(path: Path) -> RunView:
    """Read a run directory and analyze it.

    Raises:
        UsageError: a file of the run is missing or damaged; a damaged line of trials.jsonl is
            a finding instead, and the other trials stay.
    """
    directory = RunDirectory(path)
    info, host = directory.info(), directory.host()
    plan = with_rounds_asked(directory.plan(), info.argv, directory)
    _check_profiles(directory, plan)
    after, builds = directory.host_after(), directory.builds()
    recorded, damaged = directory.trials()
    trials = tuple(rejudged(plan, trial) for trial in recorded)
    data = RunData(
        info=info,
        plan=plan,
        host=host,
        host_after=after,
        trials=trials,
        histogram=lambda trial: _histogram(directory, trial),
        builds=builds,
        findings=(*directory.findings(), *_damage(damaged)),
    )
    summary, details = analyze(data)
    return RunView(
        info=info,
        plan=plan,
        profiles={profile.id: profile for profile in plan.profiles},
        host=host,
        host_after=after,
        builds=builds,
        trials=trials,
        summary=summary,
        details=details,
        trials_sha256=directory.trials_sha256(),
        breakdowns=tuple(item for shown in _profiles(directory) for item in shown.profiles),
        conversions=_conversions(directory),
        capacities=capacities(plan, trials, data.histogram) if plan.search else (),
    )


def _check_profiles(directory: RunDirectory, plan: Plan) -> None:
    """Refuse a plan that was damaged: every cell has its profile there.

    Raises:
        UsageError: one does not.
    """
    known = {profile.id for profile in plan.profiles}
    cost = {plan.cost.profile.id} if plan.cost else set()
    lost = [cell for cell in plan.cells if cell.profile not in known]
    lost += [cell for cell in plan.cost.cells if cell.profile not in cost] if plan.cost else []
    if lost:
        raise UsageError(
            f"{directory.path / 'plan.json'} cannot be read: the cell {lost[0].id} is of a profile "
            "that is not there"
        )


def _histogram(directory: RunDirectory, trial: str) -> Histogram | None:
    """The merged histogram of a trial; a missing or damaged one is None."""
    data = directory.histogram(trial)
    with contextlib.suppress(ValueError):
        return None if data is None else Histogram.from_json(data)
    return None


PROFILES = "profiles"
"""Folder of a run that holds the profile runs which belong to it, one folder each."""
SHOWN = "shown.json"
"""What the report shows of one of them; made from the raw profile beside it."""
CONVERSION = "conversion.json"


def _profiles(directory: RunDirectory) -> tuple[ShownProfiles, ...]:
    return tuple(
        directory.read_model(f"{PROFILES}/{name}/{SHOWN}", ShownProfiles)
        for name in _with(directory, SHOWN)
    )


def _conversions(directory: RunDirectory) -> tuple[Conversion, ...]:
    return tuple(
        directory.read_model(f"{PROFILES}/{name}/{CONVERSION}", Conversion)
        for name in _with(directory, CONVERSION)
    )


def _with(directory: RunDirectory, file: str) -> list[str]:
    """Names of the profile runs that have the file, in order."""
    return sorted(path.parent.name for path in (directory.path / PROFILES).glob(f"*/{file}"))


def render(view: RunView, names: Sequence[str]) -> dict[str, bytes]:
    """The files of the named reports, all made from one view and one document."""
    files: dict[str, bytes] = {}
    prepared = Rendering(view)
    for name in names:
        files |= {str(path): data for path, data in REPORTS[name].render(prepared).items()}
    return files


def write_derived(path: Path, names: Sequence[str] = DERIVED) -> RunView:
    """Render reports into the run directory; the view they were made from."""
    view = open_run(path)
    RunDirectory(path).write_derived(render(view, names))
    return view


def _damage(damaged: Sequence[Damaged]) -> tuple[Finding, ...]:
    return tuple(
        finding("damaged-record", "run", "read", line=item.line, reason=item.reason)
        for item in damaged
    )


_EARLIER = 10


def earlier_summaries(reports: Path) -> tuple[Summary, ...]:
    """Summaries of the newest runs, as they lie on disk; unreadable ones are left out."""
    found = []
    for run in list_runs(reports)[-_EARLIER:]:
        try:
            found.append(run.read_model("summary.json", Summary))
        except UsageError:
            continue
    return tuple(found)


class Mismatch(NamedTuple):
    """A file of a run that is not what it should be."""

    file: str
    reason: str


def check_run(path: Path) -> tuple[int, tuple[Mismatch, ...]]:
    """Verify a run: records whole, raw output unchanged, reports equal to what the data give.

    Returns:
        How many files were checked, and those that do not match.

    Raises:
        UsageError: it is not a run directory.
    """
    directory = RunDirectory(path)
    trials, damaged = directory.trials()
    found = [Mismatch("trials.jsonl", f"line {d.line}: {d.reason}") for d in damaged]
    checked = 1
    for trial in trials:
        folder = path / "trials" / trial.trial
        checked += 1 + len(trial.raw_sha256)
        found += _check_trial(folder, trial)
    for name, data in render(open_run(path), DERIVED).items():
        file = path / name
        if file.is_file():
            checked += 1
            if file.read_bytes() != data:
                found.append(Mismatch(name, "differs from what the data give now"))
    return checked, tuple(found)


def _check_trial(folder: Path, trial: TrialRecord) -> Iterator[Mismatch]:
    name = f"trials/{trial.trial}"
    for file, digest in trial.raw_sha256.items():
        try:
            if sha256_file(folder / file) != digest:
                yield Mismatch(f"{name}/{file}", "its content changed")
        except OSError as error:
            yield Mismatch(f"{name}/{file}", f"cannot be read: {error.strerror}")
    try:
        if TrialRecord.model_validate_json((folder / "trial.json").read_bytes()) != trial:
            yield Mismatch(f"{name}/trial.json", "differs from its line in trials.jsonl")
    except (OSError, ValueError):
        yield Mismatch(f"{name}/trial.json", "cannot be read")
