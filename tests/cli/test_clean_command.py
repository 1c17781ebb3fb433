"""`bench clean`: what is offered, what is kept, and what happens without an answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bench.store.run_directory import RunDirectory
from tests.factories import Truth, run_data

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cli.conftest import Bench

_INFO = run_data({"axum": Truth()}, rounds=1).info
OLD, NEW = "main-run", "20261129T000000Z-x"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project with an older run that has a name of its own, and a newer one."""
    root = tmp_path / "project"
    (root / "configs").mkdir(parents=True)
    for name, started in ((OLD, "2026-11-01T00:00:00Z"), (NEW, "2026-11-29T00:00:00Z")):
        run = RunDirectory.create(root / "reports", name)
        run.write_model("run.json", _INFO.model_copy(update={"started": started}))
    return root


def test_the_newest_run_is_kept(bench: Bench, project: Path) -> None:
    """By when it began, not by its name."""
    said = bench("clean", "--runs", "--keep", "1", "--yes", "--project", str(project))

    assert said.code == 0, said.err
    assert [path.name for path in (project / "reports").iterdir()] == [NEW]
