"""Options and output that commands share."""

from __future__ import annotations

import contextlib
import math
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from bench.errors import BenchError, UsageError
from bench.units import DAY_S, parse_duration

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pydantic import BaseModel

    from bench.model.summary import RunView

CONNECTIONS: Final = click.IntRange(1, 100_000)
"""As in a matrix."""
FOREIGN_CONNECTIONS: Final = click.IntRange(1, 10**9)
"""Of a result that was measured elsewhere."""
SEED: Final = click.IntRange(0, 2**53)
"""As in a matrix: what a JSON number holds exactly."""


class FiniteRange(click.FloatRange):
    """A range of floats; `nan` is neither below nor above anything, and would pass any other."""

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        """Read the number.

        Raises:
            BadParameter: not a number, without an end, or out of the range.
        """
        number = float(super().convert(value, param, ctx))
        if not math.isfinite(number):
            self.fail(f"{value} is not in the range {self._describe_range()}.", param, ctx)
        return number


project_option = click.option(
    "--project",
    type=click.Path(file_okay=False, path_type=Path),
    default=None,
    help="Folder with configs/ and servers/ (default: the nearest parent that has one of them).",
)
machines_option = click.option(
    "--machines",
    metavar="NAME",
    help="Server and load on these machines of ~/.config/bench/machines.yaml, or FILE:NAME.",
)
json_option = click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")


def plain() -> bool:
    """Whether the user (NO_COLOR, https://no-color.org) or the terminal wants no control codes."""
    return bool(os.environ.get("NO_COLOR")) or os.environ.get("TERM") == "dumb"


def printable(text: str) -> str:
    """Text of a server's log or answer, with control characters made harmless."""
    return "".join(char if char.isprintable() or char == "\n" else "?" for char in text)


def emphasized(text: str) -> str:
    """Text that stands out on a terminal; `click.echo` takes the codes off elsewhere."""
    return click.style(text, bold=True)


def emit_json(value: BaseModel | dict[str, Any]) -> None:
    """Print one object as JSON on stdout, with a `schema_version`."""
    import orjson

    from bench.model.base import SCHEMA_VERSION

    data = value if isinstance(value, dict) else value.model_dump(mode="json", by_alias=True)
    data = {"schema_version": SCHEMA_VERSION, **data}
    try:
        text = orjson.dumps(data, option=orjson.OPT_INDENT_2).decode()
    except TypeError:  # the name of a file that is not UTF-8 stands in it
        text = orjson.dumps(_readable(data), option=orjson.OPT_INDENT_2).decode()
    click.echo(text)


def _readable(value: Any) -> Any:
    """The same with ? for each byte of a text that is not UTF-8."""
    if isinstance(value, dict):
        return {_readable(key): _readable(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_readable(inner) for inner in value]
    return value.encode("utf-8", "replace").decode() if isinstance(value, str) else value


@contextlib.contextmanager
def reader_may_leave() -> Iterator[None]:
    """What is printed within may end in a closed pipe: what comes after still decides.

    A gate into `| head` or `| true` has to give its exit code all the same.
    """
    try:
        yield
    except BrokenPipeError:
        # What is still in the buffer would fail again, and change the exit code, at the end.
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)


def parsed(option: str, text: str, parse: Callable[[str], float]) -> float:
    """The number that an option's text stands for.

    Raises:
        UsageError: it stands for none; names the option.
    """
    try:
        return parse(text)
    except ValueError as error:
        raise UsageError(f"{option} {text!r}: {error}") from None


def names(option: str, text: str | None) -> tuple[str, ...]:
    """The names in an option's text, separated by commas; none where it was not given.

    Raises:
        UsageError: it was given and names nothing, which would otherwise mean all.
    """
    if text is None:
        return ()
    found = tuple(name.strip() for name in text.split(",") if name.strip())
    if not found:
        raise UsageError(f"{option} {text!r}: expected names, separated by commas")
    return found


def seconds(option: str, text: str) -> float:
    """A duration up to a day, in seconds.

    Raises:
        UsageError: it is another text, or longer; names the option.
    """
    found = parsed(option, text, parse_duration)
    if found > DAY_S:
        raise UsageError(f"{option}: expected a duration of at most 24h")
    return found


def some_seconds(option: str, text: str) -> float:
    """A duration above 0 s and up to a day, in seconds.

    Raises:
        UsageError: it is another text, 0s or longer; names the option.
    """
    found = seconds(option, text)
    if not found:
        raise UsageError(f"{option}: expected a duration above 0s")
    return found


def check_served(view: RunView) -> None:
    """The cause is the last thing that is said.

    Raises:
        BenchError: a server could not be built, or answered wrongly before anything was measured.
    """
    from bench.reports.wording.findings import text_of

    for item in view.summary.findings:
        if item.code in ("build-failed", "not-served"):
            raise BenchError(text_of(item))
