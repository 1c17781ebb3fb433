"""`bench import`: results measured elsewhere become a run that all reports render."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from bench.cli.common import FOREIGN_CONNECTIONS, project_option
from bench.errors import EXIT_FAILED, UsageError
from bench.loadtools import TOOLS, Recorded

if TYPE_CHECKING:
    from bench.model.load_result import Loop
    from bench.run.importing.sources import ImportOptions, ResultFile

_PLAIN: Final = r"[0-9]+\.?[0-9]*|\.[0-9]+"
"""Seconds without their unit."""


def _date(_ctx: click.Context, _param: click.Parameter, value: str | None) -> str | None:
    if value is None:
        return None
    try:
        at = datetime.fromisoformat(value)
        at = at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
    except (ValueError, OverflowError):  # the first and the last day have no other time zone
        raise click.BadParameter("expected a date such as 2025-11-21") from None
    return at.isoformat(timespec="seconds")


def _duration(_ctx: click.Context, _param: click.Parameter, value: str | None) -> float | None:
    from bench.units import DAY_S, parse_duration

    if value is None:
        return None
    try:
        seconds = float(value) if re.fullmatch(_PLAIN, value) else parse_duration(value)
    except ValueError as error:
        raise click.BadParameter(str(error)) from None
    if not seconds > 0:
        raise click.BadParameter("expected a duration above 0s")
    if seconds > DAY_S:
        raise click.BadParameter("expected a duration of at most 24h")
    return seconds


@click.command()
@click.argument("tool", type=click.Choice(list(TOOLS)))
@click.argument("results", nargs=-1, required=True, metavar="LABEL=FILE...")
@click.option("--title", default="Workload Benchmark Results", help="Title of the report.")
@click.option("--workload", default="imported", help="What was sent, in words: JSON Small.")
@click.option(
    "--connections",
    type=FOREIGN_CONNECTIONS,
    help="Connections (default: as the tool's output says, where it does).",
)
@click.option("--duration", callback=_duration, help="Window of each result: 10s.")
@click.option(
    "--body-bytes",
    type=click.IntRange(0, 10**15),
    help="Bytes of the body that was sent and answered; makes the throughput.",
)
@click.option(
    "--status",
    "statuses",
    type=click.IntRange(200, 599),
    multiple=True,
    help="A status that is right, such as 404; may be given again (default: 200 to 399).",
)
@click.option("--date", callback=_date, help="Day of the measurement (default: of the first file).")
@click.option("--hardware", default="", help="The machine in words: MacBook Pro M3, 36 GB.")
@click.option("--loop", type=click.Choice(["closed", "open"]), default="closed", show_default=True)
@click.option(
    "--output",
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder that receives the run; one that does not exist becomes the run itself "
    "(default: reports/).",
)
@project_option
def command(
    tool: str,
    results: tuple[str, ...],
    *,
    output: Path | None,
    project: Path | None,
    **told: Any,
) -> None:
    """Make a run of results of TOOL and print the run directory.

    Each LABEL=FILE is one result as TOOL printed it (`bench parse --help` names the forms). A
    label that comes again is a further round of the same server; the first label is the baseline.

    \b
    Example:
      bench import oha "Rust Baseline=rust.json" "Spikard Python=python.json" \\
          --workload "JSON Small" --connections 50 --body-bytes 86 --hardware MacBook
    """
    from bench.plans.project import find_project
    from bench.run.importing import import_run

    paths = [_split(result) for result in results]
    sources = [_read(tool, label, path, told["loop"], told["statuses"]) for label, path in paths]
    facts = _facts(tool, paths, **told)
    folder = output or find_project(Path.cwd(), project).root / "reports"
    imported = import_run.make_run(sources, facts)
    click.echo(import_run.store(imported, folder))
    for record in imported.trials:
        if record.status != "valid":
            click.echo(f"{record.trial}: {record.status}: {record.detail}", err=True)
    if imported.info.exit_code:
        raise click.exceptions.Exit(EXIT_FAILED)


def _facts(tool: str, paths: list[tuple[str, Path]], **told: Any) -> ImportOptions:
    from bench.run.importing.sources import ImportOptions

    return ImportOptions(
        title=told["title"],
        workload=told["workload"],
        connections=told["connections"] or _connections(tool, paths),
        duration_s=told["duration"],
        body_bytes=told["body_bytes"],
        started=told["date"] or _modified(paths[0][1]),
        hardware=told["hardware"],
        loop=told["loop"],
        statuses=told["statuses"],
    )


def _parted(text: str) -> tuple[str, str, str]:
    """Label, `=` and file: at the first `=` that a file follows, since `workers=4` is a label."""
    places = [place for place, char in enumerate(text) if char == "="]
    there = (place for place in places if Path(text[place + 1 :]).is_file())
    at = next(there, places[-1] if places else len(text))
    return text[:at], text[at : at + 1], text[at + 1 :]


def _split(text: str) -> tuple[str, Path]:
    label, equals, file = _parted(text)
    if not (label.strip() and equals and file):
        raise UsageError(f"expected LABEL=FILE, not {text!r}")
    path = Path(file)
    if not path.is_file():
        raise UsageError(f"{label}: there is no file {file}")
    return label.strip(), path


def _read(tool: str, label: str, path: Path, loop: Loop, statuses: tuple[int, ...]) -> ResultFile:
    from bench.loadtools.merging import judged
    from bench.run.importing.sources import ResultFile

    load = TOOLS[tool].read(path, Recorded(loop=loop))
    if statuses:
        if load.status is None:
            raise UsageError(f"{label}: {tool} does not tell which statuses it got: leave --status")
        load = judged(load, statuses)
    return ResultFile(label, path.name, path.read_bytes(), load, TOOLS[tool].conditions(path))


def _connections(tool: str, paths: list[tuple[str, Path]]) -> int:
    """As the output says where all agree, else 0 = not known."""
    said = {TOOLS[tool].connections(path) for _, path in paths}
    return (said.pop() or 0) if len(said) == 1 else 0


def _modified(path: Path) -> str:
    try:
        at = datetime.fromtimestamp(path.stat().st_mtime, UTC)
    except (ValueError, OverflowError):
        raise UsageError(f"{path} has no date", advice="--date says the day") from None
    return at.isoformat(timespec="seconds")
