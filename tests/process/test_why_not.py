"""A program that is there and does not start: the cause is named, not `No such file`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bench.errors import BenchError
from bench.process import Command, SupervisorClient

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(scope="module")
def supervisor() -> Iterator[SupervisorClient]:
    with SupervisorClient() as made:
        yield made


@pytest.mark.parametrize(
    ("content", "mode", "said"),
    [
        ("#!/home/old/.venv/bin/python\n", 0o755, ("/home/old/.venv/bin/python", "moved")),
        ("#!/bin/sh\r\necho\r\n", 0o755, ("CR LF", "sed -i")),
        ("#!/bin/sh\n", 0o644, ("may not be executed", "chmod +x")),
        ("echo no first line\n", 0o755, ("#! in its first line", "sh ./start")),
    ],
)
def test_the_cause(
    supervisor: SupervisorClient, tmp_path: Path, content: str, mode: int, said: tuple[str, str]
) -> None:
    """Moved environments, lines from Windows, missing rights, a script of nothing."""
    (tmp_path / "start").write_text(content, newline="")
    (tmp_path / "start").chmod(mode)
    with pytest.raises(BenchError) as caught:
        supervisor.spawn(Command(("./start",), {}, tmp_path, None, tmp_path / "log"))

    assert said[0] in caught.value.message
    assert said[1] in caught.value.advice


def test_one_that_is_not_there(supervisor: SupervisorClient, tmp_path: Path) -> None:
    """The system's own words are the right ones."""
    with pytest.raises(BenchError, match="No such file"):
        supervisor.spawn(Command(("./none",), {}, tmp_path, None, tmp_path / "log"))
