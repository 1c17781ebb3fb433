"""What `bench host` and `bench doctor` say: the machine, advice, errors, short noise runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bench.reports.blocks import FactList, Numbered, Paragraph, Section, Table, code, strong
from bench.reports.rows import ABSENT
from bench.reports.sections.hardware import full_tables
from bench.reports.wording.findings import in_words
from bench.reports.wording.machine_words import describe_measured, describe_split, summary
from bench.units import format_percent, format_rate

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from bench.host.doctor import Diagnosis
    from bench.host.measure import Measured
    from bench.model.finding import Finding
    from bench.model.host_facts import Host
    from bench.model.summary import RunView, Summary
    from bench.reports.blocks import Block, Text

_DOUBTS = ("arms-differ", "noisy-host")


def machine(host: Host, *, full: bool) -> tuple[Block, ...]:
    """The summary of a machine, with every setting below it on request."""
    facts = FactList((*summary(host), ("Fingerprint", host.fingerprint)))
    return (facts, *full_tables(host)) if full else (facts,)


def state(diagnosis: Diagnosis) -> tuple[tuple[str, str], ...]:
    """Label and value of everything that doctor looked at."""
    return tuple(_state(diagnosis))


def _state(diagnosis: Diagnosis) -> Iterator[tuple[str, str]]:
    host = diagnosis.host
    yield from summary(host)
    yield "CPU split", describe_split(diagnosis.split)
    if diagnosis.measured:
        yield from describe_measured(diagnosis.measured)
    known = [f"{name} {version}" for name, version in host.tools.items() if version]
    if known:
        yield "Tools", ", ".join(known)
    yield "Fingerprint", host.fingerprint


def doctor(diagnosis: Diagnosis) -> tuple[Section, ...]:
    """State, Advice, Errors, and whether measuring makes sense."""
    count = len(diagnosis.errors)
    unfit = f"Unfit for measuring: {count} error{'s' if count > 1 else ''}."
    verdict = Paragraph((strong("Fit for measuring." if diagnosis.fit else unfit),))
    return (
        Section("State", (FactList(state(diagnosis)),)),
        Section("Advice", (_findings(diagnosis.advice),)),
        Section("Errors", (_findings(diagnosis.errors), verdict)),
    )


def _findings(found: Sequence[Finding]) -> Block:
    """Each finding with why it matters, the command that fixes and the one that undoes."""
    if not found:
        return Paragraph("none")
    return Numbered(tuple(_finding(in_words(item)) for item in found))


def _finding(item: Finding) -> tuple[Text, tuple[Text, ...]]:
    lines: list[Text] = [f"why: {item.why}"] if item.why else []
    lines += [
        (f"{label}: ", code(text))
        for label, text in (("fix", item.advice), ("undo", item.undo))
        if text
    ]
    return (strong(item.code), f": {item.text}"), tuple(lines)


def doctor_data(diagnosis: Diagnosis) -> dict[str, Any]:
    """The object of `bench doctor --json`."""
    return {
        "fit": diagnosis.fit,
        "state": dict(state(diagnosis)),
        "advice": [in_words(item).model_dump(mode="json") for item in diagnosis.advice],
        "errors": [in_words(item).model_dump(mode="json") for item in diagnosis.errors],
        "measured": _measured(diagnosis.measured) if diagnosis.measured else None,
    }


def _measured(measured: Measured) -> dict[str, Any]:
    return {
        "clock": measured.clock._asdict(),
        "busy": list(measured.busy),
        "cpus": [cpu._asdict() for cpu in measured.cpus],
        "loopback": measured.loopback._asdict() if measured.loopback else None,
        "seconds": measured.seconds,
    }


def noise(summary: Summary, rounds: int) -> tuple[Block, ...]:
    """What two copies of a server differ by; the summary has its words."""
    rows = tuple(
        (row.metric, row.verdict.text)
        for row in summary.comparisons
        if row.verdict.word != "baseline" and row.verdict.text
    )
    blocks: list[Block] = [Table(("Metric", "One copy against the other"), rows, frozenset({0, 1}))]
    if summary.noise_floor is not None:
        share = format_percent(summary.noise_floor)
        text = f"Noise floor: {share}. Smaller differences cannot be seen in {rounds} rounds."
        blocks.append(Paragraph(text))
    doubts = [item for item in summary.findings if item.code in _DOUBTS]
    return (*blocks, *(Paragraph((strong(item.code), f": {item.text}")) for item in doubts))


def ceiling(view: RunView) -> Table:
    """What the load tool reaches against a server that does almost nothing."""
    rows = []
    for cell in view.summary.cells:
        rate = cell.metrics.throughput_rps
        shown = format_rate(rate.value) if rate else ABSENT
        rows.append((cell.profile, shown, _busy(view, cell.profile), cell.bound))
    columns = ("Load processes", "Requests/sec", "Tool busy", "Limit")
    return Table(columns, tuple(rows), frozenset({0, 3}))


def _busy(view: RunView, profile: str) -> str:
    shares = [
        trial.resources.load_busy
        for trial in view.trials
        if trial.profile == profile and trial.usable and trial.resources.load_busy is not None
    ]
    return f"{sum(shares) / len(shares):.0%}" if shares else ABSENT
