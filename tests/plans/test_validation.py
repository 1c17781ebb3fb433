"""Checking a project and single files of any kind."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.errors import UsageError
from bench.plans.project import find_project
from bench.plans.validation import check_files, check_project
from tests.plans.helpers import MATRIX, SERVER, WORKLOAD, said, unsupported, write_project


def test_good_project(tmp_path: Path) -> None:
    """A good project has no problems, and every file of it was read."""
    checked = check_project(write_project(tmp_path), unsupported)

    assert checked.problems == ()
    assert [Path(name).name for name in checked.files] == [
        "server.yaml",
        "server.yaml",
        "small.yaml",
        "m.yaml",
    ]


def test_own_project_is_good() -> None:
    """Every file that comes with bench is without problems."""
    checked = check_project(find_project(Path(__file__).parents[2]), unsupported)

    assert said(checked.problems) == ""
    assert len(checked.files) >= 16


def test_nothing_to_check(tmp_path: Path) -> None:
    """A folder without any configuration is a wrong place, not a good project."""
    with pytest.raises(UsageError, match="nothing to check"):
        check_project(find_project(tmp_path), unsupported)


def test_what_would_be_passed_over(tmp_path: Path) -> None:
    """A server's folder without server.yaml and a .yml file are pointed out, hidden ones not."""
    project = write_project(tmp_path)
    (tmp_path / "servers" / "empty").mkdir()
    (tmp_path / "servers" / ".hidden").mkdir()
    (tmp_path / "servers" / "README.md").write_text("")
    (tmp_path / "configs" / "_draft.yaml").write_text("{")
    (tmp_path / "configs" / "other.yml").write_text("")

    problems = check_project(project, unsupported).problems

    assert [one.file.removeprefix(f"{tmp_path}/") for one in problems] == [
        "configs/other.yml",
        "servers/empty",
    ]


def test_project_without_servers(tmp_path: Path) -> None:
    """A project may have configs/ alone and use the servers that come with bench."""
    (tmp_path / "configs").mkdir()
    (tmp_path / "configs" / "m.yaml").write_text("servers: [axum]\nworkloads: [plaintext]\n")

    assert check_project(find_project(tmp_path), unsupported).problems == ()


@pytest.mark.parametrize(
    ("name", "good", "bad", "words"),
    [
        ("loose.yaml", WORKLOAD, WORKLOAD + "x: 1\n", "x: unknown key (expected one of lua,"),
        ("loose.yaml", SERVER, SERVER + "x: 1\n", "x: unknown key (expected one of build,"),
        ("loose.yaml", MATRIX, MATRIX + "x: 1\n", "x: unknown key (expected one of allow_remote,"),
        ("workloads/w.yaml", WORKLOAD, SERVER, "run: unknown key"),
        ("app/server.yaml", SERVER, WORKLOAD, "requests: unknown key"),
    ],
)
def test_kind_of_a_single_file(tmp_path: Path, name: str, good: str, bad: str, words: str) -> None:
    """A file anywhere is known by its place, else by its keys."""
    project = write_project(tmp_path / "p")
    path = tmp_path / name
    path.parent.mkdir(exist_ok=True)

    path.write_text(good)
    assert said(check_files(project, [path], unsupported).problems) == ""
    path.write_text(bad)
    assert words in said(check_files(project, [path], unsupported).problems)


def test_folder_stands_for_its_server(tmp_path: Path) -> None:
    """A server's folder can be named instead of its server.yaml."""
    project = write_project(tmp_path, server=SERVER + "x: 1\n")

    problems = check_files(project, [tmp_path / "servers" / "one"], unsupported).problems

    assert [(Path(one.file).name, one.line, one.key) for one in problems] == [
        ("server.yaml", 2, "x")
    ]


def test_tool_and_workload_that_do_not_fit(tmp_path: Path) -> None:
    """A profile that its tool cannot do with one of the workloads is named with the profile."""
    matrix = MATRIX + "profiles:\n  - {connections: 1}\n  - {connections: 2}\n"
    project = write_project(tmp_path, matrix=matrix)

    problems = check_files(
        project,
        [project.matrices["m"]],
        lambda profile, workload: (
            "not with small" if profile.connections == 2 and workload.id == "small" else None
        ),
    ).problems

    assert [(one.line, one.key, one.message) for one in problems] == [
        (5, "profiles[1]", "not with small")
    ]


def test_default_profile_that_does_not_fit(tmp_path: Path) -> None:
    """The same holds for the profile that nobody wrote."""
    project = write_project(tmp_path)

    problems = check_files(
        project,
        [project.matrices["m"]],
        lambda _profile, workload: "not with small" if workload.id == "small" else None,
    ).problems

    assert [(one.line, one.key) for one in problems] == [(1, "profiles")]


def test_each_file_is_reported_once(tmp_path: Path) -> None:
    """A server that two matrices name has its problems once."""
    project = write_project(tmp_path, server=SERVER + "x: 1\n")
    (tmp_path / "configs" / "n.yaml").write_text(MATRIX)

    problems = check_project(find_project(tmp_path), unsupported).problems

    assert len(problems) == len(set(problems)) == len(project.servers.keys() & {"one", "two"})


def test_what_a_server_cannot(tmp_path: Path) -> None:
    """`cannot` names workloads that there are, and none that the server says it can."""
    server = SERVER + "workloads: [small]\ncannot: {small: 'no', smal: 'no'}\n"
    project = write_project(tmp_path, server=server)

    text = said(check_project(project, unsupported).problems)

    assert "cannot.small: it stands in workloads too" in text
    assert "cannot.smal: " in text
    assert "did you mean small" in text
