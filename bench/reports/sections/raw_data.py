"""Raw Data: where the records of this run are, or how to make them again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.reports.blocks import Bullets, Code, FactList, Paragraph, Section, code, link
from bench.reports.commands import repeat_command
from bench.reports.sections.samples import sample_blocks

if TYPE_CHECKING:
    from bench.reports.blocks import Block, Text
    from bench.reports.view import View


def raw_data(view: View, *, links: bool) -> Section:
    """Links into the run directory, or for a committed report what identifies the run."""
    where = _links(view) if links else _identity(view)
    return Section("Raw Data", (*where, *sample_blocks(view)))


def _links(view: View) -> tuple[Block, ...]:
    first = next(iter(view.run.trials), None)
    items: list[Text] = [
        (link("trials.jsonl", "trials.jsonl"), ": one record per trial"),
        (link("summary.json", "summary.json"), ": the figures of this report"),
        (link("plan.json", "plan.json"), ", ", link("host.json", "host.json"), ": plan, machine"),
        (link("trials/", "trials/"), ": raw load tool output and server log of each trial"),
    ]
    if first and not view.run.info.imported:
        command = code(f"bench show {view.run.info.run_id} {first.trial}")
        items.append((command, " prints the commands that repeat a trial by hand"))
    return (
        Paragraph(("Run ", code(view.run.info.run_id), ", in this directory:")),
        Bullets(tuple(items)),
    )


def _identity(view: View) -> tuple[Block, ...]:
    info = view.run.info
    facts = FactList(
        (
            ("Run", (code(info.run_id),)),
            ("sha256 of its trials.jsonl", (code(view.run.trials_sha256),)),
        )
    )
    if info.imported:
        return (facts,)
    again = Code(repeat_command(info, view.run.plan.seed), "sh")
    return facts, Paragraph("The command that repeats it:"), again
