"""What is kept in the user's cache, and what happens when it is damaged or cannot be written."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.store.cache import cache_folder, kept


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache of the test's own."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return tmp_path / "bench"


def never() -> bytes:
    """For what must be there already."""
    raise AssertionError("made again")


def test_place(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """XDG_CACHE_HOME names the place, without it the home folder."""
    assert cache_folder() == cache
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", "/home/somebody")
    assert cache_folder() == Path("/home/somebody/.cache/bench")


def test_made_once(cache: Path) -> None:
    """The second time it is read; no other file stays."""
    assert kept("charts/a.js", lambda: b"var a") == b"var a"
    assert kept("charts/a.js", never) == b"var a"
    assert [path.name for path in (cache / "charts").iterdir()] == ["a.js"]


@pytest.mark.parametrize("damage", [b"", b"\0" * 40, b"short"])
def test_damaged_is_made_again(cache: Path, damage: bytes) -> None:
    """A file that a power cut emptied or cut is not believed."""
    kept("a", lambda: b"first")
    (cache / "a").write_bytes(damage)

    assert kept("a", lambda: b"second") == b"second"
    assert kept("a", never) == b"second"


def test_cache_that_cannot_be_written(cache: Path) -> None:
    """Where a file stands in the place of the folder, it is made each time."""
    cache.write_bytes(b"")

    assert kept("a", lambda: b"first") == b"first"
    assert kept("a", lambda: b"second") == b"second"
