"""A load tool of sources is built when it is first needed, once per machine and source."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bench.errors import ToolMissingError
from bench.loadtools.install import ready as module
from bench.loadtools.install.find import choose, find_tool
from bench.loadtools.install.ready import ready

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(autouse=True)
def bare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache of its own, and a PATH with nothing but what the test puts there."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("CARGO_HOME", raising=False)
    monkeypatch.setattr("bench.loadtools.install.find.search_path", lambda: str(tmp_path / "bin"))
    monkeypatch.setattr(module, "search_path", lambda: str(tmp_path / "bin"))
    (tmp_path / "bin").mkdir()
    return tmp_path / "bin"


def compiler(folder: Path, script: str) -> None:
    (folder / "cc").write_text(f"#!/bin/sh\n{script}\n")
    (folder / "cc").chmod(0o755)


def test_it_is_built_once(bare: Path) -> None:
    """The second time it is there; half a build never is."""
    program = "#!/bin/sh\\necho paced 1"
    compiler(
        bare, f'while [ "$1" != -o ]; do shift; done; printf "{program}" > "$2"; chmod +x "$2"'
    )

    assert choose("open") == "paced"
    assert find_tool("paced") is None
    built = ready("paced")
    assert built is not None
    assert built.version == "1"
    assert [file.name for file in built.path.parent.iterdir()] == ["paced"]
    compiler(bare, "exit 1")
    assert ready("paced") == built


def test_without_a_compiler_nothing_is_built() -> None:
    """It is missing, and no open loop is chosen by it."""
    assert ready("paced") is None
    assert choose("open") is None


def test_a_compiler_that_refuses_is_quoted(bare: Path) -> None:
    """Its first line, and the command that shows all of it."""
    compiler(bare, "echo 'main.c:1: no such thing' >&2; exit 1")

    with pytest.raises(ToolMissingError, match=r"main\.c:1: no such thing") as error:
        ready("paced")
    assert "bench setup --tool paced" in (error.value.advice or "")
