"""Ctrl-C at any instant of a sampler's life leaves nobody waiting for it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

_ROOT = Path(__file__).parents[2]


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_an_interruption_never_hangs() -> None:
    """No lock stays held that the end of the sampling needs: `bench ab` once waited for ever."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.sampler.interrupted", "20"],
        cwd=_ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert (done.returncode, done.stdout) == (0, "ended\n"), done.stderr
