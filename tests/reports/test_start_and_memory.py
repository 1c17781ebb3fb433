"""Start-up and memory: one line per server, in every report that knows them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.reports.blocks import Table
from bench.reports.sections.start_and_memory import start_and_memory
from bench.reports.view import make_view
from tests.factories import Truth, closed_profile, run_data, run_view

if TYPE_CHECKING:
    from bench.model.summary import RunView
    from bench.model.trial_record import TrialRecord


def _table(run: RunView) -> list[list[str]]:
    tables = [block for block in start_and_memory(make_view(run)) if isinstance(block, Table)]
    return [[str(cell) for cell in row] for table in tables for row in table.rows]


def test_one_line_per_server_with_its_figures() -> None:
    """Start-up, first request, memory, slope with its interval, size of the build."""
    run = run_view(run_data({"axum": Truth(), "spikard": Truth(growth=2e6, noise=0.0)}))
    quiet, growing = _table(run)

    assert quiet[:3] == ["Axum (Rust)", "0.20 s", "3.30 ms"]
    assert quiet[4].startswith("0 bytes/s [-") or quiet[4].split(" ")[0][0] in "+-"
    assert growing[3] == "24.00 MB"
    assert growing[4].startswith("+2.00 MB/s [+2.00 MB/s, +2.00 MB/s]")
    assert growing[5].endswith("MB")


def test_several_workloads_are_a_range() -> None:
    """From the least to the greatest, without intervals."""
    sizes, profiles = ("json-small", "json-large"), (closed_profile(), closed_profile("other"))
    run = run_view(run_data({"a": Truth(noise=0.05)}, workloads=sizes, profiles=profiles))
    (row,) = _table(run)

    assert " to " in row[3]
    assert "[" not in row[4]


def test_what_nobody_knows_is_a_dash_and_no_table_of_dashes_is_made() -> None:
    """A server that runs elsewhere has no start; a run that knows nothing has no table."""

    def elsewhere(trial: TrialRecord) -> TrialRecord:
        used = trial.resources.model_copy(update={"memory_slope_bytes_per_s": None})
        unknown = {"startup_s": None, "first_request_s": None, "resources": used}
        return trial.model_copy(update=unknown if trial.server == "b" else {})

    some = _table(run_view(run_data({"a": Truth(), "b": Truth()}, edit=elsewhere)))
    assert [some[1][1], some[1][2], some[1][4]] == ["-", "-", "-"]
    assert _table(run_view(run_data({"b": Truth()}, edit=elsewhere))) == []
