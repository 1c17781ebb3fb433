"""What a server of files, uploads and waits may leave undone is found."""

from __future__ import annotations

import contextlib
import random
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from bench.errors import VerifyError
from bench.model.target import Target
from bench.model.workload_config import Expect
from bench.plans.workload_files import load_workload
from bench.trial.verify import HttpResponse, verify
from tests.loadtools import recorded
from tests.loadtools.recorded import kind
from tests.run.helpers import Project
from tests.servers import ground_truth

if TYPE_CHECKING:
    from bench.model.plan import Workload

ROOT = Path(__file__).parents[2]


def workload(name: str) -> Workload:
    return load_workload(ROOT / "configs" / "workloads" / f"{name}.yaml", ROOT)


@pytest.mark.real
@pytest.mark.parametrize(
    ("fault", "name", "words"),
    [
        ("--skip-waits-after=0", "delay", "expected an answer after 19 ms or later"),
        ("--unread", "upload", r"\$.sha256: expected"),
        ("--never-gzip", "static-gzip", "expected header content-encoding: gzip, got None"),
    ],
)
def test_what_is_left_undone_is_named(tmp_path: Path, fault: str, name: str, words: str) -> None:
    """A skipped wait, an upload that is not read, gzip that was asked for and not sent."""
    with (
        ground_truth.start(fault, log=tmp_path / "log") as server,
        pytest.raises(VerifyError, match=words),
    ):
        verify(Target("127.0.0.1", server.port), workload(name), random.Random(name))


@pytest.mark.parametrize(("seconds", "believed"), [([0.01, 0.05], True), ([0.01, 0.01], False)])
def test_a_stream_that_looks_short_is_asked_for_again(
    monkeypatch: pytest.MonkeyPatch, *, seconds: list[float], believed: bool
) -> None:
    """On a busy machine we may have read its first byte late; one that is held back fails twice."""
    expect = Expect.model_validate({"min_stream": "40ms"})
    answers = iter([*seconds, 0.05])  # each kind is asked twice

    def ask(*_: object, **__: object) -> HttpResponse:
        return HttpResponse(200, {}, b"", 0, stream_s=next(answers))

    monkeypatch.setattr("bench.trial.verify.ask", ask)
    caught = pytest.raises(VerifyError, match="all of it came within 10 ms")
    with contextlib.nullcontext() if believed else caught:
        verify(Target("127.0.0.1", 1), recorded.workload(kind(expect=expect)), random.Random(1))


@pytest.mark.real
@pytest.mark.needs("wrk")
def test_a_wait_that_is_skipped_under_load_is_found(tmp_path: Path) -> None:
    """The first requests wait, as the verification sees; the load's own times tell the rest."""
    project = Project(tmp_path)
    project.server("hasty", "--skip-waits-after=20")
    project.server("patient")
    project.matrix("hasty", "patient", workloads=["delay"])
    project.bench("run", "faults")
    trials = {trial["server"]: trial for trial in project.believed()}

    assert "wait-skipped" in trials["hasty"]["reasons"]
    assert trials["patient"]["status"] in ("valid", "suspect")
    assert trials["patient"]["load"]["latency_us"]["min"] >= 19_000
