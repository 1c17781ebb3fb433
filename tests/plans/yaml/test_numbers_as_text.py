"""Where text is expected, a number without quotes is shown as it was written, never as a number."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bench.plans.matrix_files import read_matrix
from bench.plans.server_files import read_server
from tests.plans.helpers import said, write_project

if TYPE_CHECKING:
    from pathlib import Path

_REFS = ("51340e8", "913e21", "4e70000", "3172094", "6035e+1", "1234567890123456789012")


@pytest.mark.parametrize("ref", _REFS)
def test_a_commit_that_looks_like_a_number(tmp_path: Path, ref: str) -> None:
    """The message has the commit as it stands there, with the quotes to write around it."""
    text = f"variants: [{{id: one, ref: {ref}, as: a}}]\nworkloads: [small]\n"
    project = write_project(tmp_path, matrix=text)

    problems = said(read_matrix(project.matrices["m"]).document.problems)

    assert f'"{ref}"' in problems
    assert all(word == ref for word in problems.replace('"', " ").split() if word[:2] == ref[:2])


@pytest.mark.parametrize(
    ("key", "written"),
    [("env: {V: 1.10}", "1.10"), ("title: 1e3", "1e3"), ("language: +5", "+5")],
)
def test_other_texts(tmp_path: Path, key: str, written: str) -> None:
    """A version 1.10 is not 1.1."""
    folder = tmp_path / "one"
    folder.mkdir()
    (folder / "server.yaml").write_text(f'run: [app, "{{port}}"]\n{key}\n')

    problems = said(read_server(folder / "server.yaml", tmp_path)[1].problems)

    assert f'expected text, got {written} (write "{written}" in quotes)' in problems
