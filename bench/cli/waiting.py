"""What is waited for: on a terminal with the time it has taken so far, else one plain line."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, Final, Self

import click

from bench.cli.common import plain
from bench.units import format_eta

if TYPE_CHECKING:
    from types import TracebackType

    from rich.console import Console
    from rich.live import Live
    from rich.text import Text

_PER_SECOND: Final = 2.0


class Waiting:
    """Says what is done now, until the next is said; for what runs outside of every window.

    On a terminal the line counts the time and goes away at the end: a thread redraws it.

    Args:
        console: where to draw; None = stderr, with a plain line where that is not a terminal.
    """

    def __init__(self, console: Console | None = None) -> None:
        self._console = console
        self._live: Live | None = None
        self._text = ""
        self._began = 0.0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def __call__(self, text: str) -> None:
        """Something begins that may take long."""
        self.close()
        if self._console is None and (plain() or not sys.stderr.isatty()):
            click.echo(f"{text} ...", err=True)
            return
        from rich.console import Console
        from rich.live import Live

        self._text, self._began = text, time.monotonic()
        self._live = Live(
            get_renderable=self._line,
            console=self._console or Console(stderr=True, highlight=False),
            refresh_per_second=_PER_SECOND,
            transient=True,
            redirect_stdout=False,
            redirect_stderr=False,
        )
        self._live.start(refresh=True)

    def close(self) -> None:
        """Nothing is waited for any more."""
        if self._live is not None:
            self._live.stop()
            self._live = None

    def _line(self) -> Text:
        from rich.text import Text

        spent = format_eta(time.monotonic() - self._began)
        return Text(f"{self._text} ... {spent}", no_wrap=True)
