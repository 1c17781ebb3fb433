"""Commands that reports print: the one that made the run, and the same with more rounds."""

from __future__ import annotations

import math
import shlex
from statistics import mean
from typing import TYPE_CHECKING, Final

from bench.model.server_config import CEILING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from bench.model.plan import Arm, Plan
    from bench.model.summary import RunInfo, RunView
    from bench.model.trial_record import TrialRecord

_SEEDED: Final = frozenset({"run", "capacity"})
"""Commands that take `--seed`."""
_MORE: Final = {"run": ("--rounds", "--max-time"), "ab": ("--max-time",), "try": ("--rounds",)}
"""Commands that can be asked for more -> the options by which they are."""
_ONCE: Final = frozenset({"--rounds", "--max-time", "--seed", "--publish"})
"""Options with a value that belong to the one run: how long it was, where it went."""
_ONCE_FLAGS: Final = frozenset({"--json", "--markdown"})
_ROUNDS_MOST: Final = 100
"""What `--rounds` takes at most."""
_SPARE: Final = 1.1
"""The calibration, and what lies between trials, count as time too: 2 % and 4 % of a run of all."""
_MINUTE_S: Final = 60
_COARSE: Final = 30
"""Minutes from which on a time is rounded up to five of them."""


def repeat_command(info: RunInfo, seed: int) -> str:
    """The command that makes a run like this one, in the same order where it can be asked for.

    What run.json has is what was typed after the program's name, however bench was started
    (`bench`, `python -m bench`, a recipe of the Justfile).
    """
    words = info.argv or ("run", info.matrix)
    if words[0] in _SEEDED and not any(_option(word) == "--seed" for word in words):
        words = (*words, "--seed", str(seed))
    return shlex.join(("bench", *words))


def more_rounds_command(run: RunView, rounds: int) -> str:
    """The command of this run with so many rounds; "" where it cannot be asked for them.

    Where the time was limited it is given as much as those rounds took here: rounds that do not
    fit are not made.
    """
    words = run.info.argv or ("run", run.plan.matrix)
    options = _MORE.get(words[0], ())
    if not options or run.plan.search is not None:
        return ""
    more: list[str] = []
    if "--rounds" in options:
        more += ["--rounds", str(min(rounds, _ROUNDS_MOST))]
    if "--max-time" in options and run.plan.max_time_s is not None:
        more += ["--max-time", _minutes(rounds * round_s(run.trials) * _SPARE)]
    kept = tuple(_without_once(words[1:]))
    # The words of a command that is tried are its own: options come before them.
    placed = (*more, *kept) if words[0] == "try" else (*kept, *more)
    return shlex.join(("bench", words[0], *placed))


def round_s(trials: Iterable[TrialRecord]) -> float:
    """Seconds that a round with every cell of these trials takes, by what each took on average."""
    lengths: dict[str, list[float]] = {}
    for trial in trials:
        lengths.setdefault(trial.cell.id, []).append(trial.phases_s.total)
    return math.fsum(mean(each) for each in lengths.values())


def tested(plan: Plan) -> tuple[Arm, ...]:
    """Arms of servers that lie in the project, each once: no copies, no yardstick."""
    return tuple(
        arm
        for arm in plan.arms
        if arm.copy_of is None and arm.url is None and arm.server != CEILING
    )


def server_id(arm: Arm) -> str:
    """The id by which commands know the server: of a version that of the server itself."""
    return arm.version_of or arm.server


def _option(word: str) -> str:
    return word.partition("=")[0]


def _without_once(words: Sequence[str]) -> Iterator[str]:
    left = iter(words)
    for word in left:
        if word == "--":
            yield word
            yield from left
        elif _option(word) in _ONCE:
            if "=" not in word:
                next(left, None)
        elif word not in _ONCE_FLAGS:
            yield word


def _minutes(seconds: float) -> str:
    """`8m`, `75m`: rounded up."""
    whole = max(1, math.ceil(seconds / _MINUTE_S))
    return f"{whole if whole < _COARSE else 5 * math.ceil(whole / 5)}m"
