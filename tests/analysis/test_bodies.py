"""What bodies of many lengths have on average is known from all of them, not from a few."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import pytest

from bench.analysis.bodies import body_bytes, request_bytes
from bench.analysis.trials import by_cell
from bench.reports.sections.configuration import configuration
from bench.reports.view import make_view
from tests.factories import Truth, exchange, run_data, run_view

if TYPE_CHECKING:
    from bench.analysis.data import RunData
    from bench.analysis.trials import CellTrials
    from bench.model.trial_record import TrialRecord

SEEN = {1: 112, 2: 61, 3: 84, 4: 97, 5: 66}
"""Round -> the one body that was verified there; the mean of the thousand is 78.7 bytes."""
HEAD = 121
REAL = 78.7


def _data(*, kind: Literal["wire", "body"] = "wire", mean: float = REAL, sent: int = 0) -> RunData:
    """Two servers that echo bodies of many lengths; `sent` bytes more in each request."""

    def varied(trial: TrialRecord) -> TrialRecord:
        assert trial.load is not None
        one = exchange(SEEN[trial.round])
        one = one.replace(request_bytes=one.request_bytes + sent)
        head = HEAD if kind == "wire" else 0
        load = trial.load.replace(
            bytes_kind=kind, bytes_in=round(trial.load.requests * (mean + head))
        )
        return trial.replace(load=load, exchanges=(one,))

    return run_data({"axum": Truth(), "fastapi": Truth(rps=3_000)}, edit=varied)


def _cell(data: RunData) -> CellTrials:
    return by_cell(data.plan, data.trials)[0]


@pytest.mark.parametrize("kind", ["wire", "body"])
def test_an_echo_is_as_long_as_what_was_sent(kind: Literal["wire", "body"]) -> None:
    """By what the load tool read, with or without the heads of the answers."""
    cell = _cell(_data(kind=kind))

    assert body_bytes(cell) == pytest.approx(REAL, abs=0.01)
    assert request_bytes(cell) == body_bytes(cell)


def test_other_answers_say_nothing_of_the_request() -> None:
    """What was sent is then the mean of all that were verified, not of the first trial."""
    cell = _cell(_data(sent=10))

    assert body_bytes(cell) == pytest.approx(REAL, abs=0.01)
    assert request_bytes(cell) == pytest.approx(sum(SEEN.values()) / 5 + 10)


def test_bodies_of_one_length_are_as_verified() -> None:
    """An answer that was cut off at the window's end is no reason to doubt them."""
    data = run_data({"axum": Truth()})
    load = data.trials[0].load
    assert load is not None
    cut = data.trials[0].replace(load=load.replace(bytes_in=load.bytes_in // 2))

    assert body_bytes(_cell(data._replace(trials=(cut, *data.trials[1:])))) == 86


def test_a_count_of_something_else_is_not_taken() -> None:
    """Unpacked bodies, or heads that are compressed: far from all that was seen."""
    assert body_bytes(_cell(_data(mean=500))) == pytest.approx(sum(SEEN.values()) / 5)


def test_bytes_per_second_are_to_each_other_as_the_rates() -> None:
    """Both servers echo the same bodies; and the report has one size for them."""
    run = run_view(_data())
    first, second = run.summary.cells
    rates = [c.metrics.throughput_rps.value for c in (first, second) if c.metrics.throughput_rps]

    assert first.bytes_per_s
    assert second.bytes_per_s
    assert first.bytes_per_s / second.bytes_per_s == pytest.approx(rates[0] / rates[1], rel=1e-3)
    assert "(79 bytes per request)" in str(configuration(make_view(run)).blocks[0])
