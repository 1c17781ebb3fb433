"""`bench` gives way on macOS while it measures, and takes its priority back."""

from __future__ import annotations

import os
import sys
import threading

import pytest

from bench.process.priority import in_background, keep_off


def played(monkeypatch: pytest.MonkeyPatch, system: str, *, refused: bool = False) -> list[object]:
    """A system that writes down what it is asked for."""
    asked: list[object] = []

    def setpriority(which: int, who: int, value: int) -> None:
        asked.append((which, who, value))
        if refused:
            raise PermissionError

    monkeypatch.setattr("sys.platform", system)
    monkeypatch.setattr("os.setpriority", setpriority)
    return asked


def test_background_for_as_long_as_it_measures(monkeypatch: pytest.MonkeyPatch) -> None:
    """This process alone (4, 0): into the background, and out of it also after an error."""
    asked = played(monkeypatch, "darwin")

    def measure() -> None:
        with in_background() as done:
            assert done
            raise KeyError

    with pytest.raises(KeyError):
        measure()

    assert asked == [(4, 0, 0x1000), (4, 0, 0)]


def test_a_refusal_is_no_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing was done, so nothing is taken back."""
    asked = played(monkeypatch, "darwin", refused=True)

    with in_background() as done:
        assert not done

    assert len(asked) == 1


def test_elsewhere_nothing_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    """Linux holds it on CPUs of its own instead."""
    asked = played(monkeypatch, "linux")

    with in_background() as done:
        assert not done

    assert asked == []


def _cpus(thread: int) -> set[int]:
    if sys.platform == "linux":
        return os.sched_getaffinity(thread)
    return set()


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux holds threads on CPUs")
def test_every_thread_keeps_off_the_cpus_that_are_measured() -> None:
    """Also one that was there before; with no other CPU left it may use all of them."""
    over = threading.Event()
    older = threading.Thread(target=over.wait)
    older.start()
    assert older.native_id is not None
    allowed = _cpus(0)
    try:
        keep_off({min(allowed)})
        expected = (allowed - {min(allowed)}) or allowed
        assert (_cpus(0), _cpus(older.native_id)) == (expected, expected)
        keep_off(allowed)
        assert _cpus(older.native_id) == allowed
    finally:
        keep_off(())
        over.set()
        older.join()
