"""`bench parse`: one raw load tool output as JSON in the form that all tools share."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from bench.cli.common import emit_json

if TYPE_CHECKING:
    from bench.model.load_result import Loop

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.command()
@click.argument("tool", type=click.Choice(["wrk", "oha"]))
@click.argument("file", type=_FILE)
@click.option("--db", type=_FILE, help="SQLite file of the same oha run (--db-url).")
@click.option("--csv", type=_FILE, help="CSV of the same oha run (--output-format csv).")
@click.option("--detail", type=_FILE, help="JSON of the same wrk run, written by bench.lua.")
@click.option(
    "--connections",
    type=click.IntRange(min=1),
    help="Connections of that wrk process (default: as its text says).",
)
@click.option(
    "--loop", type=click.Choice(["closed", "open"]), help="Kind of loop; oha does not tell."
)
@click.option("--histogram", is_flag=True, help="Add the histogram: [[microseconds, count], ...].")
@click.option("--json", "_as_json", is_flag=True, help="Print one JSON object (always so).")
def command(
    tool: str,
    file: Path,
    *,
    db: Path | None,
    csv: Path | None,
    detail: Path | None,
    connections: int | None,
    loop: Loop | None,
    histogram: bool,
    _as_json: bool,
) -> None:
    """Read FILE, what TOOL printed, and print it as JSON.

    FILE is the text of wrk or the JSON of oha. Their own percentiles are marked `exact: false`;
    give --detail (wrk) or --db or --csv (oha) for the latency of every response. Output that
    is not a complete result is refused with exit code 2, and the place is quoted.

    \b
    Examples:
      bench parse wrk wrk.txt
      bench parse oha oha.json --db oha.sqlite --loop open
    """  # noqa: D301 - the backspace is click's mark for lines that stay as they are
    from bench.loadtools import TOOLS, Recorded  # noqa: PLC0415 - late, see `bench --help`

    result = TOOLS[tool].read(file, Recorded(detail, db, csv, connections, loop))
    emit_json(result.model_dump(mode="json", exclude=None if histogram else {"histogram"}))
