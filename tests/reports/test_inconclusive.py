"""What "inconclusive" leaves open is said where the word stands, in every form."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bench.model.basis import Basis
from bench.reports.blocks import Bullets, Folded, Paragraph, plain
from bench.reports.results import MOST_BYTES, MOST_LINES
from bench.reports.sections.inconclusive import inconclusive
from bench.reports.view import make_view
from bench.stats.verdict import VerdictWord
from tests.reports import samples

if TYPE_CHECKING:
    from bench.model.summary import CellSummary, RunView

FORMS = ("markdown", "html", "terminal", "results")


def _open(run: RunView, *servers: str, more: int | None) -> RunView:
    """The run with the rates of these servers undecided, in every workload."""
    basis = Basis(
        call=VerdictWord.PROBABLY_LOWER,
        metric="throughput_rps",
        margin=0.02,
        comparisons=4,
        more_rounds=more,
    )

    def opened(cell: CellSummary) -> CellSummary:
        metric = cell.metrics.throughput_rps
        if cell.server not in servers or cell.offered_rps or not (metric and metric.verdict):
            return cell
        verdict = metric.verdict.replace(
            word="inconclusive", basis=basis, ratio=0.51, low=0.32, high=0.80
        )
        metrics = cell.metrics.replace(throughput_rps=metric.replace(verdict=verdict))
        return cell.replace(metrics=metrics)

    cells = tuple(map(opened, run.summary.cells))
    return run.replace(summary=run.summary.replace(cells=cells))


@pytest.mark.parametrize("form", FORMS)
def test_every_form_says_what_is_possible(form: str) -> None:
    """The interval lies outside the margin and the word is inconclusive: the list says why."""
    text = " ".join(samples.text(_open(samples.rich(), "robyn", more=7), form).split())
    said = (
        "probably slower (0.51x [0.32, 0.80]), but not after correction for 4 comparisons; "
        "about 7 more rounds"
    )

    assert said in text.replace("\\[", "[").replace("\\]", "]")
    assert "Inconclusive: the interval holds 1" in text


def test_each_has_a_line_with_what_it_is_about() -> None:
    """Server, workload where there are several, metric where there are several."""
    run = _open(samples.five_servers(), "robyn", more=None)
    items = next(block for block in inconclusive(make_view(run)) if isinstance(block, Bullets))

    first = next(text for item in items.items if (text := plain(item)).startswith("Robyn"))
    assert first.startswith("Robyn (Python), Json small, rate: probably slower (0.51x")
    assert first.endswith("; more than 100 rounds")


def test_decided_comparisons_need_no_words() -> None:
    """Nothing is explained that does not stand there."""
    assert inconclusive(make_view(samples.two_servers())) == ()


def test_many_are_folded_and_told_in_one_sentence() -> None:
    """The page stays short; a form without folds still says how many and how far."""
    names = ("spikard", "fastapi", "robyn", "fastify", "axum-again")
    run = _open(samples.rich(), *names, more=30)
    first, folded = inconclusive(make_view(run))
    text = samples.text(run, "results")

    assert isinstance(first, Paragraph)
    assert "21 comparisons, settled by about 1 to 30 more rounds." in plain(first.text)
    assert isinstance(folded, Folded)
    assert text.count("\n") <= MOST_LINES
    assert len(text.encode()) <= MOST_BYTES
