"""The words for a value of the wrong kind, beyond those of the bad files."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from bench.model.base import Model
from bench.plans.matrix_files import load_matrix, read_matrix
from bench.plans.server_files import read_server
from bench.plans.workload_files import read_workload
from bench.plans.yaml import files
from bench.plans.yaml.checking import check
from bench.plans.yaml.document import PROBLEMS_MAX, YamlDocument, key_of
from bench.plans.yaml.files import inside, read_limited
from bench.plans.yaml.reader import read_document
from bench.plans.yaml.syntax import syntax_fault
from tests.plans.helpers import MATRIX, SERVER, said, write_project

if TYPE_CHECKING:
    import os
    from collections.abc import Callable

    from bench.errors import Problem


def _server(tmp_path: Path, text: str) -> list[Problem]:
    folder = tmp_path / "one"
    folder.mkdir()
    (folder / "server.yaml").write_text(text)
    return read_server(folder / "server.yaml", tmp_path)[1].problems


def test_keys_of_named_values(tmp_path: Path) -> None:
    """The name of a value is free, also where it is that of a key."""
    text = "requests: [{path: '/{int}', values: {int: {ints: [1, 2]}}}]\n"
    project = write_project(tmp_path, workload=text)

    document = read_workload(project.workloads["small"], tmp_path)[1]

    assert "values.int.ints: unknown key (did you mean int?)" in said(document.problems)


@pytest.mark.parametrize("read", [read_server, read_workload])
def test_unreadable_files_have_one_problem(
    tmp_path: Path, read: Callable[[Path, Path], tuple[object, YamlDocument]]
) -> None:
    """Of a file without keys nothing else is said."""
    path = tmp_path / "x.yaml"
    path.write_text("# nothing\n")

    result, document = read(path, tmp_path)

    assert result is None
    assert [one.message for one in document.problems] == ["the file is empty"]


def test_numbers_in_place_of_names(tmp_path: Path) -> None:
    """Numbers where ids are wanted are told once, and not looked up."""
    matrix = "servers: [{id: 5}, {as: 6}, one]\nworkloads: [7, 7]\nbaseline: one\n"
    project = write_project(tmp_path, matrix=matrix)

    problems = read_matrix(project.matrices["m"], project).document.problems

    assert sorted(one.key for one in problems) == [
        "servers[0].id",
        "servers[1].as",
        "workloads[0]",
        "workloads[1]",
    ]


def test_matrix_on_its_own(tmp_path: Path) -> None:
    """A matrix can be read without its project; the ids in it are then taken as they are."""
    path = tmp_path / "lone.yaml"
    path.write_text("servers: [nowhere]\nworkloads: [nothing]\n")

    assert load_matrix(path).title == "lone"


def test_command_with_an_open_quote(tmp_path: Path) -> None:
    """A command line that no shell could split is split at its blanks."""
    problems = _server(tmp_path, "run: app 'a {port}\n")

    assert 'write [app, "\'a", "{port}"]' in said(problems)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (SERVER + "needs: 5\n", "needs: expected a list, got 5"),
        (SERVER + "version: 5\n", "version: expected a list, got 5"),
        (SERVER + "stop: {grace: 0.5}\n", "did you mean 0.5s?"),
        (SERVER + "stop: {grace: -1}\n", "got -1"),
        (SERVER + "memory_limit: true\n", "got true"),
        (SERVER + "memory_limit: 512 m\n", "did you mean 512MB?"),
        (SERVER + "ready_timeout: 3 fortnights\n", 'got "3 fortnights"'),
        (
            SERVER + "stop: {{a: b}: c}\n",
            "stop.?: expected a word as key (placeholders need quotes",
        ),
        (SERVER + "env: {&x A: b}\n", "anchors and tags are not read"),
        (SERVER + "env: {!!str A: b}\n", "anchors and tags are not read"),
    ],
)
def test_words(tmp_path: Path, text: str, words: str) -> None:
    """Each slip has its own words."""
    assert words in said(_server(tmp_path, text))


def test_kinds_of_error_without_words_of_their_own(tmp_path: Path) -> None:
    """A kind of error that no table knows is still said without pydantic's words."""

    class Odd(Model):
        when: complex

    document = YamlDocument(tmp_path / "x.yaml")
    document.data, document.readable = {"when": "noon"}, True

    assert check(Odd, document) is None
    assert said(document.problems).endswith('when: this value cannot stand here, got "noon"')


def test_unknown_keys_below_free_keys(tmp_path: Path) -> None:
    """Where any key may stand there is no list of expected ones."""
    problems = _server(tmp_path, SERVER + "env: {A: {B: c, D: e}}\n")

    assert said(problems).endswith("env.A: expected text, got keys and values")


def test_problems_end_somewhere(tmp_path: Path) -> None:
    """After two hundred problems of one file the rest is summed up."""
    problems = _server(tmp_path, SERVER + "".join(f"k{n}: 1\n" for n in range(PROBLEMS_MAX + 50)))

    assert len(problems) == PROBLEMS_MAX + 1
    assert problems[-1].message == "more than 200 problems: fix the first ones"


def test_workloads_of_a_server_are_looked_up_only_where_known(tmp_path: Path) -> None:
    """On its own a server.yaml may name any workload; in a project they must exist."""
    text = SERVER + "workloads: [nowhere]\n"
    assert _server(tmp_path, text) == []

    document = read_server(tmp_path / "one" / "server.yaml", tmp_path, ["somewhere"])[1]

    assert "workloads[0]: there is no workload nowhere (did you mean somewhere?)" in said(
        document.problems
    )


def test_source_may_be_any_folder_of_the_project(tmp_path: Path) -> None:
    """`source` may point above the server's folder, up to the project."""
    assert _server(tmp_path, SERVER + "source: ..\n") == []


def test_ceiling_needs_its_server(tmp_path: Path) -> None:
    """`ceiling: true` without a server of that name is a problem."""
    project = write_project(tmp_path, matrix=MATRIX + "ceiling: true\n")
    without = project._replace(servers={"one": tmp_path, "two": tmp_path})

    document = read_matrix(project.matrices["m"], without).document

    assert said(document.problems).endswith("ceiling: there is no server ceiling in this project")


def test_places_of_keys(tmp_path: Path) -> None:
    """Lines are those of the keys, also where values begin later or in one line."""
    path = tmp_path / "x.yaml"
    path.write_text("a:\n  - b: 1\n    c: {d: 2,\n        e: 3}\n  -\n    f: |\n      text\n")

    document = read_document(path)

    assert document.data == {"a": [{"b": 1, "c": {"d": 2, "e": 3}}, {"f": "text\n"}]}
    lines = {
        ("a",): 1,
        ("a", 0): 2,
        ("a", 0, "b"): 2,
        ("a", 0, "c"): 3,
        ("a", 0, "c", "e"): 4,
        ("a", 1, "f"): 6,
        ("a", 1, "absent"): 6,
        ("absent",): 1,
    }
    assert {loc: document.line(loc) for loc in lines} == lines


def test_keys_as_text() -> None:
    """A place is shown as it would be written in a program, shortened and harmless."""
    assert key_of(("profiles", 0, "rate")) == "profiles[0].rate"
    assert key_of((".x", "a\nb")) == ".x.a\\nb"
    assert len(key_of(("x" * 500,))) < 130


def test_faults_without_marks() -> None:
    """An error of the parser without a place is put where reading stopped."""
    fault = syntax_fault(ValueError("chr() arg not in range"), "a: b\nc", 2)

    assert (fault.line, fault.message) == (2, "not YAML: c")
    assert syntax_fault(ValueError(), "", 9).line == 1


def test_unreadable_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A name that no system takes and a file that may not be read say why."""
    with pytest.raises(ValueError, match="cannot be read: bad file name"):
        read_limited(Path("a\0b"), 10)
    with pytest.raises(ValueError, match="cannot be read: File name too long"):
        read_limited(tmp_path / ("x" * 300), 10)

    def grown(_status: os.stat_result, _limit: int) -> None:
        """The file grew after its size was asked."""

    monkeypatch.setattr(files, "_check", grown)
    (tmp_path / "grown").write_bytes(b"x" * 11)
    with pytest.raises(ValueError, match="more than 10 bytes"):
        read_limited(tmp_path / "grown", 10)


def test_links_that_go_round(tmp_path: Path) -> None:
    """A symbolic link to itself, and a name that is none, are not inside."""
    (tmp_path / "loop").symlink_to(tmp_path / "loop")

    assert not inside(tmp_path / "a\0b", tmp_path)
    with pytest.raises(ValueError, match="cannot be read"):
        read_limited(tmp_path / "loop", 10)
