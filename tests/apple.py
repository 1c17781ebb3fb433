"""What Python believes of Apple's structures and constants, as a C file of static assertions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from bench.host.darwin import texts
from bench.process import priority, supervisor
from bench.sampler.darwin import rusage
from bench.servers import ports

if TYPE_CHECKING:
    from collections.abc import Sequence

_USAGE: Final = "struct rusage_info_v6"
_THREAD: Final = "struct proc_threadinfo"


class Fact(NamedTuple):
    """One thing that Python takes for granted.

    Attributes:
        names: the constants of ours that hold it.
        claim: a constant expression in C that is true when Python is right.
    """

    names: tuple[str, ...]
    claim: str


def _field(name: str, member: str) -> Fact:
    at = rusage._UUID_BYTES + rusage._HANDLE_BYTES * getattr(rusage, name)
    return Fact((name,), f"offsetof({_USAGE}, {member}) == {at}")


FACTS: Final = (
    Fact(("RUSAGE_INFO_V4",), f"RUSAGE_INFO_V4 == {rusage.RUSAGE_INFO_V4}"),
    Fact(("_UUID_BYTES",), f"offsetof({_USAGE}, ri_user_time) == {rusage._UUID_BYTES}"),
    Fact(("RUSAGE_INFO_V6",), f"RUSAGE_INFO_V6 == {rusage.RUSAGE_INFO_V6}"),
    Fact(
        ("_FIELDS_V6",),
        f"sizeof({_USAGE}) == {rusage._UUID_BYTES + rusage._HANDLE_BYTES * rusage._FIELDS_V6}",
    ),
    Fact(
        ("_FIELDS",),
        "sizeof(struct rusage_info_v4) == "
        f"{rusage._UUID_BYTES + rusage._HANDLE_BYTES * rusage._FIELDS}",
    ),
    Fact(("_BUFFER_BYTES",), f"sizeof({_USAGE}) <= {rusage._BUFFER_BYTES}"),
    _field("_USER", "ri_user_time"),
    _field("_SYSTEM", "ri_system_time"),
    _field("_CHILD_USER", "ri_child_user_time"),
    _field("_CHILD_SYSTEM", "ri_child_system_time"),
    _field("_INSTRUCTIONS", "ri_instructions"),
    _field("_CYCLES", "ri_cycles"),
    _field("_FAST_USER", "ri_user_ptime"),
    _field("_FAST_SYSTEM", "ri_system_ptime"),
    Fact((), f"offsetof(struct rusage_info_v4, ri_cycles) == offsetof({_USAGE}, ri_cycles)"),
    Fact(("_HANDLE_BYTES",), f"sizeof(uint64_t) == {rusage._HANDLE_BYTES}"),
    Fact(("_THREAD_BYTES",), f"sizeof({_THREAD}) == {rusage._THREAD_BYTES}"),
    Fact((), f"offsetof({_THREAD}, pth_user_time) == 0"),
    Fact((), f"offsetof({_THREAD}, pth_system_time) == 8"),
    Fact(("_PROC_PIDTHREADINFO",), f"PROC_PIDTHREADINFO == {rusage._PROC_PIDTHREADINFO}"),
    Fact(("_PROC_PIDLISTTHREADS",), f"PROC_PIDLISTTHREADS == {rusage._PROC_PIDLISTTHREADS}"),
    Fact((), "sizeof(struct mach_timebase_info) == 8"),
    Fact((), "offsetof(struct mach_timebase_info, numer) == 0"),
    Fact((), "offsetof(struct mach_timebase_info, denom) == 4"),
    Fact(
        ("PRIO_DARWIN_PROCESS",),
        f"PRIO_DARWIN_PROCESS == {priority.PRIO_DARWIN_PROCESS}",
    ),
    Fact(("PRIO_DARWIN_BG",), f"PRIO_DARWIN_BG == {priority.PRIO_DARWIN_BG}"),
    *(
        Fact(("PRESSURES",), f"kOSThermalPressureLevel{name.title()} == {level}")
        for level, name in enumerate(texts.PRESSURES)
    ),
    Fact(("_OPEN_MAX",), f"OPEN_MAX == {supervisor._OPEN_MAX}"),
    Fact(("_EPHEMERAL_DARWIN",), f"IPPORT_HIFIRSTAUTO == {ports._EPHEMERAL_DARWIN}"),
)
"""All that is read by place or by number; a number in `rusage` without one fails a test."""

CALLS: Final = (
    "int (*const rusage)(int, int, rusage_info_t *) = proc_pid_rusage;",
    "int (*const info)(int, int, uint64_t, void *, int) = proc_pidinfo;",
    "kern_return_t (*const timebase)(mach_timebase_info_t) = mach_timebase_info;",
    "int (*const priority)(int, id_t, int) = setpriority;",
)
"""The functions that Python calls, with the arguments that it gives them."""

LACKING: Final = {
    "com.apple.system.thermalpressurelevel": "a string; the headers declare only its variable",
    "hw.perflevel0.logicalcpu": "sysctl names are strings, asked of the command, read as text",
    "hw.perflevel0.physicalcpu": "the same",
    "sysctl.proc_translated": "the same",
    "cluster-type": "a property of the device tree, read as text from `ioreg`",
    "logical-cpu-id": "the same",
    "cpu-id": "the same",
}
"""What Python relies on and no header holds: proven by recorded outputs only."""

_HEADERS: Final = (
    *("stddef.h", "stdint.h", "libproc.h", "sys/proc_info.h", "sys/resource.h", "sys/syslimits.h"),
    *(
        "netinet/in.h",
        "mach/mach_time.h",
        "TargetConditionals.h",
        "libkern/OSThermalNotification.h",
    ),
)


def assertions(facts: Sequence[Fact] = FACTS) -> str:
    """The C file; it compiles where every claim is true."""
    lines = [f"#include <{name}>" for name in _HEADERS]
    lines += [f'_Static_assert({fact.claim}, "{" ".join(fact.names)}");' for fact in facts]
    return "\n".join([*lines, *CALLS]) + "\n"
