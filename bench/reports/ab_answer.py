"""What `bench ab` and `bench try` say at the end: the answer first, then what stands behind it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from bench.analysis.in_flight import too_few
from bench.reports.blocks import Bullets, Folded, Heading, Paragraph, Table, strong
from bench.reports.markdown import markdown_blocks
from bench.reports.rows import shower
from bench.reports.terminal import table as terminal_table
from bench.reports.wording.findings import text_of
from bench.reports.wording.verdict_words import percent, ratio_text, verdict_of
from bench.stats.intervals import geometric, paired
from bench.units import format_bytes, format_rate

if TYPE_CHECKING:
    from bench.model.summary import CellSummary, Comparison, Metric, RunView, Verdict
    from bench.model.trial_record import TrialRecord
    from bench.reports.blocks import Block

QUESTION: Final = "requests_per_cpu_second"
"""What `ab` is about: CPU time per successful request, seen the way in which more is better."""

_NAMES: Final = {
    "cpu_us_per_request": "CPU per request",
    "instructions_per_request": "instructions per request",
    "rss_peak_bytes": "memory at peak",
    "p50_us": "p50 of a trial at equal offered rate",
    "p99_us": "p99 of a trial at equal offered rate",
    "throughput_rps": "rate",
}

_DIFFER: Final = frozenset({"faster", "slower", "less", "more"})
_CHANGING: Final = frozenset({"drift", "warmup-capped"})
WHICH: Final = (
    "Quote the answer at the equal offered rate: both do the same work then, as in production; "
    "saturated, a server finds more requests at each wake-up, so that one costs less of its time."
)
"""How the answers of the two loads belong together."""

_DOUBTS: Final = frozenset({"arms-differ", "noisy-host", "unsteady-cpu", "concurrent-run"})


class AnswerLine(NamedTuple):
    """One row of the details: what was looked at, baseline, arm, arm / baseline."""

    what: str
    baseline: str
    arm: str
    ratio: str


class AbAnswer(NamedTuple):
    """All that is said of one arm in one workload.

    Attributes:
        said: one line per load profile, the question's answer first.
        details: rows of a table.
    """

    arm: str
    workload: str
    said: tuple[str, ...]
    details: tuple[AnswerLine, ...]


def answers(view: RunView) -> tuple[AbAnswer, ...]:
    """The answer of every arm and workload, in the order of the plan.

    Copies are left out, unless they are all there is: arms of equal content.
    """
    others = [arm for arm in view.plan.arms if arm.name != view.plan.baseline]
    arms = [arm.name for arm in others if arm.copy_of is None] or [arm.name for arm in others]
    return tuple(
        _answer(view, arm, workload)
        for workload in view.plan.workloads
        for arm in arms
        if any(c.server == arm and c.workload == workload for c in view.summary.cells)
    )


def _answer(view: RunView, arm: str, workload: str) -> AbAnswer:
    rows = [
        row
        for row in view.summary.comparisons
        if row.server == arm and row.workload == workload and row.verdict.word != "baseline"
    ]
    cells = [c for c in view.summary.cells if c.workload == workload]
    said = [_line(view, cells, row) for row in rows if row.metric == QUESTION]
    said += _drifts(view, arm, workload)
    details = [line for row in rows if row.metric != QUESTION for line in _detail(cells, row, view)]
    details += _alone(view, arm, workload)
    return AbAnswer(arm, workload, tuple(said) or (_nothing(view, cells, arm),), tuple(details))


def _line(view: RunView, cells: list[CellSummary], row: Comparison) -> str:
    """`my-branch does more per CPU: 1.031x [1.018, 1.044], n = 7; noise floor 0.4 %`."""
    text = verdict_of(row.verdict, row.server)
    if row.verdict.word == "equivalent" and row.verdict.ratio:
        text += f": {ratio_text(row.verdict.ratio, row.verdict.low, row.verdict.high)}"
    metric = _metric(cells, row.server, row)
    between = "; " if "; " in text else ", "
    floor = view.summary.noise_floor
    noise = f"; noise floor {percent(floor)}" if floor is not None else ""
    if floor is not None and row.verdict.word in _DIFFER and within_noise(row.verdict, floor):
        noise += ", which is not less: two copies of one server may differ as much"
    return f"{text}{between}n = {metric.n if metric else 0}{noise} ({_load(view, cells, row)})"


def within_noise(verdict: Verdict, floor: float) -> bool:
    """Whether a difference is not larger than what two copies of one server may differ by."""
    ratio = verdict.ratio
    return ratio is not None and max(ratio, 1 / ratio) <= 1 + floor


def _load(view: RunView, cells: list[CellSummary], row: Comparison) -> str:
    """`at an equal 1,828 requests/s, 58 % of what both reach together`."""
    load = view.profiles[row.profile]
    if load.loop == "closed":
        return f"saturated, {load.connections} connections"
    cell = next((c for c in cells if (c.server, c.profile) == (row.server, row.profile)), None)
    if cell is None or not cell.offered_rps:
        return "equal offered rate"
    whose = "both reach together" if view.plan.design == "duet" else "the slowest reaches"
    share = f", {percent(cell.load_share)} of what {whose}" if cell.load_share else ""
    return f"at an equal {format_rate(cell.offered_rps)} requests/s{share}"


def _drifts(view: RunView, arm: str, workload: str) -> list[str]:
    """What went on changing inside the windows: it stands under the verdict."""
    cells = {
        f"{name}.{workload}.{profile}": f"{name} ({profile})"  # a release has dots in its name
        for name in (view.plan.baseline, arm)
        for profile in view.profiles
    }
    return [
        f"{cells[one.scope]}: {text_of(one)}"
        for one in view.summary.findings
        if one.code in _CHANGING and one.scope in cells
    ]


def _nothing(view: RunView, cells: list[CellSummary], arm: str) -> str:
    own = [c for c in cells if c.server == arm]
    bad = next((t for t in view.trials if t.server == arm and not t.usable), None)
    why = f": {bad.detail.splitlines()[0]}" if bad and bad.detail else ""
    tried = sum(c.trials.planned for c in own)
    return f"{arm}: no answer, none of {tried} trials can be used{why}"


def _detail(cells: list[CellSummary], row: Comparison, view: RunView) -> list[AnswerLine]:
    ours, ratio = _metric(cells, row.server, row), row.verdict.ratio
    closed = view.profiles[row.profile].loop == "closed"
    if row.metric not in _NAMES or ours is None or not ratio:
        return []
    if row.metric == "throughput_rps" and not closed:
        return []
    # The baseline of these very trials: in a duet it has others in every other pair.
    theirs = ours.value / ratio
    return [
        AnswerLine(
            f"{_NAMES[row.metric]}{', saturated' if closed else ''}",
            shower(row.metric)(theirs),
            shower(row.metric)(ours.value),
            ratio_text(ratio, row.verdict.low, row.verdict.high),
        )
    ]


def _alone(view: RunView, arm: str, workload: str) -> list[AnswerLine]:
    """Rates of the servers measured without the baseline beside them, paired by round."""
    lines = []
    for profile in view.plan.alone:
        theirs, ours = (
            {
                trial.round: trial.load
                for trial in view.trials
                if (trial.server, trial.workload, trial.profile) == (name, workload, profile.id)
                and trial.usable
                and trial.load
            }
            for name in (view.plan.baseline, arm)
        )
        rounds = sorted(theirs.keys() & ours.keys())
        if not rounds:
            continue
        sides = [[side[number] for number in rounds] for side in (ours, theirs)]
        least = [">=" if too_few(loads, profile.connections) else "" for loads in sides]
        rates, base = ([load.throughput_rps for load in loads] for loads in sides)
        ratio, mine, other = paired(rates, base), geometric(rates), geometric(base)
        lines.append(
            AnswerLine(
                f"rate alone, {profile.connections} connections, n = {ratio.n}",
                least[1] + format_rate(other.value),
                least[0] + format_rate(mine.value),
                "-" if any(least) else ratio_text(ratio.value, ratio.low, ratio.high),
            )
        )
    return lines


def _metric(cells: list[CellSummary], server: str, row: Comparison) -> Metric | None:
    found = next((c for c in cells if c.server == server and c.profile == row.profile), None)
    metric: Metric | None = getattr(found.metrics, row.metric) if found else None
    return metric


def once(view: RunView, arm: str) -> tuple[AnswerLine, ...]:
    """What does not depend on the load: start-up time and build size."""
    return (*_starts(view, arm), *_sizes(view, arm))


def _starts(view: RunView, arm: str) -> tuple[AnswerLine, ...]:
    """Start-up times: pairs of the same duet, or of the same round."""
    pairs = [pair for trial in view.trials if trial.server == arm if (pair := _pair(view, trial))]
    if not pairs:
        return ()
    theirs, ours = [a for a, _ in pairs], [b for _, b in pairs]
    ratio = paired(ours, theirs)
    before, after = (f"{sum(times) / len(times) * 1e3:,.0f} ms" for times in (theirs, ours))
    return (AnswerLine("start-up", before, after, ratio_text(ratio.value, ratio.low, ratio.high)),)


def _pair(view: RunView, trial: TrialRecord) -> tuple[float, float] | None:
    if not trial.usable:
        return None
    if trial.partner is not None:
        theirs = trial.partner.start_s
    else:
        cell = trial.cell.replace(server=view.plan.baseline)
        same = [t for t in view.trials if t.usable and t.cell == cell and t.round == trial.round]
        theirs = same[0].phases_s.start if same else 0.0
    ours = trial.phases_s.start
    return (theirs, ours) if theirs > 0 and ours > 0 else None


def _sizes(view: RunView, arm: str) -> tuple[AnswerLine, ...]:
    builds = [view.builds.get(name) for name in (view.plan.baseline, arm)]
    sizes = [build.artefact_bytes if build else None for build in builds]
    theirs, ours = sizes
    if not theirs or not ours:
        return ()
    return (AnswerLine("build", format_bytes(theirs), format_bytes(ours), f"{ours / theirs:.4f}x"),)


def text(view: RunView) -> str:
    """The whole answer for a terminal; each line of it stays one line."""
    parts = []
    for answer in answers(view):
        head = f"{answer.workload}: " if len(view.plan.workloads) > 1 else ""
        parts.append("\n".join(f"{head}{line}" for line in answer.said))
    if _two_loads(view):
        parts.append(WHICH)
    if doubts := _warnings(view):
        parts.append("\n".join(doubts))
    parts += [terminal_table(_table(view, *each)) for each in _details(view)]
    return "\n\n".join(parts) + "\n"


def _two_loads(view: RunView) -> bool:
    """Whether the same question is answered for two loads, so that one may be quoted wrongly."""
    judged = [row for row in view.summary.comparisons if row.verdict.word != "baseline"]
    return len({row.profile for row in judged if row.metric == QUESTION}) > 1


def markdown(view: RunView) -> str:
    """The same for a comment on a pull request; the table can be folded out."""
    return markdown_blocks(comment(view))


def comment(view: RunView) -> tuple[Block, ...]:
    """The answers, the doubts, the details folded, and how it was measured."""
    folded = [
        Folded(f"{answer.workload}: {answer.arm}", (_table(view, answer, rows),))
        for answer, rows in _details(view)
    ]
    doubts = _warnings(view)
    return (
        Heading(view.plan.title),
        *(
            Bullets(tuple((strong(answer.workload), f": {line}") for line in answer.said))
            for answer in answers(view)
        ),
        *([Paragraph(WHICH)] if _two_loads(view) else []),
        *([Bullets(tuple(doubts))] if doubts else []),
        *folded,
        Paragraph(_footer(view)),
    )


def _warnings(view: RunView) -> list[str]:
    """Arms that took no part, and doubts about this machine."""
    lines = [
        f"{one.server}: not measured, {one.reason.splitlines()[0]}" for one in view.plan.skipped
    ]
    return [*lines, *(text_of(one) for one in view.summary.findings if one.code in _DOUBTS)]


def _details(view: RunView) -> list[tuple[AbAnswer, tuple[AnswerLine, ...]]]:
    """The rows behind each answer, where there are any."""
    found = [(answer, (*answer.details, *once(view, answer.arm))) for answer in answers(view)]
    return [(answer, rows) for answer, rows in found if rows]


def _table(view: RunView, answer: AbAnswer, rows: tuple[AnswerLine, ...]) -> Table:
    head = (answer.workload, view.plan.baseline, answer.arm, "ratio [95 % interval]")
    return Table(head, tuple(rows), words=frozenset({0, 3}))


def _footer(view: RunView) -> str:
    """How it was measured, in one sentence."""
    how = {
        "duet": "Each arm ran at the same time as the baseline, on the same CPUs",
        "blocks": "The arms ran one after the other, in random order",
    }[view.plan.design]
    rounds = view.plan.rounds
    return f"{how}; {rounds} rounds with fresh processes, margin {percent(view.plan.margin)}."
