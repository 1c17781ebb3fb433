"""Stacks to shares: categories, functions, the GIL, and how much of the truth was seen."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final

from bench.model.cpu_profile import Breakdown, FunctionShare, Gil, Quality, Slice
from bench.profiling.stacks import UNKNOWN

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bench.profiling.rules import RuleBook
    from bench.profiling.stacks import Frame, Profile, Stack

GIL: Final = "waiting for the GIL"
_FUNCTIONS: Final = 15


def break_down(
    profile: Profile,
    book: RuleBook,
    *,
    window_s: float,
    cpu_us: float | None,
    cpu_s: float | None,
    asked: int | None,
) -> Breakdown:
    """Put every stack into a category.

    Args:
        profile: what was sampled.
        book: the rules of the server's runtime.
        window_s: how long the profiler looked.
        cpu_us: CPU microseconds per request of the trial without a profiler, or None.
        cpu_s: CPU seconds that the system counted for the server while it was sampled, or None.
        asked: samples per CPU second that were asked for, None where the method has no rate.
    """
    counts = Counter[str]()
    for stack in profile.stacks:
        counts[book.category(stack.frames)] += stack.samples
    total = profile.samples
    slices = tuple(
        Slice(
            category=name,
            samples=counts[name],
            share=counts[name] / total,
            us_per_request=None if cpu_us is None else cpu_us * counts[name] / total,
            note=book.notes.get(name, ""),
        )
        for name in book.categories
    )
    return Breakdown(
        runtime=book.runtime,
        slices=slices,
        functions=functions(profile),
        quality=quality(profile, cpu_s, asked),
        gil=gil(profile, window_s, counts[GIL]) if GIL in book.categories else None,
    )


def functions(profile: Profile, limit: int = _FUNCTIONS) -> tuple[FunctionShare, ...]:
    """The script's functions with the largest shares, largest first."""
    whole, own = Counter[tuple[str, str]](), Counter[tuple[str, str]]()
    for stack in profile.stacks:
        names = [(f.symbol, f.place) for f in stack.frames if f.kind == "script"]
        if names:
            own[names[0]] += stack.samples
        for name in set(names):
            whole[name] += stack.samples
    ranked = sorted(whole.items(), key=lambda item: (-item[1], item[0]))[:limit]
    total = profile.samples
    return tuple(
        FunctionShare(
            name=name[0],
            place="/".join(name[1].split("/")[-2:]),
            share=count / total,
            own_share=own[name] / total,
        )
        for name, count in ranked
    )


def quality(profile: Profile, cpu_s: float | None, asked: int | None) -> Quality:
    """What the profiler really saw, in shares of what it should have seen."""
    total = profile.samples
    taken = total if profile.taken is None else profile.taken
    unreadable = sum(s.samples for s in profile.stacks if s.frames[0].symbol == UNKNOWN)
    single = sum(s.samples for s in profile.stacks if len(s.frames) == 1)
    seen = taken / cpu_s if cpu_s and asked is not None else None
    return Quality(
        samples=total,
        asked_per_cpu_s=asked,
        seen_per_cpu_s=seen,
        lost_share=profile.lost / (taken + profile.lost),
        error_share=profile.errors / (taken + profile.waiting + profile.errors),
        unreadable_share=unreadable / total,
        single_share=single / total,
        waiting_share=profile.waiting / (taken + profile.waiting),
    )


def gil(profile: Profile, window_s: float, taking: int) -> Gil:
    """How long the GIL was held at least, and who wanted it.

    Args:
        profile: samples of CPU time; a sleeping thread is not in them.
        window_s: seconds that the profiler looked.
        taking: samples in which it was taken or released.
    """
    held = sum(s.samples for s in profile.stacks if holds_gil(s))
    wanted = {tid for s in profile.stacks if _takes(s.frames) for tid in s.threads}
    return Gil(
        held_on_cpu=min(1.0, held * profile.weight_s / window_s) if window_s > 0 else 0.0,
        taking_share=taking / profile.samples,
        threads=len(wanted),
    )


def holds_gil(stack: Stack) -> bool:
    """Whether that stack is of a thread that holds the GIL.

    Python code, or CPython called by native code, and not in a system call: before one that
    may block CPython releases the GIL. What a C extension does after it released the GIL is
    counted as holding; only its own symbols could tell.
    """
    frames = stack.frames
    if _takes(frames):
        return False
    if any(f.kind == "kernel" and f.symbol.startswith(_SYSCALL) for f in frames):
        return False
    return any(f.kind == "script" or f.place.startswith(("libpython3", "python3")) for f in frames)


_SYSCALL: Final = ("__x64_sys_", "__arm64_sys_", "do_syscall_64", "el0_svc", "invoke_syscall")


def _takes(frames: Sequence[Frame]) -> bool:
    return any(f.symbol in ("take_gil", "drop_gil", "drop_gil_impl") for f in frames)
