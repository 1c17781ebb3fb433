"""What `scripts/perf_ab.py` found, as a document; computes and words, measures nothing."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from statistics import median
from typing import TYPE_CHECKING, Any, NamedTuple

from tabulate import tabulate

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

WORKLOAD = "json-small"
COSTLIER = "costlier"
DIFFERENT = ("faster", "slower")
LOADS = {"open": "equal offered rate", "closed": "saturated"}
"""The question first: a saturated event loop costs more or less by chance."""

# The goals of bench ab: half-widths within 60 s, false calls, differences found.
_WIDTH = {"axum": 0.01, "fastify": 0.015}
_WIDTH_ELSE = 0.02
_FALSE_SHARE = 1 / 20
_MISSED_MOST = 1


@dataclass(frozen=True)
class Answered:
    """One answer: requests per CPU-second of an arm, as a ratio to the baseline.

    Attributes:
        load: open (an equal offered rate) or closed (saturated).
        rounds: pairs of fresh processes that it was made from.
        word: the verdict.
        truth: the ratio as the servers counted it themselves, or None for copies (it is 1).
    """

    load: str
    rounds: int
    word: str
    ratio: float
    low: float
    high: float
    truth: float | None = None

    @property
    def half_width(self) -> float:
        """Half the interval of the log-ratio, as a share."""
        return math.expm1((math.log(self.high) - math.log(self.low)) / 2)

    @property
    def different(self) -> bool:
        """Whether the verdict calls the arms different, by however little."""
        return self.word in DIFFERENT

    @property
    def contains_truth(self) -> bool:
        """Whether the interval holds what the servers counted."""
        return self.truth is not None and self.low <= self.truth <= self.high

    def words(self) -> str:
        """`-0.3 % +-0.8 %, inconclusive`."""
        said = f"{_percent(self.ratio)} +-{_share(self.half_width)}, {self.word}"
        return said if self.truth is None else f"{said}, truth {_percent(self.truth)}"


@dataclass(frozen=True)
class Outcome:
    """One finished comparison.

    Attributes:
        wall_s: from start to end of `bench ab`, calibration and report included.
        window_s: of that, in windows that are measured.
        answered: the comparison that was asked for, by load.
        copies: that of the baseline with its own copy, where it was another one.
        host: of the run, as `bench host --json` has it.
        commit: of this project.
        suspect: how many of the trials were.
    """

    subject: str
    design: str
    number: int
    started: str
    wall_s: float
    window_s: float
    trials: int
    answered: tuple[Answered, ...]
    copies: tuple[Answered, ...]
    host: dict[str, Any]
    commit: str
    suspect: int = 0

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Outcome:
        """The inverse of `as_json`."""
        answers = {key: tuple(Answered(**one) for one in data[key]) for key in _ANSWERS}
        return cls(**(data | answers))

    def as_json(self) -> dict[str, Any]:
        """As it is kept on disk."""
        return asdict(self)

    @property
    def different(self) -> bool:
        """Whether any of its answers calls the arms different."""
        return any(one.different for one in self.answered)

    def line(self) -> str:
        """For the progress."""
        said = "; ".join(f"{LOADS[one.load]} {one.words()}" for one in self.answered)
        return f"{said} ({self.trials} trials, {self.wall_s:.0f} s)"


_ANSWERS = ("answered", "copies")


class Goal(NamedTuple):
    """What was to be reached, and whether it was."""

    text: str
    found: str
    held: bool


def goals(outcomes: Sequence[Outcome]) -> list[Goal]:
    """Every goal for which there is a measurement."""
    duets = [one for one in outcomes if one.design == "duet"]
    copies = [one for one in duets if one.subject != COSTLIER]
    found = [_width_goal(copies, name) for name in _subjects(copies)]
    if copies:
        wrong = sum(one.different for one in copies)
        text = f"two copies are called different in at most {_FALSE_SHARE * 100:.0f} % of tries"
        counted = f"{wrong} of {len(copies)} tries, in any of their answers"
        found.append(Goal(text, counted, wrong <= max(1, _FALSE_SHARE * len(copies))))
    return found + _costlier_goals([one for one in duets if one.subject == COSTLIER])


def detect_of(subject: str) -> str:
    """The `--detect` of a try: the half-width that is its goal."""
    return f"{_WIDTH.get(subject, _WIDTH_ELSE) * 100:g}%"


def _width_goal(copies: Sequence[Outcome], name: str) -> Goal:
    """Judged by the more exact of the two answers, which is not the same for every server."""
    limit = _WIDTH.get(name, _WIDTH_ELSE)
    widths = _widths(one for one in copies if one.subject == name)
    typical = {LOADS[load]: median(found) for load, found in widths.items() if found}
    best = min(typical, key=lambda load: typical[load], default="")
    return Goal(
        f"{name}: half-width at most {_share(limit)} in the better of both answers (median)",
        f"{_share(typical[best])}, {best}" if best else "none",
        bool(best) and typical[best] <= limit,
    )


def _costlier_goals(outcomes: Sequence[Outcome]) -> list[Goal]:
    answers = [a for one in outcomes for a in one.answered if a.load == "open"]
    if not answers:
        return []
    found = sum(a.word == "slower" for a in answers)
    holding = sum(a.contains_truth for a in answers)
    total = len(answers)
    return [
        Goal("the costlier server is found in every try", f"{found} of {total}", found == total),
        Goal(
            "its interval contains the truth in all tries but one",
            f"{holding} of {total}",
            holding >= total - _MISSED_MOST,
        ),
    ]


def _subjects(outcomes: Iterable[Outcome]) -> list[str]:
    return list(dict.fromkeys(one.subject for one in sorted(outcomes, key=lambda o: o.started)))


def _widths(outcomes: Iterable[Outcome]) -> dict[str, list[float]]:
    answers = [a for one in outcomes for a in one.answered]
    return {load: [a.half_width for a in answers if a.load == load] for load in LOADS}


def document(
    outcomes: Sequence[Outcome], settings: Sequence[str], max_time: tuple[str, str]
) -> str:
    """The whole document as Markdown."""
    parts = [
        "# How exact `bench ab` is",
        (
            "Made by `scripts/just perf-ab --write`. A try is one "
            f"`bench ab ... --workloads {WORKLOAD} {' '.join(settings)}`: fresh processes in every "
            "trial, half of the trials saturated (50 connections each), half at an equal offered "
            "rate (60 % of what both reach together). What is compared is requests per CPU-second. "
            f"`--max-time` is {max_time[0]} with two copies, {max_time[1]} with a costlier server, "
            "whose copy of the baseline takes half of it; where both answers are as exact as "
            "`--detect` asks (unless it is named above: 1 % for axum, 1.5 % for fastify, 2 % for "
            "the others), it ends earlier."
        ),
        _circumstances(outcomes),
        "## Goals",
        _table(
            ["goal", "found", ""], [(g.text, g.found, _held(g)) for g in goals(outcomes)], "lll"
        ),
        *_copies_part(outcomes),
        *_costlier_part(outcomes),
        *_blocks_part(outcomes),
    ]
    return "\n\n".join(parts) + "\n"


def _held(goal: Goal) -> str:
    return "held" if goal.held else "**not held**"


def _circumstances(outcomes: Sequence[Outcome]) -> str:
    """When and on what: a description that identifies no machine."""
    host = max(outcomes, key=lambda one: one.started).host
    system, cpu = host["os"], host["cpu"]
    kind = "a virtual machine" if host["machine"]["virtual"] else "a machine"
    days = sorted({one.started[:10] for one in outcomes})
    commits = sorted({one.commit for one in outcomes if one.commit})
    pinned = "pinned to CPUs of their own" if host["pinning"]["state"] == "pinned" else "unpinned"
    return (
        f"Measured on {' to '.join(dict.fromkeys((days[0], days[-1])))} with {', '.join(commits)}, "
        f"on {kind} with {cpu['physical']} cores ({cpu['logical']} logical CPUs) of "
        f"{cpu['model'] or 'an unknown model'}, {host['memory_bytes'] / 2**30:.0f} GiB, "
        f"{system['name']} {system['version'] or ''}, kernel "
        f"{'.'.join(str(system['kernel']).split('.')[:2])}; servers and load tools {pinned}. "
        f"Tries: {len(outcomes)}, in {sum(one.wall_s for one in outcomes) / 60:.0f} min; "
        f"{sum(one.suspect for one in outcomes)} of {sum(one.trials for one in outcomes)} trials "
        "were suspect (stolen time, other work on the CPUs)."
    )


def _copies_part(outcomes: Sequence[Outcome]) -> list[str]:
    copies = [one for one in outcomes if one.subject != COSTLIER and one.design == "duet"]
    if not copies:
        return []
    rows = [_copies_row([o for o in copies if o.subject == name]) for name in _subjects(copies)]
    head = ["server", "tries", "pairs", "s", *(f"+- {load}" for load in LOADS.values())]
    beside = [a for one in outcomes if one.design == "duet" for a in one.copies]
    more = ""
    if beside:
        wrong = sum(a.different for a in beside)
        more = (
            f" Not counted above: the copy of the baseline in the tries with a costlier server, "
            f"called different in {wrong} of {len(beside)} answers."
        )
    return [
        "## Two copies of one server",
        _table([*head, "called different"], rows, "lrrrrrr"),
        "*pairs*: fresh processes of both behind each answer (median); *s*: seconds from start to "
        "end of the command, calibration and report included (median); *+-*: half of the 95 % "
        "interval of the log-ratio, median and widest of the tries; *called different*: tries in "
        "which at least one of the two answers was `faster` or `slower`. There is no third "
        "copy: a try holds one comparison per load." + more,
    ]


def _copies_row(outcomes: Sequence[Outcome]) -> list[str]:
    widths = _widths(outcomes)
    return [
        outcomes[0].subject,
        str(len(outcomes)),
        f"{median(a.rounds for one in outcomes for a in one.answered):g}",
        f"{median(one.wall_s for one in outcomes):.0f}",
        *(_typical(widths[load]) for load in LOADS),
        f"{sum(one.different for one in outcomes)} of {len(outcomes)}",
    ]


def _typical(widths: Sequence[float]) -> str:
    if not widths:
        return "-"
    return f"{_share(median(widths))} ({_share(max(widths))})"


def _costlier_part(outcomes: Sequence[Outcome]) -> list[str]:
    tries = [o for o in outcomes if o.subject == COSTLIER and o.design == "duet"]
    rows = [
        (str(one.number), LOADS[a.load], _percent(a.truth), *_interval(a), _yes(a.contains_truth))
        for one in sorted(tries, key=lambda one: one.number)
        for a in sorted(one.answered, key=lambda a: list(LOADS).index(a.load))
    ]
    if not rows:
        return []
    head = ["try", "load", "truth", "answer", "95 % interval", "verdict", "contains the truth"]
    return [
        "## A server that costs a little more per request",
        _table(head, rows, "llrrrll"),
        (
            "*truth*: what it does more or less per CPU-second, by the CPU clocks of the servers "
            "themselves over their whole lives, less what starting costs; at an equal offered rate "
            "that difference over what a request of the plain server costs in the windows."
        ),
    ]


def _blocks_part(outcomes: Sequence[Outcome]) -> list[str]:
    blocks = [one for one in outcomes if one.design == "blocks"]
    groups = [
        [o for o in outcomes if o.subject == name and o.design == design]
        for name in _subjects(blocks)
        for design in ("duet", "blocks")
    ]
    rows = [_beside_row(group) for group in groups if group]
    if not rows:
        return []
    head = ["what", "design", "tries", "pairs", *(f"+- {load}" for load in LOADS.values())]
    return [
        "## At the same time, and one after the other",
        _table(head, rows, "llrrrr"),
        (
            "The same command with `--design blocks`: each server alone, in rounds of random "
            "order, in the same time."
        ),
    ]


def _beside_row(outcomes: Sequence[Outcome]) -> list[str]:
    widths = _widths(outcomes)
    subject = outcomes[0].subject
    return [
        "costlier server" if subject == COSTLIER else f"{subject} twice",
        outcomes[0].design,
        str(len(outcomes)),
        f"{median(a.rounds for one in outcomes for a in one.answered):g}",
        *(_typical(widths[load]) for load in LOADS),
    ]


def _interval(answered: Answered) -> tuple[str, str, str]:
    low, high = _percent(answered.low), _percent(answered.high)
    return _percent(answered.ratio), f"{low} to {high}", answered.word


def _percent(ratio: float | None) -> str:
    return "-" if ratio is None else f"{(ratio - 1) * 100:+.1f} %"


def _share(value: float) -> str:
    return f"{value * 100:.1f} %"


def _yes(value: bool) -> str:  # noqa: FBT001 - a word for it
    return "yes" if value else "no"


def _table(head: Sequence[str], rows: Sequence[Sequence[str]], align: str) -> str:
    words = {"l": "left", "r": "right"}
    columns = [words[letter] for letter in align]
    return tabulate(rows, head, tablefmt="pipe", colalign=columns, disable_numparse=True)
