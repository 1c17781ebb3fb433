"""More than 250 bad files, each with its line and words in tests/data/bad/expected.txt."""

from __future__ import annotations

import contextlib
import os
import re
import time
from collections import defaultdict
from typing import TYPE_CHECKING

import pytest

from bench.errors import ConfigError
from bench.plans.matrix_files import load_matrix
from bench.plans.project import find_project
from bench.plans.server_files import load_server
from bench.plans.validation import check_files, check_project
from bench.plans.workload_files import load_workload
from tests.plans.helpers import BAD, MATRIX, SERVER, said, unsupported, write_project

if TYPE_CHECKING:
    from pathlib import Path

GOOD = {"configs/good.yaml", "configs/workloads/good.yaml", "servers/good/server.yaml"}
SECONDS_AT_MOST = 20.0


def _by_file(lines: list[str]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = defaultdict(list)
    for line in lines:
        found[line.split(":", 1)[0]].append(line)
    return found


EXPECTED = _by_file((BAD / "expected.txt").read_text(encoding="utf-8").splitlines())


@pytest.fixture(scope="module")
def found() -> dict[str, list[str]]:
    """What is wrong with the project of bad files, by file."""
    with contextlib.chdir(BAD):
        checked = check_project(find_project(BAD), unsupported)
    return _by_file([str(problem) for problem in checked.problems])


@pytest.mark.parametrize("name", sorted(EXPECTED))
def test_bad_file_is_explained(found: dict[str, list[str]], name: str) -> None:
    """Every problem of a bad file has the expected line, key, words and advice."""
    assert found.get(name) == EXPECTED[name]


def test_nothing_else_is_reported(found: dict[str, list[str]]) -> None:
    """No file has problems beyond the expected ones."""
    assert found.keys() == EXPECTED.keys()


def test_every_bad_file_has_problems() -> None:
    """At least a hundred files are bad, and none of them goes unnoticed."""
    files = {
        str(path.relative_to(BAD))
        for pattern in ("configs/*.yaml", "configs/workloads/*.yaml", "servers/*/server.yaml")
        for path in BAD.glob(pattern)
    }

    assert files - GOOD <= EXPECTED.keys()
    assert len(files) > 250


def test_words_are_plain() -> None:
    """No message speaks of pydantic, its error types, Python's types or addresses of manuals."""
    text = "\n".join(line for lines in EXPECTED.values() for line in lines)

    assert not re.search(r"pydantic|Input should|type=|NoneType|dict\b|\bint_|Errno|errors\.", text)


def test_loaders_raise_all_problems_sorted() -> None:
    """Each load function raises one error that holds every problem in the order of lines."""
    with pytest.raises(ConfigError) as server:
        load_server(BAD / "servers" / "many" / "server.yaml")
    with pytest.raises(ConfigError) as workload:
        load_workload(BAD / "configs" / "workloads" / "many.yaml", BAD)
    with pytest.raises(ConfigError) as matrix:
        load_matrix(BAD / "configs" / "missing-all.yaml")

    assert [one.line for one in server.value.problems] == [1, 2, 3, 4]
    assert [one.line for one in workload.value.problems] == [1, 3, 4, 5, 6, 7, 8]
    assert [one.key for one in matrix.value.problems] == ["servers", "workloads"]


HOSTILE = {
    "brackets": ("title: " + "[" * 10_000, 1, "nested deeper than 40 levels"),
    "closed-brackets": ("title: " + "[" * 9_000 + "]" * 9_000, 1, "nested deeper"),
    "braces": ("title: " + "{a: " * 10_000, 1, "nested deeper"),
    "dashes": ("- " * 10_000, 1, "nested deeper"),
    "questions": (MATRIX + "? " * 5_000, 3, "expected a word as key"),
    "values": (MATRIX + f"exclude: [{'{server: one}, ' * 30_000}]", 3, "more than 20000 values"),
    "long-line": (MATRIX + f"title: {'x' * 900_000}", 3, "expected at most 10000 characters"),
    "long-words": (MATRIX + f"title: {'x y ' * 200_000}", 3, "expected at most 10000 characters"),
    "long-key": (MATRIX + f"{'x' * 900}: 1", 3, "unknown key"),
    "long-number": (MATRIX + f"rounds: {'9' * 5_000}", 3, "expected a whole number"),
    "long-duration": (MATRIX + f"profiles: [{{duration: {'9' * 400}s}}]", 3, "such as 500ms"),
    "long-margin": (MATRIX + f"margin: '{'9' * 400}%'", 3, "such as 2%"),
    "exponent": (MATRIX + "seed: 1e999", 3, "too large"),
    "many-cells": (
        "\n".join(
            [
                f"servers: [{', '.join(f'{{id: one, as: s{n}}}' for n in range(900))}]",
                "workloads: [small]",
                f"profiles: [{', '.join(f'{{connections: {n + 1}}}' for n in range(20))}]",
            ]
        ),
        1,
        "more than 10000 cells",
    ),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_file_is_refused_soon(tmp_path: Path, name: str) -> None:
    """A file made to exhaust the reader is refused within seconds, with its line."""
    text, line, words = HOSTILE[name]
    project = write_project(tmp_path, matrix=text)
    begin = time.process_time()

    problems = check_files(project, [project.matrices["m"]], unsupported).problems

    assert time.process_time() - begin < SECONDS_AT_MOST
    assert [(problem.line, words in str(problem)) for problem in problems] == [(line, True)]
    assert len(str(problems[0])) < 1_200


def test_large_files_are_not_read(tmp_path: Path) -> None:
    """A file of 100 MB is refused by its size."""
    project = write_project(tmp_path)
    with project.matrices["m"].open("wb") as file:
        file.truncate(100_000_000)

    problems = check_files(project, [project.matrices["m"]], unsupported).problems

    assert [(one.line, one.message) for one in problems] == [
        (0, "the file has 100,000,000 bytes: at most 1,000,000 are read")
    ]


def test_pipes_are_not_waited_for(tmp_path: Path) -> None:
    """A named pipe in place of any file is refused at once."""
    write_project(tmp_path, workload="requests: [{path: /, method: POST, body: {file: pipe}}]\n")
    os.mkfifo(tmp_path / "configs" / "workloads" / "pipe")
    os.mkfifo(tmp_path / "configs" / "fifo.yaml")

    problems = check_project(find_project(tmp_path), unsupported).problems

    assert said(problems).count("expected a regular file, found a pipe, socket or device") == 2


def test_folders_are_no_files(tmp_path: Path) -> None:
    """A folder without server.yaml given as a file is named as a folder."""
    project = write_project(tmp_path)

    problems = check_files(project, [tmp_path / "configs" / "workloads"], unsupported).problems

    assert "expected a file, found a folder" in said(problems)


def test_absent_file_is_named(tmp_path: Path) -> None:
    """A file that is not there is a problem without a line."""
    project = write_project(tmp_path)

    problems = check_files(project, [tmp_path / "no.yaml"], unsupported).problems

    assert [(one.line, one.message) for one in problems] == [(0, "there is no such file")]


def test_body_files_have_a_limit(tmp_path: Path) -> None:
    """A body of more than 16 MB, or of more than 100,000 lines, is refused."""
    text = "requests:\n  - {path: /, body: {file: big}}\n  - {path: /, body: {lines: long}}\n"
    project = write_project(tmp_path, workload=text)
    with (tmp_path / "configs" / "workloads" / "big").open("wb") as file:
        file.truncate(16_000_001)
    (tmp_path / "configs" / "workloads" / "long").write_text("x\n" * 100_001)

    problems = check_files(project, [project.workloads["small"]], unsupported).problems

    assert [one.line for one in problems] == [2, 3]
    assert "at most 16,000,000 are read" in problems[0].message
    assert "at most 100000 are read" in problems[1].message


def test_links_out_of_the_project_are_not_followed(tmp_path: Path) -> None:
    """A script reached through a symbolic link outside is refused; one inside is read."""
    (tmp_path / "outside.lua").write_text("-- x")
    project = write_project(tmp_path / "p", workload="requests: [{path: /}]\nlua: ../../link.lua\n")
    (tmp_path / "p" / "link.lua").symlink_to(tmp_path / "outside.lua")

    problems = check_files(project, [project.workloads["small"]], unsupported).problems

    assert [(one.line, one.key, one.message) for one in problems] == [
        (2, "lua", "the path leaves the project")
    ]


def test_problems_of_all_files_come_at_once(tmp_path: Path) -> None:
    """A broken matrix, its broken server and its broken workload are reported together."""
    project = write_project(
        tmp_path, matrix=MATRIX + "x: 1\n", workload="requests: []\n", server=SERVER + "y: 1\n"
    )

    problems = check_files(project, [project.matrices["m"]], unsupported).problems

    assert [(one.file.removeprefix(f"{tmp_path}/"), one.line) for one in problems] == [
        ("configs/m.yaml", 3),
        ("configs/workloads/small.yaml", 1),
        ("servers/one/server.yaml", 2),
        ("servers/two/server.yaml", 2),
    ]
