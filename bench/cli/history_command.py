"""`bench history`: what was measured by commit, where it shifted, and a site of it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from bench.cli.common import emit_json, json_option, project_option, reader_may_leave
from bench.errors import BenchError, GateMetError, UsageError

if TYPE_CHECKING:
    from bench.analysis.shifts import CommitFacts
    from bench.model.history import History, HistoryEntry
    from bench.model.summary import RunView

_TO_NAME: Final = (
    "has no commits that --commit can name",
    "name the repository of what was measured: bench history --project FOLDER add RUN --commit REF",
)


@click.group(invoke_without_command=True)
@click.option(
    "--last",
    type=click.IntRange(min=1),
    default=20,
    show_default=True,
    metavar="RUNS",
    help="How many runs back a shift may lie to be shown and to count for --fail-on.",
)
@click.option(
    "--fail-on",
    type=click.Choice(["slower"]),
    default=None,
    help="Exit 4 when a series stands on a worse level; what the machine did does not count.",
)
@click.option(
    "--site",
    type=click.Path(file_okay=False, path_type=Path),
    default=None,
    metavar="DIR",
    help="Write a static site: an overview and a page per server, each complete in itself.",
)
@click.option(
    "--commit-url",
    default="",
    metavar="URL",
    help="Address of a commit's page for the site, with {commit} in it.",
)
@json_option
@project_option
@click.pass_context
def command(
    context: click.Context,
    *,
    last: int,
    fail_on: str | None,
    site: Path | None,
    commit_url: str,
    as_json: bool,
    project: Path | None,
) -> None:
    """Show how results went over commits, and since which commit a level shifted.

    `bench history add RUN` keeps the summary of a run as a small file in reports/history/, by
    commit and machine; commit these files. From 6 runs of one machine on lasting shifts are
    shown, each against the ceiling server or the baseline of the same runs, so that what the
    machine does is not taken for the server's.

    \b
    Exit codes: 0 shown, 2 usage, and with --fail-on:
    4 a series stands on a worse level, 1 no series is long enough to tell.

    \b
    bench history add latest
    bench history --fail-on slower
    bench history --site public --commit-url 'https://example.org/commit/{commit}'
    """
    if context.invoked_subcommand is not None:
        context.obj = project
        return
    from bench.analysis.shifts import by_machine, history_of
    from bench.reports.history_answer import render_history

    if commit_url and not (
        commit_url.startswith(("https://", "http://")) and "{commit}" in commit_url
    ):
        raise UsageError(
            f"--commit-url {commit_url!r} is not an address of commits",
            advice="such as https://example.org/commit/{commit}",
        )
    entries = _entries(project)
    history = history_of(entries)
    with reader_may_leave():
        if as_json:
            emit_json(history)
        elif site is None:
            click.echo(render_history(history, by_machine(entries), last), nl=False)
    if site is not None:
        _write_site(site, history, entries, commit_url)
    if fail_on:
        _gate(history, last)


def _entries(project: Path | None) -> tuple[HistoryEntry, ...]:
    """All kept runs; what cannot be read is named, and left out.

    Raises:
        UsageError: nothing is kept yet.
    """
    from bench.plans.project import find_project
    from bench.store.history_files import FOLDER, read_entries

    folder = find_project(Path.cwd(), project).root / "reports" / FOLDER
    entries, unreadable = read_entries(folder)
    for each in unreadable:
        click.echo(f"left out: {each.path}: {each.reason}", err=True)
    if not entries:
        raise UsageError(
            f"nothing is kept in {folder}", advice="`bench history add latest` keeps the newest run"
        )
    return entries


def _write_site(
    folder: Path, history: History, entries: tuple[HistoryEntry, ...], commit_url: str
) -> None:
    from bench.reports.history_site import render_site
    from bench.store.atomic import replace_file

    pages = render_site(history, entries, commit_url=commit_url)
    for path, data in pages.items():
        replace_file(folder / path, data, lasting=False)
    click.echo(f"{len(pages)} pages in {folder}, begin with {folder / 'index.html'}", err=True)


def _gate(history: History, last: int) -> None:
    from bench.analysis.shifts import LEAST_POINTS, looked_at, newest_worse
    from bench.reports.wording.history_words import change_words, metric_name, short_history

    longest = max((len(each.points) for each in history.series), default=0)
    if not looked_at(history.series):
        raise BenchError(f"the gate cannot tell: {short_history(longest, LEAST_POINTS)}")
    found = newest_worse(history.series, last)
    if found:
        series, change = found[0]
        raise GateMetError(
            f"{len(found)} of {looked_at(history.series)} series stand on a worse level, such as "
            f"{series.server}, {series.workload}, {metric_name(series.metric)}: "
            f"{change_words(change, series.metric)} since {change.commit[:12]}"
        )


@command.command("add")
@click.argument("run")
@click.option(
    "--commit",
    default=None,
    metavar="REF",
    help="What the run measured, where it does not say so itself (runs of older versions).",
)
@click.pass_context
def add(context: click.Context, run: str, *, commit: str | None) -> None:
    """Keep the summary of RUN (a path, a name in reports/, or latest) by its commit.

    The same run again takes the place of what was kept of it.
    """
    from bench.analysis.shifts import entry_of
    from bench.plans.project import find_project
    from bench.run.opening import open_run
    from bench.store.history_files import FOLDER, write_entry
    from bench.store.runs import find_run

    root = find_project(Path.cwd(), context.obj).root
    view = open_run(find_run(run, root / "reports").path)
    entry = entry_of(view, _measured(view, root, commit))
    if not entry.values:
        raise UsageError(
            f"{entry.run_id} has no estimate to keep",
            advice=f"`bench show {entry.run_id}` says why",
        )
    path = write_entry(root / "reports" / FOLDER, entry)
    click.echo(f"{path}: {len(entry.values)} values of {entry.commit[:12]}")


def _measured(view: RunView, root: Path, ref: str | None) -> CommitFacts:
    """The commit that a run measured, with what git still knows of it."""
    from bench.analysis.shifts import CommitFacts
    from bench.servers.git import commit_of, described, repository_of

    info = view.info
    if ref is not None:
        found = described(root, commit_of(repository_of(root, _TO_NAME), ref).commit)
        assert found is not None  # noqa: S101 - commit_of found it
        return CommitFacts(
            found.commit, dirty=False, subject=found.subject, committed=found.committed
        )
    if info.commit is None:
        raise UsageError(
            f"{info.run_id} does not say which commit it measured",
            advice="name it: bench history add RUN --commit REF",
        )
    known = described(root, info.commit)
    return CommitFacts(
        info.commit,
        dirty=info.dirty,
        subject=known.subject if known else "",
        committed=known.committed if known else None,
    )
