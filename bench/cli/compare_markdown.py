"""A comparison of two runs as Markdown that fits a pull-request comment."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from bench.analysis.verdict_text import percent, ratio_text
from bench.model.summary import HIGHER_IS_BETTER
from bench.reports.escape import markdown, markdown_code
from bench.units import format_bytes, format_latency, format_rate

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from bench.model.summary import Change, CompareResult, CompareRow, Metric, MissingCell

METRIC_NAMES: Final = {
    "throughput_rps": "requests/s",
    "requests_per_cpu_second": "requests per CPU-second",
    "p50_us": "p50",
    "p99_us": "p99",
    "cpu_us_per_request": "CPU per request",
    "instructions_per_request": "instructions per request",
    "rss_peak_bytes": "peak memory",
}
_FORMATS: Final[dict[str, Callable[[float], str]]] = {
    "throughput_rps": format_rate,
    "requests_per_cpu_second": format_rate,
    "p50_us": format_latency,
    "p99_us": format_latency,
    "cpu_us_per_request": lambda value: f"{value:.3g} us",
    "instructions_per_request": format_rate,
    "rss_peak_bytes": format_bytes,
}
_LEFT_OUT: Final = frozenset({"requests_per_cpu_second"})
"""The reciprocal of CPU per request: shown only where the gate looks at it."""


def render(result: CompareResult) -> str:
    """The whole comment; ends with a line break."""
    parts = [
        f"### {markdown(result.title)}: candidate against baseline",
        f"**{_headline(result)}**",
        _method(result),
        _table(result),
        *_section("Not compared", [_missing_line(cell) for cell in result.missing]),
        *_section(
            "What changed in the environment", [_change_line(change) for change in result.changes]
        ),
    ]
    return "\n\n".join(parts) + "\n"


def _headline(result: CompareResult) -> str:
    name, margin = METRIC_NAMES[result.metric], percent(result.margin)
    looked = [row for row in result.rows if row.metric == result.metric]
    if result.gate:
        word = result.gate[0].verdict.word
        where = f"{len(result.gate)} of {len(looked)} cells"
        text = f"{word} beyond {margin} by {name} in {where}"
    elif not looked:
        text = f"no cell can be compared by {name}"
    elif open_ones := [row for row in looked if _is_open(row, result.margin)]:
        where = f"{len(open_ones)} of {_count(len(looked), 'cell')}"
        text = f"not decided by {name} in {where}: worse beyond {margin} is still possible there"
    else:
        text = f"nothing is worse beyond {margin} by {name} ({_count(len(looked), 'cell')})"
    lacking = f"; {_count(len(result.missing), 'cell')} not compared" if result.missing else ""
    return text[0].upper() + text[1:] + lacking


def _is_open(row: CompareRow, margin: float) -> bool:
    """Whether the interval still holds a difference for the worse beyond the margin."""
    verdict = row.verdict
    if verdict.low is None or verdict.high is None:
        return True
    if row.metric in HIGHER_IS_BETTER:
        return verdict.low < 1 / (1 + margin)
    return verdict.high > 1 + margin


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _method(result: CompareResult) -> str:
    hosts = "" if result.same_host else "**The runs are of different hosts.** "
    return (
        f"{hosts}Baseline {markdown_code(result.baseline_run)}, candidate "
        f"{markdown_code(result.candidate_run)}. Unpaired: Welch's t on logs, 95 % intervals; "
        "verdicts are corrected for the number of servers (Holm)."
    )


def _table(result: CompareResult) -> str:
    head = (
        "| workload | load | server | by | baseline | candidate | ratio | n | verdict |\n"
        "|---|---|---|---|--:|--:|--:|--:|---|"
    )
    kept = [row for row in result.rows if row.metric == result.metric or _shown(row)]
    return "\n".join([head, *map(_line, kept)])


def _shown(row: CompareRow) -> bool:
    return row.metric not in _LEFT_OUT


def _line(row: CompareRow) -> str:
    verdict = row.verdict
    ratio = row.candidate.value / row.baseline.value
    cells = (
        markdown(row.workload),
        markdown(row.profile),
        markdown(row.server),
        METRIC_NAMES[row.metric],
        _value(row.metric, row.baseline),
        _value(row.metric, row.candidate),
        ratio_text(ratio, verdict.low, verdict.high),
        f"{row.baseline.n}, {row.candidate.n}",
        markdown(verdict.text),
    )
    return f"| {' | '.join(cells)} |"


def _value(metric: str, estimate: Metric) -> str:
    return _FORMATS[metric](estimate.value)


def _section(title: str, lines: Iterable[str]) -> list[str]:
    listed = [f"- {line}" for line in lines]
    if not listed:
        return []
    return [
        f"<details><summary>{title} ({len(listed)})</summary>",
        "\n".join(listed),
        "</details>",
    ]


def _missing_line(cell: MissingCell) -> str:
    sides = {"both": " in both runs", "neither": ""}
    side = sides.get(cell.side, f" in the {cell.side}")
    name = markdown_code(f"{cell.server}.{cell.workload}.{cell.profile}")
    return f"{name}{side}: {markdown(cell.reason)}"


def _change_line(change: Change) -> str:
    before, after = (
        "unknown" if value is None else markdown_code(value)
        for value in (change.before, change.after)
    )
    return f"{markdown(change.what)}: {before} -> {after}"
