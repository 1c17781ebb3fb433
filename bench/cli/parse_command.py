"""`bench parse`: one raw load tool output as JSON in the form that all tools share."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from bench.cli.common import FOREIGN_CONNECTIONS, emit_json
from bench.loadtools import TOOLS, Recorded

if TYPE_CHECKING:
    from collections.abc import Callable

    from bench.model.load_result import Loop

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
_PRINTS = ", ".join(f"the {tool.prints} of {name}" for name, tool in TOOLS.items())


def _extras(command: Callable[..., None]) -> Callable[..., None]:
    """Add an option for each further file that a load tool can leave."""
    extras = {name: text for tool in TOOLS.values() for name, text in tool.extras.items()}
    for name, text in reversed(extras.items()):
        command = click.option(f"--{name}", type=_FILE, help=text)(command)
    return command


@click.command(
    help=f"""Read FILE, what TOOL printed, and print it as JSON.

    FILE is {_PRINTS}. A tool's own percentiles are marked `exact: false`; give the further files
    of the same run for the latency of every response. Output that is not a complete result is
    refused with exit code 2, and the place is quoted.

    \b
    Examples:
      bench parse wrk wrk.txt
      bench parse oha oha.json --db oha.sqlite --loop open
    """
)
@click.argument("tool", type=click.Choice(list(TOOLS)))
@click.argument("file", type=_FILE)
@_extras
@click.option(
    "--connections",
    type=FOREIGN_CONNECTIONS,
    help="Connections of that process (default: as its output says).",
)
@click.option(
    "--loop",
    type=click.Choice(["closed", "open"]),
    help="Kind of loop, where the output does not tell.",
)
@click.option("--histogram", is_flag=True, help="Add the histogram: [[microseconds, count], ...].")
@click.option("--json", "_as_json", is_flag=True, help="Print one JSON object (always so).")
def command(
    tool: str,
    file: Path,
    *,
    connections: int | None,
    loop: Loop | None,
    histogram: bool,
    _as_json: bool,
    **extras: Path | None,
) -> None:
    """Print what a load tool reported, in the form that all tools share."""
    files = {name: path for name, path in extras.items() if path is not None}
    result = TOOLS[tool].read(file, Recorded(files, connections, loop))
    emit_json(result.model_dump(mode="json", exclude=None if histogram else {"histogram"}))
