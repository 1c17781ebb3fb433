"""`bench show`: a run, or one trial with the commands that repeat it."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING

import click

from bench.cli.common import emit_json, json_option, printable, project_option
from bench.errors import UsageError, did_you_mean
from bench.units import format_rate

if TYPE_CHECKING:
    from bench.model.trial_record import CommandRecord, TrialRecord
    from bench.store.run_directory import RunDirectory

_LOG_LINES = 20


@click.command()
@click.argument("run")
@click.argument("trial", required=False)
@json_option
@project_option
def command(run: str, trial: str | None, project: Path | None, *, as_json: bool) -> None:
    """Show RUN (a path, a name in reports/, or `latest`), or one TRIAL of it.

    A trial is shown with its status and reasons, the exact commands to repeat it by hand with
    their CPUs, what was measured, and the end of the server's log.
    """
    from bench.plans.project import find_project
    from bench.store.runs import find_run

    directory = find_run(run, find_project(Path.cwd(), project).root / "reports")
    records, damaged = directory.trials()
    if trial is None:
        if as_json:
            rows = [{"trial": r.trial, "status": r.status, "reasons": r.reasons} for r in records]
            emit_json({"run": directory.path.name, "trials": rows})
            return
        for record in records:
            click.echo(_line(record))
        for item in damaged:
            click.echo(f"line {item.line} of trials.jsonl is damaged: {item.reason}", err=True)
        return
    record = _find(records, trial)
    if as_json:
        emit_json(record)
    else:
        _show(record, directory)


def _find(records: tuple[TrialRecord, ...], name: str) -> TrialRecord:
    for record in records:
        if record.trial == name:
            return record
    names = [record.trial for record in records]
    raise UsageError(
        f"no finished trial {name!r} in this run",
        advice=did_you_mean(name, names, "`bench show RUN` lists them", cutoff=0.3),
    )


def _line(record: TrialRecord) -> str:
    rate = f"{format_rate(record.load.throughput_rps):>8} req/s" if record.load else " " * 14
    reasons = ", ".join(record.reasons)
    return f"{record.trial:<48} {record.status:<8} {rate}  {reasons}"


def _show(record: TrialRecord, directory: RunDirectory) -> None:
    from bench.reports.wording.findings import text_of

    echo = click.echo
    echo(_line(record))
    if record.detail:
        echo(f"  {printable(record.detail)}")
    for item in record.findings:
        echo(f"  {item.severity}: {item.code}: {printable(text_of(item))}")
    phases = ", ".join(f"{name} {value:.3f} s" for name, value in record.phases_s)
    echo(f"  phases     {phases}")
    if record.overhead_s is not None:
        echo(f"  overhead   {record.overhead_s:.3f} s")
    if record.load:
        load = record.load
        errors = load.errors.model_dump(exclude_none=True) if load.errors else {}
        shown = ", ".join(f"{kind} {count}" for kind, count in errors.items() if count) or "none"
        echo(
            f"  load       {load.requests:,} responses in {load.duration_s:.3f} s; errors: {shown}"
        )
    side = record.sidechannel
    if side.asked:
        echo(
            f"  meanwhile  {side.asked} questions: {side.right} right, {side.wrong} wrong, "
            f"{side.unanswered} not answered in time"
        )
    echo("  to repeat by hand:")
    for repeat in record.commands:
        echo(f"    {shell_line(repeat)}")
    log = directory.path / "trials" / record.trial / "server.log"
    if log.is_file():
        lines = log.read_bytes()[-8192:].decode("utf-8", "replace").splitlines()[-_LOG_LINES:]
        echo(f"  server log ({log}):")
        for line in lines or ["(empty)"]:
            echo(f"    {printable(line)}")


def shell_line(record: CommandRecord) -> str:
    """A command as a line for a shell: pinning, environment, arguments."""
    words: list[str] = []
    if record.env:
        words += ["env", *(f"{name}={value}" for name, value in record.env.items())]
    if record.cpus:
        words += ["taskset", "-c", ",".join(str(cpu) for cpu in record.cpus)]
    return shlex.join([*words, *record.argv])
