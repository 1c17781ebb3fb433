"""One number for one thing: every figure of every form is held against the summary."""

from __future__ import annotations

import csv
import io
import re
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

import orjson
import pytest

from bench.reports.assembly import Rendering
from bench.reports.view import make_view
from tests.reports import samples

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from bench.model.summary import CellSummary, Metric, Verdict

NAMES = {"markdown": "report.md", "html": "report.html", "csv": "report.csv"}
FIGURE = re.compile(r"(?<![\w.,-])(\d[\d,]*(?:\.\d+)?) ?(ms|us|MB/s|MB|x|requests/sec)(?![\w/])")
TEXTS = {"baseline", "slower", "faster", "inconclusive", "equivalent", ""}


class Seen(NamedTuple):
    """One cell of a table: where it stands, what it is about, and what it says."""

    group: str
    server: str
    label: str
    text: str


@cache
def _files() -> dict[str, str]:
    from bench.reports import REPORTS  # noqa: PLC0415 - as the samples have it

    run = Rendering(samples.rich())
    return {
        form: next(iter(report.render(run).values())).decode() for form, report in REPORTS.items()
    }


@cache
def _cells() -> dict[tuple[str, str], CellSummary]:
    """By the titles that a reader sees; (group, server)."""
    view = make_view(samples.rich())
    return {
        (group.title, entry.title): entry.cell for group in view.groups for entry in group.entries
    }


def _rate(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def _ms(us: float) -> str:
    return f"{us / 1000:.3f} ms" if us < 10 else f"{us / 1000:.2f} ms"


def _us(value: float) -> str:
    return f"{value:#.3g} us" if value < 99.95 else f"{value:,.0f} us"


def _mb(value: float) -> str:
    return f"{value / 1e6:.2f} MB"


def _value(name: str, show: Callable[[float], str]) -> Callable[[CellSummary], str]:
    def read(cell: CellSummary) -> str:
        metric: Metric | None = getattr(cell.metrics, name)
        return "-" if metric is None else show(metric.value)

    return read


def _of_all(key: str) -> Callable[[CellSummary], str]:
    def read(cell: CellSummary) -> str:
        value = cell.latency_us.percentiles.get(key) if cell.latency_us else None
        return "-" if value is None else _ms(value)

    return read


def _latency(name: str) -> Callable[[CellSummary], str]:
    return lambda cell: _ms(getattr(cell.latency_us, name))


ROWS: dict[str, Callable[[CellSummary], str]] = {
    "Requests/sec": _value("throughput_rps", _rate),
    "Average Latency": _latency("mean"),
    "Fastest": _latency("min"),
    "Slowest": _latency("max"),
    "Throughput": lambda cell: f"{(cell.bytes_per_s or 0) / 1e6:.2f} MB/s",
    "Success Rate": lambda cell: f"{cell.success_rate:.0%}",
    "Total Requests": lambda cell: f"{cell.total_requests:,}",
    "p99 of a trial": _value("p99_us", _ms),
    "Offered Rate": lambda cell: _rate(cell.offered_rps or 0),
    "Achieved of Offered": lambda cell: f"{cell.achieved_ratio:.1%}",
    "CPU per Request": _value("cpu_us_per_request", _us),
    "Requests per CPU-second": _value("requests_per_cpu_second", _rate),
    "Peak Memory": _value("rss_peak_bytes", _mb),
    **{
        f"{loop}, p{key} of all requests": _of_all(key)
        for loop in ("Response time", "Service time at saturation")
        for key in ("50", "90", "99", "99.9")
    },
}
"""Label of a row -> what it must say of a cell; written apart from the report's own code."""


def _tables(markdown: str) -> Iterator[tuple[str, list[str], list[list[str]]]]:
    """Heading above, columns and rows of each table."""
    heading, head, rows = "", [""], list[list[str]]()
    for line in [*markdown.splitlines(), ""]:
        if line.startswith("#"):
            heading = line.lstrip("# ")
        if not line.startswith("|"):
            if rows:
                yield heading, head, rows[1:]
            head, rows = [""], []
            continue
        cells = [cell.strip().strip("*") for cell in line.strip("|").split(" | ")]
        if head == [""]:
            head = cells
        else:
            rows.append(cells)


def _metric_cells() -> Iterator[Seen]:
    """Every figure of a server in the tables of metrics."""
    for heading, head, rows in _tables(_files()["markdown"]):
        if head[0] == "Metric":
            group = heading.split(" (")[0]
            for label, *cells in rows:
                for server, text in zip(head[1:], cells, strict=True):
                    if server != "Ratio":
                        yield Seen(group, server, label, text)


def _times(verdict: Verdict) -> tuple[float, float, float]:
    return verdict.ratio or 0.0, verdict.low or 0.0, verdict.high or 0.0


def _numbers(text: str) -> list[float]:
    return [float(number.replace(",", "")) for number in re.findall(r"\d[\d,]*(?:\.\d+)?", text)]


def test_every_row_of_every_table_of_metrics() -> None:
    """No row is left unchecked, and each says what the summary holds."""
    checked = 0
    for seen in _metric_cells():
        cell = _cells()[seen.group, seen.server]
        if seen.label.endswith("95 % interval"):
            lead = cell.metrics.p99_us if cell.offered_rps else cell.metrics.throughput_rps
            show = _ms if cell.offered_rps else _rate
            assert lead is not None
            assert seen.text == f"[{show(lead.low or 0)}, {show(lead.high or 0)}]"
        elif seen.label != "Verdict":
            assert seen.text.removeprefix("\u2265 ") == ROWS[seen.label](cell), seen
        checked += 1

    assert checked > 500


def test_every_cell_of_the_answer() -> None:
    """Rate, ratios, cost and p99 are those of the cells that they name."""
    _, head, rows = next(_tables(_files()["markdown"]))
    assert head == [
        "Workload",
        "Server",
        "Requests/sec",
        "Rate against baseline",
        "CPU per request against baseline",
        "p99 of a trial, at equal rate",
        "p99 against baseline",
        "Verdict",
    ]
    for workload, server, rate, against, cost, p99, slower, _ in rows:
        closed = _cells()[f"{workload}, closed loop", server]
        opened = _cells()[f"{workload}, open loop at 2,000 requests/s", server]
        metric, late = closed.metrics.throughput_rps, opened.metrics.p99_us
        assert metric is not None
        assert late is not None
        assert rate == _rate(metric.value)
        assert p99 == f"{_ms(late.value)} at 2,000/s"
        for text, verdict in ((against, metric.verdict), (slower, late.verdict)):
            assert verdict is not None
            if verdict.word != "baseline":
                assert _numbers(text) == pytest.approx(_times(verdict), rel=0.01, abs=0.006)
        if closed.cost:
            expected = (*_times(closed.cost.verdict), closed.cost.rate_rps)
            assert _numbers(cost) == pytest.approx(expected, rel=0.01, abs=0.006)

    assert len(rows) == 3 * 6


def test_every_cell_of_the_costs() -> None:
    """The ratio is that of the duets, and the saturated one beside it that of the blocks."""
    head, rows = next((h, r) for _, h, r in _tables(_files()["markdown"]) if "Noise floor" in h)
    for row in rows:
        told = dict(zip(head, row, strict=True))
        cell = _cells()[f"{told['Workload']}, closed loop", told["Server"]]
        cost, saturated = cell.cost, cell.metrics.cpu_us_per_request
        assert cost is not None
        assert saturated is not None
        assert saturated.verdict is not None
        assert told["CPU per request at equal rate"] == _us(cost.cpu_us or 0)
        assert told["Baseline beside it"] == _us(cost.baseline_cpu_us or 0)
        for name, verdict in (("equal rate", cost.verdict), ("saturated", saturated.verdict)):
            text = next(told[column] for column in head if column.endswith(name) and "Ag" in column)
            assert _numbers(text) == pytest.approx(_times(verdict), rel=0.01, abs=0.006)

    assert len(rows) == 3 * 5


def test_ratios_that_are_not_the_same_say_so() -> None:
    """With lost rounds the ratio of two means is not that of the pairs: both are labeled."""
    page = _files()["markdown"]
    pairs = [
        (float(row[place][:-1].removesuffix("x better")), _numbers(last[place])[0])
        for heading, head, rows in _tables(page)
        if head[0] == "Metric" and "closed" in heading
        for row in rows
        if row[0] == "Requests/sec"
        for last in rows
        if last[0] == "Requests/sec, 95 % interval"
        for place, name in enumerate(head)
        if name == "Ratio" and row[place].endswith("x")
    ]

    assert any(abs(mean / paired - 1) > 0.005 for mean, paired in pairs)
    assert page.count("The ratio beside an interval pairs the trials of each round.") == 1


def _allowed() -> set[str]:
    """Every figure with a unit that the summary can give, as it may be printed."""
    run = samples.rich()
    found = {"2x"}  # where a tail begins
    for cell in run.summary.cells:
        found |= {read(cell) for read in ROWS.values() if _reads(read, cell)}
        for name, show in (
            ("throughput_rps", _rate),
            ("p99_us", _ms),
            ("cpu_us_per_request", _us),
            ("rss_peak_bytes", _mb),
        ):
            metric: Metric | None = getattr(cell.metrics, name)
            for end in (metric.value, metric.low, metric.high) if metric else ():
                found |= {show(end or 0), f"{show(end or 0)} requests/sec"}
        if cell.cost:
            found |= {_us(cell.cost.cpu_us or 0), _us(cell.cost.baseline_cpu_us or 0)}
    found |= {_mb(build.artefact_bytes or 0) for build in run.builds.values()}
    found |= {_ms((each.first_request_s or 0) * 1e6) for each in run.details}
    return found


def _reads(read: Callable[[CellSummary], str], cell: CellSummary) -> bool:
    try:
        read(cell)
    except TypeError:  # a row of the other loop
        return False
    return True


def _ratios() -> list[float]:
    found = [
        number
        for row in samples.rich().summary.comparisons
        if row.verdict.ratio
        for number in (row.verdict.ratio, 1 / row.verdict.ratio)
    ]
    costs = [cell.cost.ratio for cell in samples.rich().summary.cells if cell.cost]
    return [*found, *(ratio for ratio in costs if ratio)]


@pytest.mark.parametrize("form", ["markdown", "results", "terminal", "html"])
def test_every_figure_in_prose_comes_from_the_summary(form: str) -> None:
    """In sentences, alternatives of charts and tables: no number from nowhere."""
    page = re.sub(r"<(script|style).*?</\1>", "", _files()[form], flags=re.DOTALL)
    # the column of ratios of means is a definition of its own, checked with the source's table
    page = re.sub(r"\| [\d.,]+x( better)? (?=\|)|<td[^>]*>[\d.,]+x( better)?</td>", "", page)
    page = re.sub(r"is [\d.]+x (its|their) median", "", page)
    page = re.sub(r"^Metric .*?\n\n", "", page, flags=re.DOTALL | re.MULTILINE)
    found = {(number, unit) for number, unit in FIGURE.findall(page)}
    allowed, ratios = _allowed(), _ratios()
    unknown = [
        f"{number} {unit}"
        for number, unit in found
        if unit != "x" and not {number, f"{number} {unit}", f"{number}{unit}"} & allowed
    ]
    far = [
        number
        for number, unit in found
        if unit == "x"
        and not any(
            abs(ratio - float(number.replace(",", ""))) <= max(0.006, 0.006 * ratio)
            for ratio in (*ratios, 2.0)
        )
    ]

    assert len(found) > 30
    assert unknown == []
    assert far == []


def test_csv_is_json() -> None:
    """Column by column the same figures, unrounded."""
    cells = orjson.loads(_files()["json"])["cells"]
    rows = list(csv.DictReader(io.StringIO(_files()["csv"])))
    assert len(rows) == len(cells)
    for row, cell in zip(rows, cells, strict=True):
        for name, metric in cell["metrics"].items():
            for part in ("value", "low", "high", "n"):
                assert row[f"{name}_{part}"] == _plain(metric and metric[part])
            verdict = (metric or {}).get("verdict") or {}
            assert row[f"{name}_ratio"] == _plain(verdict.get("ratio"))
        cost = cell["cost"] or {}
        for part in ("ratio", "low", "high", "n", "rate_rps", "cpu_us", "floor"):
            assert row[f"cost_{part}"] == _plain(cost.get(part))
        for key in ("success_rate", "total_requests", "bytes_per_s", "offered_rps", "startup_s"):
            assert row[key] == _plain(cell[key])


def _plain(value: Any) -> str:
    return "" if value is None else repr(value)


def test_every_mark_of_every_chart_of_the_page() -> None:
    """Bars, ratios and dots are the figures of the summary and of the trials, unrounded."""
    text = re.search(r'id="charts">(.*?)</script>', _files()["html"], re.DOTALL)
    assert text is not None
    charts = {c["name"]: c["panels"] for c in orjson.loads(text[1])["charts"]}
    cells, run = _cells(), samples.rich()
    subjects = [title.split(",")[0] for title, _ in cells]
    for name, loop, metric in (
        ("throughput", "closed loop", "throughput_rps"),
        ("cpu", "closed loop", "cpu_us_per_request"),
    ):
        for panel in charts[name]:
            for bar in panel["data"]["values"]:
                cell = cells[f"{panel['title']['text']}, {loop}", bar["server"]]
                own = getattr(cell.metrics, metric)
                assert (bar["value"], bar["low"], bar["high"]) == (own.value, own.low, own.high)
    costs = {cell.cost.cpu_us for cell in run.summary.cells if cell.cost}
    assert {b["value"] for p in charts["cost"] for b in p["data"]["values"]} == costs
    known = {row.verdict.ratio for row in run.summary.comparisons}
    known |= {cell.cost.ratio for cell in run.summary.cells if cell.cost}
    for panel in charts["against"]:
        assert {dot["ratio"] for dot in panel["data"]["values"]} <= known
        assert {dot["subject"] for dot in panel["data"]["values"]} <= set(subjects)
    trials = {trial.trial: trial for trial in run.trials}
    dots = [d for panel in charts["trials"] for d in panel["layer"][2]["data"]["values"]]
    for dot in dots:
        load = trials[dot["trial"]].load
        assert load is not None
        assert load.latency_us is not None
        p99 = load.latency_us.percentiles.get("99")
        assert dot["value"] in (load.throughput_rps, (p99 or 0) * 1e-3)
    measured = {c.server for c in cells.values()}
    assert len(dots) == sum(
        trial.load is not None and trial.server in measured for trial in run.trials
    )


def test_in_short_counts_what_is_decided() -> None:
    """The first sentences, the table and the chart count the same comparisons."""
    page = _files()["markdown"]
    _, _, rows = next(_tables(page))
    judged = [
        row[-1].split("; ") for row in rows if "baseline" not in row[-1] and "copy" not in row[-1]
    ]
    for place, (name, short) in enumerate(
        (
            ("rate", "throughput"),
            ("cost", "CPU per request at equal rate"),
            ("p99", "p99 at equal rate"),
        )
    ):
        words = [parts[place].removeprefix(f"{name} ") for parts in judged]
        done = sum(word not in ("inconclusive", "too few rounds") for word in words)
        told = f"{done} of {len(words)} comparisons decided"
        start = short[0].upper() + short[1:]
        assert page.count(f"{short}: {told}") + page.count(f"{start}: {told}") >= 2
