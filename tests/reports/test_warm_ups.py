"""How long servers were warmed is what it took, not what was asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bench.reports.blocks import FactList, plain
from bench.reports.sections.configuration import configuration
from bench.reports.view import make_view
from tests.factories import Truth, closed_profile, run_data, run_view
from tests.reports import samples

if TYPE_CHECKING:
    from bench.model.summary import RunView
    from bench.model.trial_record import TrialRecord

TOOK = {"axum": 1.1, "fastify": 6.9}


def _run(asked_s: float = 1.0, *, series: bool = True) -> RunView:
    def warm(trial: TrialRecord) -> TrialRecord:
        took_s = TOOK[trial.server] + trial.round / 10
        seen = trial.warmup_series if series else ()
        return trial.replace(phases_s=trial.phases_s.replace(warmup=took_s), warmup_series=seen)

    profile = closed_profile().replace(warmup_s=asked_s)
    servers = {"axum": Truth(), "fastify": Truth(rps=9_000)}
    return run_view(run_data(servers, profiles=(profile,), edit=warm))


def _duration(run: RunView) -> str:
    block = configuration(make_view(run)).blocks[0]
    assert isinstance(block, FactList)
    return plain(dict(block.lines)["Duration"])


def test_what_it_took_and_that_it_was_unequal() -> None:
    """From the trials themselves, with the servers that took least and most."""
    assert _duration(_run()).split(", after ")[1] == (
        "at least 1 second of warm-up, until a request costs no less than before (1.2 to 7.4 s "
        "here; the median from 1.4 s for Axum (Rust) to 7.2 s for Fastify (Rust))"
    )


@pytest.mark.parametrize("run", [_run(0.5), _run(series=False), samples.two_servers()])
def test_a_warm_up_that_is_not_judged_is_as_asked(run: RunView) -> None:
    """Below a second, where it is not known, and where it took no longer."""
    assert _duration(run).split(", after ")[1].endswith(" of warm-up")
    assert "at least" not in _duration(run)


@pytest.mark.parametrize("form", ["markdown", "html", "terminal", "results"])
def test_every_form_says_it(form: str) -> None:
    """Nobody reads that all were warmed for a second."""
    assert "no less than before (1.2 to 7.4 s" in " ".join(samples.text(_run(), form).split())
