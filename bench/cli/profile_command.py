"""`bench profile`: where the CPU time of a server goes."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from bench.cli.common import (
    CONNECTIONS,
    FiniteRange,
    emit_json,
    json_option,
    machines_option,
    printable,
    project_option,
)
from bench.errors import EXIT_FAILED, EXIT_OK, UsageError

if TYPE_CHECKING:
    from bench.model.cpu_profile import Conversion
    from bench.plans.project import Project
    from bench.profiling.profile_run import ProfileOptions
    from bench.profiling.report import Profiled

_RATE_MAX: Final = 10_000_000
"""As in a matrix."""


@click.command()
@click.argument("names", nargs=-1, metavar="SERVER WORKLOAD")
@click.option("--against", default=None, help="Another server: where the first one needs more.")
@click.option("--connections", type=CONNECTIONS, default=50, show_default=True)
@click.option(
    "--rate",
    type=FiniteRange(0, _RATE_MAX, min_open=True),
    default=None,
    help="Offered requests per second (default: as many as it can).",
)
@click.option("--seconds", type=FiniteRange(1, 600), default=5.0, show_default=True)
@click.option(
    "--method",
    type=click.Choice(["auto", "perf", "py-spy", "node", "sample"]),
    default="auto",
    show_default=True,
)
@click.option(
    "--from",
    "run",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    default=None,
    help="Render the reports of an earlier profile run again.",
)
@click.option(
    "--conversion",
    is_flag=True,
    help="No profiler: CPU per request over body sizes, for each server that is named.",
)
@click.option(
    "--into",
    metavar="RUN",
    default=None,
    help="Add it to the report of that run, as 'Where the time goes'. Without SERVER and "
    "WORKLOAD: every server of the run under json-small and json-large, and the conversion cost.",
)
@machines_option
@json_option
@project_option
def command(  # noqa: PLR0917 - one parameter per option
    names: tuple[str, ...], against: str | None, connections: int, rate: float | None,
    seconds: float, method: str, run: Path | None, into: str | None, machines: str | None,
    project: Path | None, *, conversion: bool, as_json: bool,
) -> int:  # fmt: skip
    """Profile SERVER (one or more) under WORKLOAD and say where its CPU time goes.

    A trial without a profiler comes first, so that the slowdown is known. The run directory
    holds the raw profiles, a flame graph, speedscope's file and a report.

    With --machines the profiler runs on the server's machine, and what it wrote is brought here.
    """
    from bench.plans.project import find_project
    from bench.profiling import conversion_run as experiment
    from bench.profiling.profile_run import ProfileOptions
    from bench.profiling.reading import renew

    if machines and (conversion or into or run):
        raise UsageError(
            "--machines profiles servers: without --conversion, --into and --from",
            advice="those are about runs and servers of this machine",
        )
    found = find_project(Path.cwd(), project)
    wish = ProfileOptions(connections, rate, seconds, method)
    target = _target(found, into)
    if target and run is None and not names:
        return _whole_run(found, target, wish)
    if run is None:
        servers = [*names, against] if against else list(names)
        if len(names) < (1 if conversion else 2):
            raise UsageError("expected SERVER and WORKLOAD", advice="`bench profile --help`")
        if conversion:
            run = experiment.measure_conversion(found, servers, wish, _told)
        else:
            workload = servers.pop(len(names) - 1)
            run = _profiled(found, servers, workload, wish, machines)
    if target:
        run = _add(run, target)
    measured = experiment.read_conversion(run)
    if measured is not None:
        _show_conversion(run, measured, as_json=as_json)
        return EXIT_OK
    profiles = renew(run)
    if as_json:
        emit_json(_json(run, profiles))
    else:
        _print(run, profiles)
    return EXIT_OK


def _profiled(
    project: Project, servers: list[str], workload: str, wish: ProfileOptions, machines: str | None
) -> Path:
    """Profile servers on this machine, or on that of a group."""
    from bench.profiling.far_profile import FarProfiles
    from bench.profiling.profile_run import profile_servers
    from bench.run.whereabouts import opened

    with opened(machines) as lab:
        place = FarProfiles(lab) if lab else None
        return profile_servers(project, servers, workload, wish, _told, place=place)


def _target(project: Project, into: str | None) -> Path | None:
    from bench.store.runs import find_run

    return find_run(into, project.root / "reports").path if into else None


def _add(profiled: Path, run: Path) -> Path:
    from bench.profiling.into_run import add, write_report

    copy = add(profiled, run)
    write_report(run)
    click.echo(f"added to {run.name}: its report says where the time goes", err=True)
    return copy


def _whole_run(project: Project, run: Path, wish: ProfileOptions) -> int:
    """Profile all servers of a run into it; exit code 1 where nothing could be profiled."""
    from bench.profiling.into_run import profile_into

    done, failed = profile_into(project, run, wish, _told)
    for reason in failed:
        click.echo(f"not profiled: {printable(reason)}", err=True)
    click.echo(run / "report.md")
    return EXIT_OK if done else EXIT_FAILED


def _told(text: str) -> None:
    click.echo(text + " ...", err=True)


def _show_conversion(run: Path, found: Conversion, *, as_json: bool) -> None:
    from bench.profiling.conversion import tables_of
    from bench.reports.profiles import line_of
    from bench.reports.terminal import terminal_sections

    if as_json:
        lines = {server: line_of(found, server) for server in found.servers}
        emit_json(
            {
                "run": str(run),
                **found.model_dump(mode="json"),
                "lines": {
                    server: None
                    if line is None
                    else {
                        "intercept_us": line.intercept._asdict(),
                        "us_per_kb": line.slope._asdict(),
                        "n": line.n,
                    }
                    for server, line in lines.items()
                },
            }
        )
        return
    click.echo(terminal_sections(tables_of(found)))
    click.echo(run / "report.md")


def _json(run: Path, profiles: tuple[Profiled, ...]) -> dict[str, object]:
    from bench.reports.wording.findings import in_words

    return {
        "run": str(run),
        "profiles": [
            {
                "server": item.record.server,
                "workload": item.record.workload,
                "method": item.record.method,
                "interpreter": item.record.interpreter,
                "slowdown": item.record.slowdown,
                "spread": item.record.spread,
                "cpu_us_per_request": item.record.cpu_us,
                "breakdown": item.breakdown.model_dump(mode="json"),
                "findings": [
                    in_words(finding).model_dump(mode="json") for finding in item.findings
                ],
            }
            for item in profiles
        ],
    }


def _print(run: Path, profiles: tuple[Profiled, ...]) -> None:
    from bench.profiling.report import notes, sections
    from bench.reports.terminal import terminal_sections

    click.echo(terminal_sections(sections(profiles)))
    for note in notes(profiles):
        click.echo(f"- {printable(note)}", err=True)
    click.echo(run / "report.md")
