"""A file is replaced whole, also by several writers at once, and leaves nothing beside it."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from bench.errors import StoreError
from bench.store.run_directory import write_atomic

if TYPE_CHECKING:
    from pathlib import Path

WRITES = 150
WRITER = f"""
import sys
from pathlib import Path
from bench.store.run_directory import write_atomic
letter = sys.argv[2].encode()
print("ready", flush=True)
sys.stdin.readline()
for _ in range({WRITES}):
    write_atomic(Path(sys.argv[1]), letter * 20_000)
"""


def test_two_writers_of_one_file_disturb_neither(tmp_path: Path) -> None:
    """Two processes write one file: none fails, and every read is the whole work of one."""
    path = tmp_path / "shared.json"
    path.write_bytes(b"a" * 20_000)
    argv = [sys.executable, "-c", WRITER, str(path)]
    writers = [
        subprocess.Popen([*argv, letter], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        for letter in ("a", "b")
    ]
    for writer in writers:
        assert writer.stdout is not None
        assert writer.stdout.readline() == b"ready\n"
    for writer in writers:
        assert writer.stdin is not None
        writer.stdin.write(b"go\n")
        writer.stdin.close()
    seen = set()
    while any(writer.poll() is None for writer in writers):
        seen.add(path.read_bytes())
    for writer in writers:
        assert writer.stdout is not None
        writer.stdout.close()

    assert [writer.returncode for writer in writers] == [0, 0]
    assert seen <= {b"a" * 20_000, b"b" * 20_000}
    assert [each.name for each in tmp_path.iterdir()] == ["shared.json"]


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), KeyboardInterrupt()])
def test_a_failed_write_leaves_the_old_file_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: BaseException
) -> None:
    """A full disk or Ctrl-C in the middle: the old content stays, nothing lies beside it."""
    path = tmp_path / "kept.json"
    write_atomic(path, b"old")

    def failing(_descriptor: int) -> None:
        raise error

    monkeypatch.setattr(os, "fsync", failing)
    with pytest.raises((StoreError, KeyboardInterrupt)):
        write_atomic(path, b"new")

    assert path.read_bytes() == b"old"
    assert [each.name for each in tmp_path.iterdir()] == ["kept.json"]


def test_a_name_as_long_as_names_can_be(tmp_path: Path) -> None:
    """The temporary name is not longer than the system allows where the file's own is just so."""
    path = tmp_path / ("n" * 255)

    write_atomic(path, b"data")

    assert path.read_bytes() == b"data"


def test_others_may_read_what_the_user_lets_them(tmp_path: Path) -> None:
    """The mode is that of any new file, by the umask: a published report can be read."""
    plain, path = tmp_path / "plain", tmp_path / "written"
    plain.write_bytes(b"")
    write_atomic(path, b"")

    assert stat.S_IMODE(path.stat().st_mode) == stat.S_IMODE(plain.stat().st_mode)
