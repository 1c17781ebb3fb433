"""Calls `bench` in this process, with its own cache, and gives back what it printed."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING, NamedTuple, Protocol

import pytest

from bench.cli import main

if TYPE_CHECKING:
    from pathlib import Path


class Said(NamedTuple):
    """Exit code, stdout and stderr of one call."""

    code: int
    out: str
    err: str


class Bench(Protocol):
    """`bench(*args)`."""

    def __call__(self, *args: str) -> Said: ...


@pytest.fixture
def bench(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Bench:
    """Call the command line in this process."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))

    def call(*args: str) -> Said:
        before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            with pytest.raises(SystemExit) as ended:
                main(args)
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
        captured = capsys.readouterr()
        code = ended.value.code
        return Said(code if isinstance(code, int) else 1, captured.out, captured.err)

    return call
