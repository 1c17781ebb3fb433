"""The report of a profile run alone: tables, findings, files, differences in words."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bench.profiling.reading import read_profiles
from bench.profiling.report import Profiled, notes, render, sections
from tests.profiles import breakdown, profile_run, rows_of, sentence_of

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def item(tmp_path: Path) -> Profiled:
    """One profile of three kinds of samples, a third each."""
    (found,) = read_profiles(profile_run(tmp_path))
    return found


def other(item: Profiled, name: str, cpu_us: float | None, refused: str = "") -> Profiled:
    """The same server by another name, cheaper by its JSON."""
    shares = {"kernel and network": 0.9, "waiting for the GIL": 0.1}
    record = item.record.model_copy(update={"server": name})
    return item._replace(record=record, breakdown=breakdown(shares, cpu_us, refused=refused))


def test_every_profile_has_its_files(item: Profiled) -> None:
    """Flame graph, speedscope, stacks, breakdown; report and chart for all; the same each time."""
    files = dict(render([item]))

    assert set(files) == {
        "charts/breakdown.svg",
        "charts/breakdown.dark.svg",
        "spikard.flame.svg",
        "spikard.speedscope.json",
        "spikard.folded.txt",
        "spikard.breakdown.json",
        "report.md",
        "report.html",
    }
    assert files == dict(render([item]))


def test_names_of_functions_stay_text(item: Profiled) -> None:
    """`<escape & me>` starts no element in Markdown, page or picture."""
    files = dict(render([item]))

    for name in ("report.md", "report.html", "spikard.flame.svg"):
        assert b"<escape" not in files[name]
    assert b"&lt;escape &amp; me&gt;" in files["report.html"]


def test_the_difference_is_said_in_words(item: Profiled) -> None:
    """How much more, where, and what is cheaper; then the table, largest first."""
    us = item.record.cpu_us
    assert us is not None
    table = next(t for t in sections([item, other(item, "quick", 10.0)]) if "against" in t.title)

    assert table.title == "spikard against quick"
    assert f"spikard spends {us - 10:,.1f} us of CPU per request more than quick." in sentence_of(
        table
    )
    assert "decoding JSON" in sentence_of(table)
    extras = [float(row[1].split()[0]) for row in rows_of(table)]
    assert extras == sorted(extras, reverse=True)


def test_less_is_called_less(item: Profiled) -> None:
    """The server asked about may be the cheaper one."""
    table = next(t for t in sections([item, other(item, "slow", 9_000.0)]) if "against" in t.title)

    assert "us of CPU per request less than slow." in sentence_of(table)


def test_a_profile_that_is_not_believed_is_compared_with_nobody(item: Profiled) -> None:
    """Its shares stand in brackets, without microseconds."""
    found = sections([item, other(item, "dark", 10.0, refused="3 samples")])

    assert not any("against" in table.title for table in found)
    (row,) = [row for row in rows_of(found[0]) if row[0] == "kernel and network"]
    assert row[2].startswith("(")


def test_findings_and_categories_are_explained(item: Profiled) -> None:
    """Each note names its server or its category."""
    said = notes([item])

    assert any(note.startswith("spikard: ") for note in said)
    assert any(note.startswith("waiting for the GIL: ") for note in said)
