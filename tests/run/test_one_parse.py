"""A file of the user is parsed once, however much of a run looks into it."""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING

import pytest

from bench.cli.progress import Progress
from bench.plans.matrix_plan import plan_matrix
from bench.plans.overrides import Overrides
from bench.plans.project import find_project
from bench.plans.yaml import reader
from bench.run.resume import planned_again
from bench.run.start import Options, resume_run, start_run
from tests.run.helpers import Project

if TYPE_CHECKING:
    from pathlib import Path

    from bench.plans.yaml.document import YamlDocument

pytestmark = [pytest.mark.real, pytest.mark.needs("wrk")]


def test_a_matrix_is_parsed_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Once from plan to report, and once from the beginning of a resume to its end."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    parsed: Counter[str] = Counter()
    compose = reader._compose

    def counted(document: YamlDocument, text: str) -> None:
        parsed[document.path.name] += 1
        compose(document, text)

    monkeypatch.setattr(reader, "_compose", counted)
    project = Project(tmp_path)
    project.server("one")
    project.matrix({"id": "one", "env": {"API_TOKEN": "a: b"}}, rounds=2)
    found = find_project(project.root, project.root)

    planned = plan_matrix(found, "faults", Overrides())
    result = start_run(found, planned, Progress(planned.plan), Options())
    once = parsed["faults.yaml"]
    _lose_the_last_trial(result.directory.path)
    parsed.clear()
    planned = planned_again(found, result.directory, None)
    again = resume_run(
        found, result.directory.path.name, planned, Progress(planned.plan), Options()
    )

    assert not again.finished_before
    assert {trial.round for trial in again.view.trials} == {1, 2}
    assert (once, parsed["faults.yaml"]) == (1, 1)


def _lose_the_last_trial(run: Path) -> None:
    """Leave a run as if it had been killed before its last trial."""
    lines = (run / "trials.jsonl").read_text().splitlines(keepends=True)
    (run / "trials.jsonl").write_text("".join(lines[:-1]))
    info = json.loads((run / "run.json").read_text())
    (run / "run.json").write_text(json.dumps({**info, "finished": None, "exit_code": None}))
