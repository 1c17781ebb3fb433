"""The command line: one file per command, imported only when it is called."""

from __future__ import annotations

import errno
import importlib
import io
import os
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from bench import __version__
from bench.cli.common import plain, printable
from bench.cli.ending import end_later
from bench.errors import (
    EXIT_SIGINT,
    EXIT_SIGTERM,
    INTERRUPTIONS,
    BenchError,
    StoreError,
    TerminatedError,
    UsageError,
    nearest,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

COMMANDS: Final[dict[str, str]] = {
    "init": "Write a first server, workload and matrix into a folder.",
    "run": "Measure what a matrix says and write the report.",
    "ab": "Compare versions of a server: is my branch faster than main?",
    "bisect": "Find the commit since which a server costs more.",
    "capacity": "Find the highest rate at which a server keeps a promise.",
    "serve": "Start a server as a trial would and show its log.",
    "try": "Measure a command or an address at once, without any file.",
    "plan": "Show what a run would do: cells, order, CPUs, time.",
    "validate": "Check configuration files; all errors at once.",
    "build": "Build servers.",
    "verify": "Start servers and check every workload's response.",
    "report": "Print or renew the report of a run.",
    "history": "Keep summaries by commit; tell when a server became slower.",
    "compare": "Compare two runs; the first is the baseline.",
    "profile": "Say where the CPU time of a server goes.",
    "parse": "Turn one raw load tool output into JSON.",
    "import": "Make a run of results that were measured elsewhere.",
    "host": "Show hardware and system as a run records them.",
    "doctor": "Say what is missing or noisy and what fixes it.",
    "machines": "Check machines that server and load run on.",
    "setup": "Install missing load tools.",
    "schema": "Print the JSON Schema of configuration files, for editors.",
    "list": "List servers, workloads, matrices or runs.",
    "show": "Show a run or one trial: commands, log, reasons.",
    "check": "Verify a run directory.",
    "clean": "Show and remove caches and runs.",
}
"""Name -> one line of help. The code is in bench.cli.<name>_command, function `command`."""


_SHOWN_MAX: Final = 100
_NOT_THAT_KIND: Final = (errno.EISDIR, errno.ENOTDIR)  # a folder for a file, or the reverse


class LazyGroup(click.Group):
    """A group that imports a command's module when it is called, so that --help is fast."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """Names in the order of `COMMANDS`."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - click's signature
        """The command of that name, or None."""
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(f"bench.cli.{cmd_name}_command")
        command: click.Command = module.command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 - click's signature
        """Write the list of commands without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Name the nearest command when there is no such one."""
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as error:
            near = nearest(args[0], COMMANDS)
            hint = f" Did you mean {near!r}?" if near else ""
            raise click.UsageError(f"{error.message}{hint}", ctx) from None


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="bench")
def bench() -> None:
    """Honest HTTP benchmarks of your own servers.

    A first table:  bench run quick

    Results go to stdout, progress and findings to stderr.
    """


def main(args: Sequence[str] | None = None) -> None:
    """Run `bench`; the only place that turns errors into exit codes."""
    _print_what_can_be()
    INTERRUPTIONS.begins = end_later
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, INTERRUPTIONS)
    try:
        code = bench.main(
            args=args, prog_name="bench", standalone_mode=False, color=False if plain() else None
        )
    except click.exceptions.Abort:
        click.echo("interrupted", err=True)
        sys.exit(EXIT_SIGINT)
    except KeyboardInterrupt:
        click.echo("interrupted", err=True)
        sys.exit(EXIT_SIGINT)
    except TerminatedError:
        sys.exit(EXIT_SIGTERM)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except BenchError as error:
        _say(error)
        sys.exit(error.exit_code)
    except BrokenPipeError:
        sys.stderr.close()
        sys.exit(0)
    except OSError as error:
        wrapped = _in_words(error)
        _say(wrapped)
        sys.exit(wrapped.exit_code)
    sys.exit(code if isinstance(code, int) else 0)


def _in_words(error: OSError) -> BenchError:
    """What no command expected of a file: which one, and whose fault it is."""
    try:
        Path.cwd()
    except OSError:
        return UsageError(
            "the current folder cannot be read: it was removed or is closed to you",
            advice="cd into a folder that is there",
        )
    reason, name = error.strerror or str(error), error.filename
    if not isinstance(name, (str, bytes, os.PathLike)):
        return StoreError(reason)
    shown = os.fsdecode(name)
    if error.errno == errno.ENAMETOOLONG:
        return UsageError(f"{shown[:_SHOWN_MAX]}...: no file can have so long a name")
    if error.errno in _NOT_THAT_KIND:
        return UsageError(f"{shown} cannot be read or written: {reason}")
    return StoreError(f"{shown} cannot be read or written: {reason}")


def _print_what_can_be() -> None:
    """A terminal or a pipe that knows Latin letters only gets ? for everything else."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")


def _say(error: BenchError) -> None:
    prefix = "error: " if plain() else click.style("error: ", fg="red")
    click.echo(prefix + printable(str(error)), err=True)
