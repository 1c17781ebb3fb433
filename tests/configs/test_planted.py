"""A wrong answer planted in one of the servers that come with bench is caught."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.run.helpers import Project

_SERVERS = Path(__file__).parents[2] / "servers"
_CONSTANT = '{"id": 12345, "name": "test_item", "active": True, "count": 42, "tags": []}'


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A project with a copy of a server, whose packages are installed once for all tests."""
    project = Project(tmp_path_factory.mktemp("planted"))
    copy = project.root / "servers" / "fastapi"
    shutil.copytree(_SERVERS / "fastapi", copy, ignore=shutil.ignore_patterns(".venv"))
    return project


@pytest.mark.real
@pytest.mark.untraced
@pytest.mark.needs("uv")
@pytest.mark.parametrize(
    ("right", "wrong", "caught"),
    [
        ("    return body\n", f"    return {_CONSTANT}\n", {"json-small", "json-varied", "mixed"}),
        ('"post_id": post_id', '"post_id": post_id + 1', {"path-params", "mixed"}),
        ('"limit": limit', '"limit": str(limit)', {"query-params", "mixed"}),
    ],
)
def test_a_planted_wrong_answer_is_caught(
    project: Project, right: str, wrong: str, caught: set[str]
) -> None:
    """A constant, a number off by one, a number as text: named with the place, exit code 1."""
    copy = project.root / "servers" / "fastapi"
    source = (_SERVERS / "fastapi" / "app.py").read_text()
    assert source.count(right) == 1
    (copy / "app.py").write_text(source.replace(right, wrong))
    done = project.bench("verify", "fastapi")
    lines = [line.split() for line in done.stdout.splitlines() if line.startswith("fastapi")]
    results = {words[1]: words[2] for words in lines}

    assert done.returncode == 1, done.stderr
    assert results["plaintext"] == "ok"
    assert caught <= {workload for workload, result in results.items() if result == "wrong"}
    assert "expected" in done.stdout
