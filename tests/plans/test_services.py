"""Services of a server: for which workloads, and what becomes of a plan without them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bench.errors import ConfigError, ToolMissingError
from bench.model.server_config import ServerConfig
from tests.plans.helpers import MATRIX, plan_of, write_project

if TYPE_CHECKING:
    from pathlib import Path

WITH = 'run: [app, "{port}", "{postgres_url}"]\nservices: '


@pytest.fixture(autouse=True)
def _no_postgres(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bench.plans.planning.find_postgres", lambda: None)


@pytest.mark.parametrize(
    ("written", "wanted"),
    [
        ({}, (False, False, False)),
        (["postgres"], (True, True, True)),
        ({"postgres": ["db-read"]}, (True, False, False)),
        ({"postgres": "all"}, (True, True, True)),
    ],
)
def test_for_which_workloads_it_is_started(
    written: object, wanted: tuple[bool, bool, bool]
) -> None:
    """For all, or for those that are named; what is asked without a name needs none of those."""
    config = ServerConfig.model_validate({"run": ["a"], "services": written})
    asked = (("db-read",), ("other",), None)

    assert tuple(config.wants_database(one) for one in asked) == wanted


def test_cells_that_need_it_are_left_out_and_said(tmp_path: Path) -> None:
    """The rest of the matrix is measured; the note names the command."""
    project = write_project(tmp_path, matrix=MATRIX.replace("[small]", "[small, db]"))
    (tmp_path / "configs" / "workloads" / "db.yaml").write_text("requests:\n  - path: /\n")
    (tmp_path / "servers" / "one" / "server.yaml").write_text(WITH + "{postgres: [db]}\n")
    (tmp_path / "servers" / "two" / "server.yaml").write_text(WITH + "[postgres]\n")
    plan, _ = plan_of(type(project)(**(project._asdict() | _found(tmp_path))))

    assert [cell.id for cell in plan.cells] == ["one.small.wrk-c50"]
    assert [one.server for one in plan.skipped] == ["two"]
    assert "bench setup --tool postgres" in plan.skipped[0].reason
    ((code, words),) = plan.cpus.notes
    assert code == "database-missing"
    assert words.startswith("small, db cannot be measured: PostgreSQL is not here")


def _found(root: Path) -> dict[str, object]:
    from bench.plans.project import find_project  # noqa: PLC0415 - the files were written since

    return find_project(root)._asdict()


def test_nothing_is_left_without_it(tmp_path: Path) -> None:
    """That is a missing tool, with what brings it."""
    project = write_project(tmp_path, server=WITH + "[postgres]\n")
    with pytest.raises(ToolMissingError, match="needs PostgreSQL") as caught:
        plan_of(project)
    assert "bench setup --tool postgres" in caught.value.advice


@pytest.mark.parametrize(
    ("server", "words"),
    [
        ('run: [app, "{port}", "{postgres_url}"]\n', r"add services: \[postgres\]"),
        ('run: [app, "{port}"]\nservices: [mysql]\n', r"expected \[postgres\]"),
        ('run: [app, "{port}"]\nservices: {postgres: [smal]}\n', "there is no workload smal"),
        ('run: [app, "{port}"]\nservices: postgres\n', r"expected \[postgres\]"),
    ],
)
def test_what_is_wrong_with_services(tmp_path: Path, server: str, words: str) -> None:
    """Each with its line, and what to write."""
    project = write_project(tmp_path, server=server)
    with pytest.raises(ConfigError, match=words):
        plan_of(project)


@pytest.mark.parametrize(("more", "streams"), [(", min_stream: 5ms", ("small",)), ("", ())])
def test_which_answers_are_streams(tmp_path: Path, more: str, streams: tuple[str, ...]) -> None:
    """Those that are to come over some time; reports say which end of one was timed."""
    workload = f"requests: [{{path: /, expect: {{events: [a, b]{more}}}}}]\n"
    plan, _ = plan_of(write_project(tmp_path, workload=workload))

    assert plan.streams == streams
