"""A user without a home folder: no HOME, and a uid that the machine has no entry for."""

from __future__ import annotations

import json
import pwd
from typing import TYPE_CHECKING

import pytest

from bench.loadtools.install.find import find_tool, user_path
from bench.profiling.setup import _pyenv
from bench.store import cache

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cli.conftest import Bench


@pytest.fixture(autouse=True)
def homeless(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: ARG001 - first
    """What a container that was started with `--user 12345` sees; after bench has its cache."""

    def nobody(_who: object) -> None:
        raise KeyError("no such entry")

    monkeypatch.setattr(pwd, "getpwuid", nobody)
    monkeypatch.setattr(pwd, "getpwnam", nobody)
    for name in ("HOME", "XDG_CACHE_HOME", "XDG_CONFIG_HOME", "CARGO_HOME", "PYENV_ROOT"):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("clean",), "~/.cache: the home folder is not known\n  set HOME or XDG_CACHE_HOME"),
        (("machines", "check", "x"), "set HOME or XDG_CONFIG_HOME"),
        (("machines", "check", "~nouser/x:y"), "~nouser/x: the home folder is not known"),
    ],
)
def test_what_needs_a_home_folder(bench: Bench, words: tuple[str, ...], said: str) -> None:
    """One sentence, with the variable that would do instead."""
    done = bench(*words)

    assert (done.code, said in done.err) == (2, True), done.err


def test_what_needs_none(bench: Bench, tmp_path: Path) -> None:
    """Where the home folder is one of several places, it is left out."""

    assert bench("host", "--json").code == 0
    assert bench("host", "--capture", str(tmp_path / "captured")).code == 0
    assert bench("init", "--no-try", str(tmp_path / "new")).code == 0
    done = bench("validate", "--json", str(tmp_path / "new"))

    assert json.loads(done.out)["problems"] == []
    assert ".cargo" not in user_path({"PATH": "/bin"})
    assert _pyenv() == []
    find_tool("paced")


def test_what_is_kept_costs_time_only() -> None:
    """A cache that has no place is made anew each time."""
    assert cache.kept("x", lambda: b"made") == b"made"
