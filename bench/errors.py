"""Every error that a user can cause, with its exit code, and interruptions.

The tree::

    BenchError                1   anything that stops a command
     +- UsageError            2   wrong arguments, no such run, a lock held, resume refused
     |   +- ConfigError       2   one or more Problems in files that a user wrote
     |   +- ParseError        2   output of a load tool that is not a result; quotes the place
     |   +- ToolMissingError  2   a load tool is absent or too old
     +- BuildError            1   a server's build failed
     +- StartError            1   a server did not get ready
     +- VerifyError           1   a server answered wrongly
     +- StoreError            1   a run directory cannot be written (disk full, permissions)
     +- MachineError          1   another machine cannot be reached or used
     |   +- MachineLostError  1   it was reached, and is gone
     +- UnfitHostError        3   the machine is unfit for measuring, under --strict or in doctor
     +- GateMetError          4   the comparison gate was met
"""

from __future__ import annotations

import os
import signal
import threading
from typing import TYPE_CHECKING, Any, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

EXIT_OK = 0
EXIT_FAILED = 1
EXIT_USAGE = 2
EXIT_UNFIT = 3
EXIT_GATE = 4
EXIT_SIGINT = 130
EXIT_SIGTERM = 143


class BenchError(Exception):
    """An error with a message for the user and, where there is one, what to do about it.

    Attributes:
        exit_code: what the process exits with when this error ends it.
        message: what happened and where.
        advice: what the user can do, or "".
    """

    exit_code = EXIT_FAILED

    def __init__(self, message: str, *, advice: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.advice = advice

    def __str__(self) -> str:
        return f"{self.message}\n  {self.advice}" if self.advice else self.message


class UsageError(BenchError):
    """The command cannot be carried out as it was given."""

    exit_code = EXIT_USAGE


class Problem(NamedTuple):
    """One thing wrong in a file that a user wrote.

    Attributes:
        file: the file as the user would name it.
        line: 1-based line, or 0 where no line can be named.
        key: dotted path of the key such as `profiles[0].rate`, or "".
        message: what is wrong and what was expected.
        advice: the nearest spelling or what to do, or "".
    """

    file: str
    line: int
    key: str
    message: str
    advice: str = ""

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}" if self.line else self.file
        key = f" {self.key}:" if self.key else ""
        advice = f" ({self.advice})" if self.advice else ""
        return f"{place}:{key} {self.message}{advice}"


class ConfigError(UsageError):
    """One or more problems in configuration files, all found in one go."""

    def __init__(self, problems: list[Problem]) -> None:
        super().__init__("\n".join(str(problem) for problem in problems))
        self.problems = problems


class ParseError(UsageError):
    """The output of a load tool is not a result.

    Attributes:
        excerpt: the place in the output that could not be read, shortened.
    """

    def __init__(self, message: str, *, excerpt: str = "") -> None:
        shown = excerpt if len(excerpt) <= _EXCERPT_MAX else excerpt[:_EXCERPT_MAX] + "..."
        super().__init__(f"{message}: {shown!r}" if shown else message)
        self.excerpt = shown


_EXCERPT_MAX = 160


class ToolMissingError(UsageError):
    """A load tool that the matrix needs is absent or too old."""


class BuildError(BenchError):
    """A server could not be built."""


class StartError(BenchError):
    """A server did not get ready.

    Attributes:
        code: the reason code that the trial records, such as `server-died`.
        listens: the port on which it listens in place of its own; 0 = it does not.
    """

    def __init__(self, message: str, *, code: str, advice: str = "", listens: int = 0) -> None:
        super().__init__(message, advice=advice)
        self.code = code
        self.listens = listens


class VerifyError(BenchError):
    """A server answered wrongly, or not at all.

    Attributes:
        code: the reason code that the trial records, `wrong-response` or `no-answer`.
    """

    def __init__(self, message: str, *, code: str = "wrong-response", advice: str = "") -> None:
        super().__init__(message, advice=advice)
        self.code = code


class StoreError(BenchError):
    """A run directory cannot be written or read."""


class MachineError(BenchError):
    """Another machine cannot be reached or used.

    Attributes:
        machine: its name.
    """

    def __init__(self, message: str, *, machine: str, advice: str = "") -> None:
        super().__init__(message, advice=advice)
        self.machine = machine


class MachineLostError(MachineError):
    """A machine was reached and is gone: its cable, its power, its agent."""


class UnfitHostError(BenchError):
    """The machine is unfit for measuring."""

    exit_code = EXIT_UNFIT


class GateMetError(BenchError):
    """A comparison gate was met: the candidate is slower beyond the margin."""

    exit_code = EXIT_GATE


class CtrlCError(KeyboardInterrupt):
    """SIGINT arrived.

    Not KeyboardInterrupt itself: where that leaves code that was made from text, as NamedTuple
    makes its own, `python -m bench` ends by the signal (-2) though it was caught (pythonrun.c).
    """


class TerminatedError(BaseException):
    """SIGTERM arrived; unwinds like KeyboardInterrupt so that everything is stopped."""


class Interruptions:
    """A signal handler: the first SIGINT or SIGTERM is an exception, the second an exit at once.

    The supervisor ends everything that was started as soon as this process is gone.

    As a context, it holds the exception back until the block ends. Blocking the signal does not:
    the kernel gives it to another thread, such as the sampler's, and Python then runs the handler
    here all the same.

    Attributes:
        begins: called with the signal's number before the first is raised.
    """

    def __init__(self) -> None:
        self.begins: Callable[[int], None] = lambda _: None
        self._stopping = False
        self._depth = 0
        self._waiting: int | None = None

    def __call__(self, number: int, _frame: Any) -> None:
        """Handle one signal; Python calls this in the main thread only."""
        if self._stopping:
            os.write(2, b"\nstopped at once\n")
            os._exit(128 + number)
        self._stopping = True
        self.begins(number)
        if self._depth:
            self._waiting = number
        else:
            self._interrupt(number)

    def __enter__(self) -> None:
        if threading.current_thread() is threading.main_thread():
            self._depth += 1

    def __exit__(self, *_: object) -> None:
        if threading.current_thread() is not threading.main_thread():
            return
        self._depth -= 1
        if self._waiting is not None and not self._depth:
            number, self._waiting = self._waiting, None
            self._interrupt(number)

    def _interrupt(self, number: int) -> None:
        raise CtrlCError if number == signal.SIGINT else TerminatedError


INTERRUPTIONS: Final = Interruptions()
"""The handler of this process, once `bench.cli.main` has made it that."""


_GUESSED_MAX: Final = 64
_CANDIDATES_MAX: Final = 500


def nearest(word: str, candidates: Iterable[str], cutoff: float = 0.6) -> str | None:
    """The candidate that is spelled most like a word, or None where none is near."""
    import difflib  # noqa: PLC0415 - only needed when something is wrong

    if len(word) > _GUESSED_MAX:
        return None
    known = {one.lower(): one for one in list(candidates)[:_CANDIDATES_MAX]}
    near = difflib.get_close_matches(word.lower(), known, n=1, cutoff=cutoff)
    return known[near[0]] if near else None


def did_you_mean(
    word: str, candidates: Iterable[str], otherwise: str = "", cutoff: float = 0.6
) -> str:
    """Advice for an unknown word: the nearest one, or what to do where none is near."""
    near = nearest(word, candidates, cutoff)
    return f"did you mean {near}?" if near else otherwise
