"""Samples of threads that sleep: profilers that stop a process see those too, and count them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from bench.profiling.stacks import UNKNOWN

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bench.profiling.stacks import Frame

_NATIVE: Final = frozenset({
    # Linux; `syscall` is how Rust's locks wait, PyThread_* how Python's do.
    "PyThread_acquire_lock_timed",
    "clock_nanosleep", "epoll_pwait", "epoll_pwait2", "epoll_wait", "futex_wait", "nanosleep",
    "poll", "ppoll", "pselect", "pthread_cond_clockwait", "pthread_cond_timedwait",
    "pthread_cond_wait", "select", "sem_clockwait", "sem_timedwait", "sem_wait", "sigwait",
    "syscall",
    # macOS
    "kevent", "kevent64", "kevent_id", "mach_msg2_trap", "mach_msg_trap", "psynch_cvwait",
    "psynch_mutexwait", "semaphore_timedwait_trap", "semaphore_wait_trap", "semwait_signal",
    "sigsuspend", "ulock_wait", "ulock_wait2", "workq_kernreturn",
})  # fmt: skip
_SCRIPT: Final = frozenset({
    "Condition.wait", "DevpollSelector.select", "EpollSelector.select", "KqueueSelector.select",
    "PollSelector.select", "SelectSelector.select", "_PyPollSelector.select",
})  # fmt: skip


def sleeps(frames: Sequence[Frame]) -> bool:
    """Whether the innermost frame with a name is one that waits.

    Frames of the C library without a name are passed over: its own functions for waiting often
    have none.
    """
    for frame in frames:
        nameless = frame.symbol == UNKNOWN and frame.place.startswith(("libc", "libpthread"))
        if nameless:
            continue
        if frame.kind == "script":
            return frame.symbol in _SCRIPT
        return frame.symbol.removeprefix("__").removeprefix("GI_").lstrip("_") in _NATIVE
    return False
