"""Finding a project and the things in it by name."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.errors import UsageError
from bench.plans.project import builtin_root, find_matrix, find_project
from bench.plans.server_files import load_server
from bench.plans.workload_files import load_workload
from tests.plans.helpers import ROOT, write_project


def test_nearest_parent_is_the_root(tmp_path: Path) -> None:
    """The nearest folder upwards with configs/ or servers/ is the project."""
    write_project(tmp_path / "p")
    inside = tmp_path / "p" / "src" / "deep"
    inside.mkdir(parents=True)

    assert find_project(inside).root == tmp_path / "p"


def test_servers_alone_make_a_project(tmp_path: Path) -> None:
    """A folder with servers/ and without configs/ is a project."""
    (tmp_path / "servers").mkdir()

    assert find_project(tmp_path).root == tmp_path


def test_without_a_project_the_built_in_ones_are_known(tmp_path: Path) -> None:
    """Outside of any project the current folder is the root, and bench's own names are known."""
    project = find_project(tmp_path)

    assert project.root == tmp_path
    assert {"axum", "spikard", "fastapi", "robyn", "fastify"} <= project.servers.keys()
    assert "json-small" in project.workloads
    assert find_matrix(project, "quick") == ROOT / "configs" / "quick.yaml"


def test_own_names_win(tmp_path: Path) -> None:
    """A server of the user's with the name of a built-in one takes its place."""
    (tmp_path / "servers" / "axum").mkdir(parents=True)
    (tmp_path / "servers" / "axum" / "server.yaml").write_text('run: [mine, "{port}"]')

    project = find_project(tmp_path)

    assert load_server(project.servers["axum"]).run == ["mine", "{port}"]
    assert next(iter(project.servers)) == "axum"


def test_hidden_and_empty_folders_are_no_servers(tmp_path: Path) -> None:
    """Folders that begin with a dot and those without server.yaml are passed over."""
    for name in (".hidden", "_private"):
        (tmp_path / "servers" / name).mkdir(parents=True)
        (tmp_path / "servers" / name / "server.yaml").write_text("")
    (tmp_path / "servers" / "empty").mkdir()

    assert not {".hidden", "_private", "empty"} & find_project(tmp_path).servers.keys()


def test_only_yaml_files_are_matrices(tmp_path: Path) -> None:
    """Other files, folders and workloads in configs/ are no matrices."""
    project = write_project(tmp_path)
    (tmp_path / "configs" / "notes.txt").write_text("")
    (tmp_path / "configs" / "folder.yaml").mkdir()

    assert find_project(tmp_path).matrices.keys() == project.matrices.keys()


def test_explicit_project(tmp_path: Path) -> None:
    """--project is taken as it is, and refused where it is no project."""
    write_project(tmp_path / "p")

    assert find_project(Path("/"), tmp_path / "p").root == tmp_path / "p"
    with pytest.raises(UsageError, match="there is no such folder"):
        find_project(tmp_path, tmp_path / "absent")
    with pytest.raises(UsageError, match="neither configs/ nor servers/"):
        find_project(tmp_path, tmp_path)


def test_matrix_by_name_or_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """MATRIX is a name in configs/, or a path from the current folder."""
    project = write_project(tmp_path)
    other = tmp_path / "other.yaml"
    other.write_text("")
    monkeypatch.chdir(tmp_path)

    assert find_matrix(project, "m") == tmp_path / "configs" / "m.yaml"
    assert find_matrix(project, "other.yaml") == other
    assert find_matrix(project, "./configs/m.yaml") == tmp_path / "configs" / "m.yaml"


@pytest.mark.parametrize("name", ["quik", "configs/quik.yaml", "quik.yml"])
def test_unknown_matrix_names_the_nearest(tmp_path: Path, name: str) -> None:
    """A matrix that is not there is answered with the nearest name."""
    with pytest.raises(UsageError, match="did you mean quick"):
        find_matrix(write_project(tmp_path), name)


@pytest.mark.parametrize("name", ["", "\0", "~nobody-here/x", "x" * 5000, "a\nb"])
def test_any_matrix_name_has_an_answer(tmp_path: Path, name: str) -> None:
    """No name, however odd, ends in anything but a usage error."""
    with pytest.raises(UsageError, match="there is no matrix"):
        find_matrix(write_project(tmp_path), name)


def test_files_stay_in_their_own_project(tmp_path: Path) -> None:
    """A built-in workload may name files of bench, one of the user's only files of the project."""
    project = write_project(tmp_path)
    stray = tmp_path.parent / "elsewhere.yaml"

    assert project.root_of(project.workloads["json-small"]) == ROOT
    assert project.root_of(project.workloads["small"]) == tmp_path
    assert project.root_of(stray) == stray.parent
    workload = load_workload(project.workloads["json-small"], ROOT)
    assert len(workload.kinds[0].bodies[0]) == 86


def test_what_comes_with_bench(tmp_path: Path) -> None:
    """It lies above the package in a checkout, inside it in a wheel, and may be absent."""
    package = tmp_path / "bench"
    for name in ("configs", "servers"):
        (package / "_data" / name).mkdir(parents=True)

    assert builtin_root(package) == package / "_data"
    assert builtin_root(ROOT / "bench") == ROOT
    assert builtin_root(tmp_path / "elsewhere" / "bench") is None


def test_a_project_inside_the_checkout_has_its_own_root() -> None:
    """A project below bench's own folder may not name files of the latter."""
    inner = ROOT / "tests" / "data" / "bad"
    project = find_project(inner)

    assert project.root_of(inner / "configs" / "good.yaml") == inner
