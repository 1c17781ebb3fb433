"""Findings about a machine: what `bench doctor`, `bench host` and a run's report say of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from bench.reports.wording.template import Words

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bench.reports.wording.template import Values

_CPU: Final = "/sys/devices/system/cpu"
_GOVERNOR_FILES: Final = f"{_CPU}/cpu*/cpufreq/scaling_governor"
_PROFILE_FILE: Final = "/sys/firmware/acpi/platform_profile"
_CLOCKS: Final = "/sys/devices/system/clocksource/clocksource0"
_PAGES: Final = "/sys/kernel/mm/transparent_hugepage/enabled"
_PORT_RANGE: Final = "sudo sysctl -w net.ipv4.ip_local_port_range"
_HEAT: Final = "Wait until it is cool; keep it on a hard surface, close what needs the CPU."
_CLOSE: Final = "Close what needs the memory (or restart the machine)."
_REPEAT: Final = "Close what needs the memory and repeat the run."
_COOL: Final = "Let the machine cool, or limit its top frequency, and repeat the run."
_BUSIEST: Final = "ps aux | sort -nrk 3 | head   # and end what is not needed"
_PORTS_WHY: Final = (
    "A used port rests before it can be used again: connections would fail in the run."
)
_FILES_WHY: Final = "Server or load tool would fail to accept or open connections in the run."
_SAME_RATE: Final = "Each trial would run at another speed."
_CHANGED: Final = Words("{setting} changed during the run: {before}, then {after}")


def _governor(text: str) -> Words:
    return Words(
        text,
        f"echo performance | sudo tee {_GOVERNOR_FILES}",
        "It follows the load with a delay: a short window is partly a slow one.",
        f"echo {{governor:first}} | sudo tee {_GOVERNOR_FILES}",
    )


def _hotter(values: Values) -> str:
    text = "the machine was slowed down by heat at the end of the run and not at its start"
    return f"{text} (pressure {values['after']})" if values["after"] else text


def _strays(values: Values) -> str:
    count = values["count"]
    processes = f"{count} process{'es' if count > 1 else ''}"
    return f"{processes} of earlier runs still alive: {values['names']}"


_SYSTEM: Final[Mapping[str, Words]] = {
    "translated": Words(
        "bench runs under Rosetta: every instruction is translated from Intel code",
        "arch -arm64 zsh   # then a Python for arm64: brew install python@3.13",
        "Python, and every server it starts, would be measured as a translation.",
        "exit",
    ),
    "virtual-machine": Words(
        "this is a virtual machine ({kind})",
        "Compare within one run, raise 'rounds', or use a machine of your own.",
        "Its host decides when its CPUs run; trials differ by 7 to 14 %, not 1 to 2 %.",
    ),
    "container": Words(
        "this is a container ({kind})",
        "Measure on the host where that is possible.",
        "Limits and neighbors outside are not all visible from inside.",
    ),
    "unlike-cores/held": Words(
        "the cores are of unlike kinds ({kinds}); processes are held on the fast ones",
        why="The same work takes longer on the slower ones.",
    ),
    "unlike-cores/free": Words(
        "the cores are of unlike kinds ({kinds}); the scheduler chooses",
        why="The same work takes longer on the slower ones.",
    ),
    "unpinned": Words(
        "Server and load tool share the scheduler: macOS lets nobody hold a process on a core.",
        "Nothing fixes it; thread counts are matched to the fast cores instead.",
        "A thread may move to a slower core; expect more spread than on Linux.",
    ),
    "cpu-quota": Words(
        "the control group allows {quota:g} of {cpus} CPUs",
        "docker update --cpus 0 CONTAINER   # or lift CPUQuota= of the unit",
        "Once the time of a period is spent, server and load tool both stand still.",
        "docker update --cpus {quota:g} CONTAINER",
    ),
    "background-work/backup": Words(
        "Time Machine is making a backup",
        "tmutil stopbackup && sudo tmutil disable",
        "It reads the whole disk and compresses it.",
        "sudo tmutil enable",
    ),
    "background-work/indexing": Words(
        "{process} uses {percent:g} % of a core",
        "sudo mdutil -i off /",
        "The system's own work takes time from server and load tool.",
        "sudo mdutil -i on /",
    ),
    "background-work/process": Words(
        "{process} uses {percent:g} % of a core",
        "Wait until it is done.",
        "The system's own work takes time from server and load tool.",
    ),
    "stray-processes": Words(
        _strays, "kill -9 {pids}", "They take CPU time and may hold ports and memory."
    ),
    "tool-missing": Words("{name} is not installed", "{install}", "{needed_for}"),
    "tool-version": Words(
        "{name} {version} is too old: {minimum} or newer is needed",
        "bench setup",
        "Its output is another, or its latencies are wrong in an open loop.",
    ),
    "host-changed": _CHANGED,
}

_POWER: Final[Mapping[str, Words]] = {
    "battery": Words(
        "the machine runs on its battery",
        "Connect the charger.",
        "On battery the system lowers frequencies, by how much depends on the charge.",
        "Disconnect it.",
    ),
    "low-power/darwin": Words(
        "low power mode is on",
        "sudo pmset -a {key} 0",
        "It caps the frequency of every core.",
        "sudo pmset -a {key} 1",
    ),
    "low-power/linux": Words(
        "the platform profile is {profile}",
        f"echo performance | sudo tee {_PROFILE_FILE}",
        "It caps the frequency of every core.",
        f"echo {{profile}} | sudo tee {_PROFILE_FILE}",
    ),
    "low-power/came-on": Words(
        "low power mode came on during the run",
        "Switch low power mode off and repeat the run.",
    ),
    "power-changed/run": Words(
        "the power source changed during the run: {before}, then {after}",
        "Repeat the run with the charger connected.",
    ),
    "thermal/pressure": Words(
        "the machine is slowed down by heat right now (pressure {pressure})", _HEAT, _SAME_RATE
    ),
    "thermal/speed-limit": Words(
        "the machine is slowed down by heat right now (speed limit {speed_limit} %)",
        _HEAT,
        _SAME_RATE,
    ),
    "thermal/hotter": Words(
        _hotter, "Let it cool, keep it on a hard surface, and repeat with shorter windows."
    ),
    "thermal/sensor": Words(
        "{sensor} rose from {before:.0f} to {after:.0f} degrees Celsius during the run",
        "Compare the first rounds with the last ones.",
    ),
    "throttled/cores": Words("cores were throttled {count:,} times during the run", _COOL),
    "throttled/package": Words("the package was throttled {count:,} times during the run", _COOL),
    "throttled/group": Words(
        "the control group was held back {count:,} times during the run",
        "Give the container more CPU time, or the matrix fewer CPUs.",
    ),
    "governor": _governor("the CPU frequency governor is {governor}"),
    "governor/saving": _governor(
        "the CPU frequency governor is {governor}, asked to save energy ({preference})"
    ),
    "governor/changed": _CHANGED,
    "frequency/run": Words(
        "mean CPU frequency was {before:.0f} MHz before the run and {after:.0f} MHz after it"
    ),
    "turbo": Words(
        "turbo is on",
        f"echo {{off}} | sudo tee {_CPU}/{{file}}",
        "The frequency then depends on heat and on how many cores work.",
        f"echo {{on}} | sudo tee {_CPU}/{{file}}",
    ),
    "smt": Words(
        "hardware threads are on: {cpus} CPUs on {cores} cores",
        f"echo off | sudo tee {_CPU}/smt/control",
        "Two threads of a core slow each other; bench uses one of each core by itself.",
        f"echo on | sudo tee {_CPU}/smt/control",
    ),
}

_LOAD: Final[Mapping[str, Words]] = {
    "others-on-cpu/load-average": Words(
        "the load average of the last minute is {load:g} on {cpus} CPUs",
        _BUSIEST,
        "What else runs takes time from server and load tool.",
    ),
    "others-on-cpu/now": Words(
        "other processes use {busy:.0%} of the CPUs right now ({each})",
        _BUSIEST,
        "Their time is taken from server and load tool, differently in each trial.",
    ),
    "others-on-cpu/before-run": Words(
        "the load average was {load:g} on {cpus} CPUs before the run started",
        "End what else is running and repeat the run.",
    ),
    "unsteady-cpu": Words(
        "a fixed piece of work takes longer than it could: {each}",
        "bench doctor   # again later; on a cloud machine: dedicated CPUs",
        "Something takes time that no counter shows: a neighbor, interrupts, heat.",
    ),
    "swap/left": Words(
        "{available_bytes:gib} of memory are left",
        _CLOSE,
        "A server whose pages are fetched from disk is measured as a disk.",
    ),
    "swap/used": Words(
        "{swap_used_bytes:gib} are in swap, memory has {memory_bytes:whole_gib}",
        _CLOSE,
        "A server whose pages are fetched from disk is measured as a disk.",
    ),
    "swap/pressure": Words(
        "macOS reports memory pressure (level {level})",
        _CLOSE,
        "Pages are compressed and swapped while the server runs.",
    ),
    "swap/read": Words("{count:,} pages were read back from swap during the run", _REPEAT),
    "swap/written": Words("{count:,} pages were written to swap during the run", _REPEAT),
    "listen-overflow/run": Words("{count:,} connections found a full queue during the run"),
}

_KERNEL: Final[Mapping[str, Words]] = {
    "clocksource/better": Words(
        "the kernel's clock is {clock}",
        f"echo {{better}} | sudo tee {_CLOCKS}/current_clocksource",
        "Reading it is slow and counts as the server's and the load tool's time.",
        f"echo {{clock}} | sudo tee {_CLOCKS}/current_clocksource",
    ),
    "clocksource/only": Words(
        "the kernel's clock is {clock}",
        "No better clock is offered here.",
        "Reading it is slow and counts as the server's and the load tool's time.",
    ),
    "clocksource/slow": Words(
        "one reading of the clock takes {cost_ns:.0f} ns",
        f"cat {_CLOCKS}/available_clocksource",
        "Servers and load tools read it several times per request.",
    ),
    "kernel-setting/scheduler.nmi_watchdog": Words(
        "the NMI watchdog is on",
        "sudo sysctl -w kernel.nmi_watchdog=0",
        "It takes a hardware counter and interrupts every core.",
        "sudo sysctl -w kernel.nmi_watchdog=1",
    ),
    "kernel-setting/memory.thp_enabled": Words(
        "transparent huge pages are given to everybody",
        f"echo madvise | sudo tee {_PAGES}",
        "Memory use and latency then depend on when pages are merged.",
        f"echo always | sudo tee {_PAGES}",
    ),
    "kernel-setting/memory.ksm": Words(
        "same-page merging runs",
        "echo 0 | sudo tee /sys/kernel/mm/ksm/run",
        "A kernel thread reads all memory while the server runs.",
        "echo 1 | sudo tee /sys/kernel/mm/ksm/run",
    ),
    "kernel-setting/scheduler.irqbalance": Words(
        "irqbalance runs",
        "sudo systemctl stop irqbalance",
        "It moves interrupts between CPUs, also onto those of the server.",
        "sudo systemctl start irqbalance",
    ),
    "kernel-setting/scheduler.numa_balancing": Words(
        "memory is moved between {nodes} NUMA nodes (numa_balancing)",
        "sudo sysctl -w kernel.numa_balancing=0",
        "Pages are unmapped and moved while the server runs.",
        "sudo sysctl -w kernel.numa_balancing=1",
    ),
}

_LIMITS: Final[Mapping[str, Words]] = {
    "fd-limit/darwin": Words(
        "a process may open {limit:,} files, {connections:,} connections need {needed:,}",
        "sudo launchctl limit maxfiles {needed} {needed}",
        _FILES_WHY,
        "sudo launchctl limit maxfiles {soft} {limit}",
    ),
    "fd-limit/linux": Words(
        "a process may open {limit:,} files, {connections:,} connections need {needed:,}",
        "sudo prlimit --pid $$ --nofile={needed}:{needed}",
        _FILES_WHY,
        "sudo prlimit --pid $$ --nofile={soft}:{limit}",
    ),
    "port-budget/darwin": Words(
        "{ports:,} ephemeral ports, a trial with {connections:,} connections uses {needed:,}",
        "sudo sysctl net.inet.ip.portrange.first=16384",
        _PORTS_WHY,
        "sudo sysctl net.inet.ip.portrange.first={first}",
    ),
    "port-budget/linux": Words(
        "{ports:,} ephemeral ports, a trial with {connections:,} connections uses {needed:,}",
        f'{_PORT_RANGE}="10240 65535"',
        _PORTS_WHY,
        f'{_PORT_RANGE}="{{first}} {{last}}"',
    ),
    "port-budget/rate": Words(
        "profile {profile} opens a connection per request, {rate:,.0f}/s for {seconds:g} s; "
        "{ports:,} ephemeral ports, which rest {rest_s:g} s each, allow {most:,.0f}/s",
        "sudo sysctl -w net.ipv4.tcp_tw_reuse=2 (Linux), a lower rate or a shorter window",
        _PORTS_WHY,
    ),
    "port-budget/per-request": Words(
        "profile {profile} opens a connection per request, as fast as it is answered; {ports:,} "
        "ephemeral ports, which rest {rest_s:g} s each, allow {most:,.0f}/s for {seconds:g} s",
        "sudo sysctl -w net.ipv4.tcp_tw_reuse=2 (Linux), an open loop or a shorter window",
        _PORTS_WHY,
    ),
    "port-budget/tracking": Words(
        "the firewall tracks at most {limit:,} connections, a trial leaves {needed:,}",
        "sudo sysctl -w net.netfilter.nf_conntrack_max={wanted}",
        "Packets of connections that do not fit are dropped.",
        "sudo sysctl -w net.netfilter.nf_conntrack_max={limit}",
    ),
    "backlog": Words(
        "{connections:,} connections are opened at once, a listener holds at most {somaxconn:,}",
        "sudo sysctl -w {key}={wanted}",
        "Those that do not fit are refused or wait a second for their second try.",
        "sudo sysctl -w {key}={somaxconn}",
    ),
}

HOST_WORDS: Final[Mapping[str, Words]] = {**_SYSTEM, **_POWER, **_LOAD, **_KERNEL, **_LIMITS}
"""Code, or code/case -> its words."""
