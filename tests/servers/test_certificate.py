"""The key of a run goes with it, at the latest when the next one needs a key."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from typing import TYPE_CHECKING

from bench.servers.certificate import certificate

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


def test_keys_of_a_killed_bench_are_removed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Those of a process that still runs stay, and what only looks like one."""
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    left, held, other = (
        tmp_path / f"bench-tls-{owner}-x" for owner in (gone.pid, os.getppid(), "mine")
    )
    for folder in (left, held, other):
        folder.mkdir()
        (folder / "key.pem").touch()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))

    made = certificate.__wrapped__()

    assert [folder.exists() for folder in (left, held, other)] == [False, True, True]
    assert made.key.parent.name.startswith(f"bench-tls-{os.getpid()}-")
    assert made.key.stat().st_mode & 0o077 == 0 or made.key.parent.stat().st_mode & 0o077 == 0
