"""Sources: files, commands and patterns of this machine and of a captured tree."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.host.source import (
    file_name,
    format_cpulist,
    local_source,
    natural,
    parse_cpulist,
    parse_int,
    tree_source,
)
from tests.host.trees import linux_tree, memory_source, write

if TYPE_CHECKING:
    from pathlib import Path


def test_a_missing_file_tells_why(tmp_path: Path) -> None:
    """Missing, empty and unreadable files have different reasons."""
    (tmp_path / "empty").write_text(" \n")
    source = tree_source(tmp_path)

    assert source.read("/nothing").reason == "no such file"
    assert source.read("/empty").reason == "empty"
    assert source.read("/").reason == "Is a directory"


def test_permission_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that only root may read says so."""

    def refuse(_path: Path) -> bytes:
        raise PermissionError

    monkeypatch.setattr("pathlib.Path.read_bytes", refuse)

    assert tree_source(tmp_path).read("/x").reason == "permission denied"


def test_a_missing_command_is_a_missing_file(tmp_path: Path) -> None:
    """In a tree a command that is not there has no file; text and JSON files are found."""
    (tmp_path / "sysctl_-a.txt").write_text("hw.ncpu: 8\n")
    (tmp_path / "system_profiler_-json_X.json").write_text("{}")
    source = tree_source(tmp_path)

    assert source.run(["sysctl", "-a"]).text == "hw.ncpu: 8"
    assert source.run(["system_profiler", "-json", "X"]).text == "{}"
    assert source.run(["pmset", "-g"]).reason == "no such command: pmset"


def test_local_commands_run() -> None:
    """This machine's commands answer with what they print, or with why not."""
    source = local_source()
    speak = "import sys; sys.stderr.write('not allowed'); sys.exit(1)"

    assert source.run([sys.executable, "-c", "print('yes')"]).text == "yes"
    assert source.run(["no-such-command-here"]).reason == "no such command: no-such-command-here"
    assert source.run([sys.executable, "-c", speak]).reason.endswith("but: not allowed")
    assert source.run([sys.executable, "-c", ""]).reason == f"{sys.executable} said nothing"


def test_local_files_are_read_and_found(tmp_path: Path) -> None:
    """This machine's files are read; patterns give natural order."""
    for number in (10, 2):
        (tmp_path / f"cpu{number}").write_text(str(number))
    source = local_source()

    assert source.read(str(tmp_path / "cpu2")).text == "2"
    assert source.glob(f"{tmp_path}/cpu[0-9]*") == (f"{tmp_path}/cpu2", f"{tmp_path}/cpu10")


def test_a_tree_in_memory_reads_as_one_on_disk(tmp_path: Path) -> None:
    """The tests' own source and the real one agree on every question."""
    tree = linux_tree("rk3588-rock5b")
    disk, memory = tree_source(write(tree, tmp_path)), memory_source(tree)
    pattern = "/sys/devices/system/cpu/cpu[0-9]*/cache/index[0-9]*/level"

    assert disk.glob(pattern) == memory.glob(pattern) != ()
    assert disk.run(["uname", "-a"]) == memory.run(["uname", "-a"])
    assert disk.read("/proc/cpuinfo") == memory.read("/proc/cpuinfo")


def test_file_names_have_no_slashes() -> None:
    """An argument that is a path cannot leave the tree."""
    assert file_name(["mdutil", "-s", "/"]) == "mdutil_-s__"


def test_natural_order() -> None:
    """Numbers count as numbers."""
    assert sorted(["cpu10", "cpu2", "cpu1"], key=natural) == ["cpu1", "cpu2", "cpu10"]


@given(st.sets(st.integers(0, 300)))
def test_cpu_lists_survive_printing(cpus: set[int]) -> None:
    """What is printed reads back as the same CPUs."""
    assert parse_cpulist(format_cpulist(sorted(cpus))) == tuple(sorted(cpus))


@pytest.mark.parametrize("text", [None, "", "abc", "1-", "-3", "0,,2", "0-3 extra"])
def test_what_is_no_cpu_list_is_empty(text: str | None) -> None:
    """Damaged lists give no CPUs instead of wrong ones."""
    assert parse_cpulist(text) == ()


def test_a_damaged_list_does_not_fill_the_memory() -> None:
    """A range without sense is cut."""
    assert len(parse_cpulist("0-99999999999")) < 20_000


@pytest.mark.parametrize(
    ("text", "value"),
    [("12", 12), ("0x1a", 26), ("-1", -1), ("007", 7), ("max", None), (None, None), ("1.5", None)],
)
def test_whole_numbers(text: str | None, value: int | None) -> None:
    """Decimal and hexadecimal numbers are read, everything else is None."""
    assert parse_int(text) == value
