"""Copies of a server's folder: whole, of its sources only, and named after their content."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bench.errors import StoreError
from bench.model.plan import Arm
from bench.model.server_config import ServerConfig
from bench.servers import build_dirs as homes
from bench.servers import buildable_copy
from bench.servers.build_dirs import content_of, copy_server
from bench.store.run_directory import write_atomic

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def server(tmp_path: Path) -> Path:
    """A server with a program, a module and what an earlier build left."""
    folder = tmp_path / "project" / "s"
    (folder / ".venv").mkdir(parents=True)
    (folder / ".venv" / "made").write_text("by a build")
    (folder / "start.sh").write_text("#!/bin/sh\n")
    (folder / "start.sh").chmod(0o755)
    (folder / "lib").mkdir()
    (folder / "lib" / "module.py").write_text("pass")
    (folder / "server.yaml").write_text("run: [./start.sh, '{port}']\n")
    return folder


def contents(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def test_sources_are_copied_and_builds_are_not(server: Path, tmp_path: Path) -> None:
    """Programs stay executable; a server.yaml of the copy's own takes the place of the other."""
    copy_server(server, tmp_path / "copy", server_yaml=b"changed")

    assert contents(tmp_path / "copy") == {"start.sh", "lib/module.py", "server.yaml"}
    assert (tmp_path / "copy" / "start.sh").stat().st_mode & 0o777 == 0o755
    assert (tmp_path / "copy" / "server.yaml").read_bytes() == b"changed"


def test_an_interrupted_copy_is_completed(
    server: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A copy that failed in the middle is not taken for a whole one the next time."""
    arm = Arm(
        name="s",
        server="s",
        folder=str(server),
        config=ServerConfig.model_validate({"title": "S", "run": ["./start.sh", "{port}"]}),
    )
    monkeypatch.setattr(homes, "needs_copy", lambda _: True)
    written: list[Path] = []

    def full(path: Path, data: bytes) -> None:
        if written:
            raise StoreError("cannot write: No space left on device")
        written.append(path)
        write_atomic(path, data)

    monkeypatch.setattr(homes, "write_atomic", full)
    with pytest.raises(StoreError):
        buildable_copy(arm, tmp_path / "cache")
    monkeypatch.setattr(homes, "write_atomic", write_atomic)
    home = buildable_copy(arm, tmp_path / "cache").folder

    assert contents(tmp_path / "cache") == {
        f"servers/s-{content_of(server)}/s/{name}"
        for name in ("start.sh", "lib/module.py", "server.yaml")
    }
    assert home == str(tmp_path / "cache" / "servers" / f"s-{content_of(server)}" / "s")


def test_other_sources_are_another_copy(server: Path) -> None:
    """A deleted file changes the name of the copy; what a build made does not."""
    before = content_of(server)
    (server / ".venv" / "more").write_text("built")
    same = content_of(server)
    (server / "lib" / "module.py").unlink()

    assert before == same != content_of(server)
