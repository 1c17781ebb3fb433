"""What `bench ab` and `bench try` say at the end: the answer first, then what stands behind it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from bench.reports.blocks import Bullets, Folded, Heading, Paragraph, Table, strong
from bench.reports.markdown import markdown_blocks
from bench.reports.terminal import table as terminal_table
from bench.reports.wording.findings import text_of
from bench.reports.wording.verdict_words import percent, ratio_text, verdict_of
from bench.units import format_bytes, format_latency, format_rate

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
    "p50_us": "p50 at equal offered rate",
    "p99_us": "p99 at equal offered rate",
    "throughput_rps": "rate",
}

WHICH: Final = (
    "Quote the answer at the equal offered rate: both do the same work then, as in production; "
    "saturated, a server finds more requests at each wake-up, so that one costs less of its time."
)
"""How the answers of the two loads belong together."""

_DOUBTS: Final = frozenset({"arms-differ", "noisy-host", "concurrent-run"})


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
    if floor is not None and row.verdict.beyond_margin and within_noise(row.verdict, floor):
        noise += ", which is no less: two copies of one server may differ as much"
    return f"{text}{between}n = {metric.n if metric else 0}{noise} ({_load(view, row.profile)})"


def within_noise(verdict: Verdict, floor: float) -> bool:
    """Whether a difference is no larger than what two copies of one server may differ by."""
    ratio = verdict.ratio
    return ratio is not None and max(ratio, 1 / ratio) <= 1 + floor


def _load(view: RunView, profile: str) -> str:
    load = view.profiles[profile]
    if load.loop == "closed":
        return f"saturated, {load.connections} connections"
    share = f"{percent(load.rate_share)} of capacity" if load.rate_share else "offered rate"
    return f"equal offered rate, {share}"


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
            _value(row.metric, theirs),
            _value(row.metric, ours.value),
            ratio_text(ratio, row.verdict.low, row.verdict.high),
        )
    ]


def _alone(view: RunView, arm: str, workload: str) -> list[AnswerLine]:
    """Rates of the servers measured without the baseline beside them, paired by round."""
    from bench.stats.intervals import geometric, paired  # noqa: PLC0415 - late, see `bench --help`

    lines = []
    for profile in view.plan.alone:
        theirs, ours = (
            {
                trial.round: trial.load.throughput_rps
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
        pairs = [ours[number] for number in rounds], [theirs[number] for number in rounds]
        ratio, mine, other = paired(*pairs), geometric(pairs[0]), geometric(pairs[1])
        lines.append(
            AnswerLine(
                f"rate alone, {profile.connections} connections, n = {ratio.n}",
                format_rate(other.value),
                format_rate(mine.value),
                ratio_text(ratio.value, ratio.low, ratio.high),
            )
        )
    return lines


def _metric(cells: list[CellSummary], server: str, row: Comparison) -> Metric | None:
    found = next((c for c in cells if c.server == server and c.profile == row.profile), None)
    metric: Metric | None = getattr(found.metrics, row.metric) if found else None
    return metric


def _value(metric: str, value: float) -> str:
    if metric == "rss_peak_bytes":
        return format_bytes(round(value))
    if metric in ("p50_us", "p99_us"):
        return format_latency(value)
    if metric == "cpu_us_per_request":
        return f"{value:,.1f} us"
    return format_rate(value)


def once(view: RunView, arm: str) -> tuple[AnswerLine, ...]:
    """What does not depend on the load: start-up time and build size."""
    return (*_starts(view, arm), *_sizes(view, arm))


def _starts(view: RunView, arm: str) -> tuple[AnswerLine, ...]:
    """Start-up times: pairs of the same duet, or of the same round."""
    from bench.stats.intervals import paired  # noqa: PLC0415 - late, see `bench --help`

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
        cell = trial.cell.model_copy(update={"server": view.plan.baseline})
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
    if any(len(answer.said) > 1 for answer in answers(view)):
        parts.append(WHICH)
    if doubts := _warnings(view):
        parts.append("\n".join(doubts))
    parts += [terminal_table(_table(view, *each)) for each in _details(view)]
    return "\n\n".join(parts) + "\n"


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


def figures(view: RunView) -> str:
    """A small table of what each server reached, and what the reader must know."""
    head = ("server", "requests/s", "p50", "p99", "CPU/request", "memory", "success", "n")
    shown = terminal_table(Table(head, tuple(_figures(cell) for cell in view.summary.cells)))
    notes = {one.code: text_of(one) for one in view.summary.findings if one.severity != "info"}
    lines = [f"{name}: {said}" for name, said in notes.items()]
    return "\n".join([shown, *([""] if lines else []), *lines]) + "\n"


def _figures(cell: CellSummary) -> tuple[str, ...]:
    metrics, latency = cell.metrics, cell.latency_us
    points = [latency.percentiles.get(name) if latency else None for name in ("50", "99")]
    cpu, memory, rate = metrics.cpu_us_per_request, metrics.rss_peak_bytes, metrics.throughput_rps
    usable = cell.trials.valid + cell.trials.suspect
    if rate is None or not usable:
        return (cell.server, *["-"] * 6, "0")
    return (
        cell.server,
        format_rate(rate.value) + (f" +-{_spread(rate)}" if rate.low is not None else ""),
        *(format_latency(point) if point is not None else "-" for point in points),
        f"{cpu.value:,.1f} us" if cpu else "-",
        format_bytes(round(memory.value)) if memory else "-",
        percent(cell.success_rate) if cell.success_rate is not None else "-",
        str(usable),
    )


def _spread(metric: Metric) -> str:
    """Half the interval as a share of the value."""
    return percent(((metric.high or 0.0) - (metric.low or 0.0)) / 2 / metric.value)
