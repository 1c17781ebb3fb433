"""Finding load tools among scripted executables."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from bench.loadtools.install.find import find_tool, search_path, survey
from bench.loadtools.tool import at_least
from bench.process import Completed

if TYPE_CHECKING:
    from pathlib import Path


def executable(folder: Path, name: str, said: str, rc: int = 0) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / name
    file.write_text(f"#!/bin/sh\ncat <<'END'\n{said}\nEND\nexit {rc}\n")
    file.chmod(0o755)
    return file


@pytest.mark.parametrize(
    ("said", "version"),
    [
        ("wrk debian/4.1.0-3+b2 [epoll] Copyright (C) 2012 Will Glozer", "4.1.0"),
        ("wrk 4.2.0 [kqueue] Copyright (C) 2012 Will Glozer", "4.2.0"),
        ("wrk v4.2.0-8-gabc1234 [epoll]", "4.2.0"),
        ("wrk [epoll]", None),
    ],
)
def test_version_of_wrk_is_read_in_all_its_spellings(
    tmp_path: Path, said: str, version: str | None
) -> None:
    """wrk exits 1 after its version, and packagers spell it differently."""
    file = executable(tmp_path, "wrk", said, rc=1)

    assert find_tool("wrk", str(tmp_path)) == ("wrk", file, version)


def test_new_enough_copy_wins_over_an_old_one_before_it(tmp_path: Path) -> None:
    """An old oha earlier on PATH does not hide a usable one."""
    executable(tmp_path / "a", "oha", "oha 1.4.5")
    new = executable(tmp_path / "b", "oha", "oha 1.16.0")

    found = find_tool("oha", f"{tmp_path / 'a'}:{tmp_path / 'b'}")

    assert found is not None
    assert (found.path, found.usable) == (new, True)


def test_old_copy_is_found_and_not_usable(tmp_path: Path) -> None:
    """A tool that is too old is named, not taken."""
    executable(tmp_path, "oha", "oha 1.13.9")

    found = find_tool("oha", str(tmp_path))

    assert found is not None
    assert not found.usable


def test_name_that_does_not_run_is_no_tool(tmp_path: Path) -> None:
    """A file that cannot be executed does not count as installed."""
    file = tmp_path / "oha"
    file.write_text("#!/nowhere/interpreter\n")
    file.chmod(0o755)

    assert find_tool("oha", str(tmp_path)) is None


def test_cargo_and_homebrew_folders_are_searched_after_path() -> None:
    """What cargo or Homebrew installed is found although PATH does not name its folder."""
    parts = search_path({"PATH": "/usr/bin::/bin", "HOME": "/home/u"}).split(":")

    assert parts[:-1] == [
        "/usr/bin",
        "/bin",
        "/home/u/.cargo/bin",
        "/opt/homebrew/bin",
        "/usr/local/bin",
    ]
    assert search_path({"PATH": "/bin", "CARGO_HOME": "/c"}).split(":")[1] == "/c/bin"


@pytest.mark.parametrize(
    ("version", "minimum", "expected"),
    [
        ("1.88.0", (1, 88), True),
        ("1.87.9", (1, 88), False),
        ("1.100.0", (1, 88), True),
        ("2", (1, 88), True),
        ("4.1", (4, 1, 0), True),
        (None, (1,), False),
    ],
)
def test_versions_compare_by_number(
    version: str | None, minimum: tuple[int, ...], *, expected: bool
) -> None:
    """1.100 is newer than 1.88, and missing parts count as 0."""
    assert at_least(version, minimum) is expected


class Machine:
    """Answers commands by name, and remembers which were asked."""

    def __init__(self, answers: dict[str, Completed]) -> None:
        self.answers = answers
        self.asked: list[str] = []

    def __call__(self, argv: tuple[str, ...]) -> Completed | None:
        name = argv[0].rpartition("/")[2]
        self.asked.append(name)
        return self.answers.get(name)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine that has only what a test puts into this folder."""
    monkeypatch.setattr("bench.loadtools.install.find.search_path", lambda: str(tmp_path))
    return tmp_path


def test_survey_asks_nobody_else_where_all_tools_are_there(folder: Path) -> None:
    """Neither apt nor rustc is asked when nothing is to be installed."""
    for name in ("wrk", "apt-get", "rustc"):
        executable(folder, name, "")
    machine = Machine({"wrk": Completed(1, "wrk 4.2.0 [epoll]", "")})

    facts = survey(("wrk",), machine)

    assert machine.asked == ["wrk"]
    assert facts.installed["wrk"].version == "4.2.0"


def test_survey_reads_compiler_and_lists_where_a_tool_is_missing(folder: Path) -> None:
    """What a plan needs is read: helpers, the compiler's version, the packages apt knows."""
    for name in ("apt-get", "rustc", "cargo"):
        executable(folder, name, "")
    machine = Machine(
        {
            "rustc": Completed(0, "rustc 1.95.0 (59807616e 2026-04-14)\n", ""),
            "apt-cache": Completed(100, "Package: wrk\nVersion: 4.1.0-3\n", "E: No packages found"),
        }
    )

    facts = survey(("wrk", "oha"), machine)

    assert facts.executables == {"apt-get", "cargo"}
    assert facts.rustc == "1.95.0"
    assert facts.apt_known == {"wrk"}
    assert facts.installed == {}
    assert facts.system == ("darwin" if sys.platform == "darwin" else "linux")


def test_survey_of_a_bare_machine(folder: Path) -> None:
    """Where nothing is there, nothing is claimed."""
    facts = survey(("oha",), Machine({}))

    assert not list(folder.iterdir())
    assert (facts.executables, facts.rustc, facts.apt_known) == (frozenset(), None, frozenset())


def test_silent_apt_knows_nothing(folder: Path) -> None:
    """An apt-cache that cannot be run leaves the lists unknown, so they are fetched."""
    executable(folder, "apt-get", "")

    assert survey(("wrk",), Machine({})).apt_known == frozenset()
