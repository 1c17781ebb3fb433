"""Stacks become shares, functions, and what is known of the GIL."""

from __future__ import annotations

import pytest

from bench.profiling.breakdown import break_down, functions, gil, holds_gil, quality
from bench.profiling.rules import rule_book
from bench.profiling.stacks import Frame, Profile, Stack

ECHO = Frame("echo", "/srv/app/app.py", "script")
OUTER = Frame("serve", "/srv/app/main.py", "script")
EVAL = Frame("_PyEval_EvalFrameDefault", "libpython3.12.so.1.0", "native")
TAKE = Frame("take_gil", "libpython3.12.so.1.0", "native")
SEND = Frame("__x64_sys_sendto", "[kernel]", "kernel")
NAMELESS = Frame("[unknown]", "[unknown]", "native")


def stack(*frames: Frame, samples: int = 1, threads: tuple[int, ...] = ()) -> Stack:
    return Stack("t", frames, samples, frozenset(threads))


PROFILE = Profile(
    (
        stack(EVAL, ECHO, OUTER, samples=50),
        stack(SEND, EVAL, ECHO, samples=30),
        stack(TAKE, ECHO, samples=10, threads=(1, 2)),
        stack(NAMELESS, samples=10),
    ),
    weight_s=0.002,
    lost=25,
)


def test_shares_are_of_all_samples_and_cost_follows_them() -> None:
    """Half of the samples is half of the CPU time of a request; all shares make one."""
    found = break_down(
        PROFILE, rule_book("python"), window_s=1.0, cpu_us=200.0, cpu_s=0.25, asked=499
    )
    slices = {part.category: part for part in found.slices}

    assert slices["interpreter and handler"].share == 0.5
    assert slices["interpreter and handler"].us_per_request == 100.0
    assert slices["kernel and network"].us_per_request == 60.0
    assert slices["unknown"].samples == 10
    assert sum(part.share for part in found.slices) == pytest.approx(1)
    assert found.gil is not None


def test_without_cost_there_are_shares_only() -> None:
    """What a request costs is not known: no microseconds; machine code has no GIL."""
    found = break_down(
        PROFILE, rule_book("native"), window_s=1.0, cpu_us=None, cpu_s=None, asked=None
    )

    assert {part.us_per_request for part in found.slices} == {None}
    assert found.gil is None
    assert found.quality.seen_per_cpu_s is None


def test_quality_counts_what_was_not_seen() -> None:
    """Lost, unreadable and single frames, in shares of what there was."""
    seen = quality(PROFILE, cpu_s=0.25, asked=499)

    assert (seen.samples, seen.seen_per_cpu_s) == (100, 400.0)
    assert seen.lost_share == pytest.approx(0.2)
    assert (seen.unreadable_share, seen.single_share) == (0.1, 0.1)


def test_functions_have_their_own_share_and_that_of_their_callees() -> None:
    """The innermost function of the script owns a sample; a caller has it in its stack."""
    echo, serve = functions(PROFILE)

    assert (echo.name, echo.place) == ("echo", "app/app.py")
    assert (echo.share, echo.own_share) == (0.9, 0.9)
    assert (serve.share, serve.own_share) == (0.5, 0.0)
    assert functions(PROFILE, limit=1) == (echo,)


def test_the_lock_is_held_by_python_that_runs() -> None:
    """Not in a system call, not while it is being taken, not by code that knows no Python."""
    assert holds_gil(stack(EVAL, ECHO))
    assert not holds_gil(stack(SEND, EVAL, ECHO))
    assert not holds_gil(stack(TAKE, ECHO))
    assert not holds_gil(stack(NAMELESS))


def test_held_is_time_of_the_window() -> None:
    """50 samples of 2 ms in 0.5 s are 20 %; two threads took it."""
    found = gil(PROFILE, window_s=0.5, taking=10)

    assert found.held_on_cpu == pytest.approx(0.2)
    assert (found.taking_share, found.threads) == (0.1, 2)
    assert gil(PROFILE, window_s=0.01, taking=10).held_on_cpu == 1.0
    assert gil(PROFILE, window_s=0.0, taking=10).held_on_cpu == 0.0
