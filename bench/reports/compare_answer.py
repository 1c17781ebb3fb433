"""A comparison of two runs as Markdown that fits a pull-request comment."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

from bench.model.metric_names import HIGHER_IS_BETTER
from bench.reports.blocks import Bullets, Folded, Heading, Paragraph, Table, code, strong
from bench.reports.markdown import markdown_blocks
from bench.reports.rows import format_cost, format_us
from bench.reports.wording.verdict_words import percent, percents, ratio_text, verdict_text
from bench.units import format_bytes, format_rate

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from bench.model.run_comparison import Change, CompareResult, CompareRow, MissingCell
    from bench.model.summary import Metric
    from bench.reports.blocks import Block, Text

METRIC_NAMES: Final = {
    "throughput_rps": "requests/s",
    "requests_per_cpu_second": "requests per CPU-second",
    "p50_us": "p50 of a trial",
    "p99_us": "p99 of a trial",
    "cpu_us_per_request": "CPU per request",
    "instructions_per_request": "instructions per request",
    "rss_peak_bytes": "peak memory",
}
_FORMATS: Final[dict[str, Callable[[float], str]]] = {
    "throughput_rps": format_rate,
    "requests_per_cpu_second": format_rate,
    "p50_us": format_us,
    "p99_us": format_us,
    "cpu_us_per_request": format_cost,
    "instructions_per_request": format_rate,
    "rss_peak_bytes": format_bytes,
}
_COLUMNS: Final = (
    "workload",
    "load",
    "server",
    "by",
    "baseline",
    "candidate",
    "ratio",
    "n",
    "verdict",
)
_WORDS: Final = frozenset({0, 1, 2, 3, 8})
_UNPAIRED: Final = (
    "Unpaired: Welch's t on logs, 95 % intervals; "
    "verdicts are corrected for the number of servers (Holm)."
)
_BETWEEN: Final = (
    "They hold what differed from round to round within each run, not what the machine did "
    "between the two: `bench ab` measures both at the same time."
)
_LEFT_OUT: Final = frozenset({"requests_per_cpu_second"})
"""The reciprocal of CPU per request: shown only where the gate looks at it."""


def render(result: CompareResult) -> str:
    """The whole comment as Markdown; ends with a line break."""
    return markdown_blocks(comment(result))


def comment(result: CompareResult) -> tuple[Block, ...]:
    """What is said of two runs: the headline, how it was compared, each cell, what differs."""
    return (
        Heading(f"{result.title}: candidate against baseline"),
        Paragraph((strong(_headline(result)),)),
        Paragraph(_method(result)),
        _table(result),
        *_section("Not compared", [_missing_line(cell) for cell in result.missing]),
        *_section(
            "What changed in the environment", [_change_line(change) for change in result.changes]
        ),
    )


def _headline(result: CompareResult) -> str:
    name, margin = METRIC_NAMES[result.metric], percent(result.margin)
    looked = [row for row in result.rows if row.metric == result.metric]
    looked = [row for row in looked if row not in result.machine]
    open_ones = [row for row in looked if _is_open(row, result.margin) and row not in result.gate]
    if result.gate:
        word = result.gate[0].verdict.word
        where = f"{len(result.gate)} of {len(looked)} cells"
        text = f"{word} beyond {margin} by {name} in {where}"
        text += f", not decided in {len(open_ones)}" if open_ones else ""
    elif not looked:
        text = f"no cell can be compared by {name}"
    elif open_ones:
        where = f"{len(open_ones)} of {_count(len(looked), 'cell')}"
        text = f"not decided by {name} in {where}: {_possible(open_ones, margin)}"
    else:
        text = f"nothing is worse beyond {margin} by {name} ({_count(len(looked), 'cell')})"
    lacking = f"; {_count(len(result.missing), 'cell')} not compared" if result.missing else ""
    return text[0].upper() + text[1:] + lacking + _machine(result)


def _machine(result: CompareResult) -> str:
    """What the ceiling server did, where it differs: nobody changed that between the runs."""
    moved = [row for row in result.machine if _differs(row)]
    if not moved:
        return ""
    far = max(moved, key=lambda row: abs(math.log(row.candidate.value / row.baseline.value)))
    verdict = far.verdict
    ratio = ratio_text(far.candidate.value / far.baseline.value, verdict.low, verdict.high)
    return f"; the machine changed too: its ceiling server, the same in both, {ratio}"


def _differs(row: CompareRow) -> bool:
    low, high = row.verdict.low, row.verdict.high
    return low is not None and high is not None and not low <= 1 <= high


def _is_open(row: CompareRow, margin: float) -> bool:
    """Whether the interval still holds a difference for the worse beyond the margin."""
    verdict = row.verdict
    if verdict.low is None or verdict.high is None:
        return True
    if row.metric in HIGHER_IS_BETTER:
        return verdict.low < 1 / (1 + margin)
    return verdict.high > 1 + margin


def _possible(rows: Sequence[CompareRow], margin: str) -> str:
    """How far off the cells may be that are not decided."""
    lows = [row.verdict.low for row in rows if row.verdict.low is not None]
    highs = [row.verdict.high for row in rows if row.verdict.high is not None]
    if len(lows) < len(rows):
        return f"worse beyond {margin} is still possible there; {_too_few(rows)}"
    span = percents(min(lows), max(highs))
    return f"worse beyond {margin} is still possible there, anywhere from {span}"


def _too_few(rows: Sequence[CompareRow]) -> str:
    """What was measured where too few rounds give no interval: the worst of it."""
    bare = [row for row in rows if row.verdict.low is None or row.verdict.high is None]
    ratios = [row.candidate.value / row.baseline.value for row in bare]
    worst = min(ratios) if bare[0].metric in HIGHER_IS_BETTER else max(ratios)
    seen = f"measured {ratio_text(worst, None, None)}"
    return (
        f"{seen}, in too few rounds to tell" if len(bare) == 1 else f"{seen} at worst, in too few"
    )


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _method(result: CompareResult) -> Text:
    hosts = () if result.same_host else (strong("The runs are of different hosts."), " ")
    return (
        *hosts,
        "Baseline ",
        code(result.baseline_run),
        ", candidate ",
        code(result.candidate_run),
        f". {_UNPAIRED} {_BETWEEN}",
    )


def _table(result: CompareResult) -> Table:
    kept = [row for row in result.rows if row.metric == result.metric or _shown(row)]
    return Table(_COLUMNS, tuple(map(_line, kept)), words=_WORDS)


def _shown(row: CompareRow) -> bool:
    return row.metric not in _LEFT_OUT


def _line(row: CompareRow) -> tuple[str, ...]:
    verdict = row.verdict
    return (
        row.workload,
        row.profile,
        row.server,
        METRIC_NAMES[row.metric],
        _value(row.metric, row.baseline),
        _value(row.metric, row.candidate),
        ratio_text(row.candidate.value / row.baseline.value, verdict.low, verdict.high),
        f"{row.baseline.n}, {row.candidate.n}",
        verdict_text(verdict),
    )


def _value(metric: str, estimate: Metric) -> str:
    return _FORMATS[metric](estimate.value)


def _section(title: str, lines: Sequence[Text]) -> list[Block]:
    return [Folded(f"{title} ({len(lines)})", (Bullets(tuple(lines)),))] if lines else []


def _missing_line(cell: MissingCell) -> Text:
    sides = {"both": " in both runs", "neither": ""}
    side = sides.get(cell.side, f" in the {cell.side}")
    return (code(f"{cell.server}.{cell.workload}.{cell.profile}"), f"{side}: {cell.reason}")


def _change_line(change: Change) -> Text:
    before, after = (
        "unknown" if value is None else code(value) for value in (change.before, change.after)
    )
    return (f"{change.what}: ", before, " -> ", after)
