"""Findings about several machines that measure together, with what to do about them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from bench.reports.wording.template import Words

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bench.reports.wording.template import Values

_NTP: Final = "Let both keep their time by NTP (Linux: timedatectl set-ntp true; macOS does)."


def _listed(values: Values) -> str:
    return ", ".join(map(str, values["machines"]))


def _network(values: Values) -> str:
    speed = values["bits_per_s"] / 1e6
    return f"{values['machine']} used {values['share']:.0%} of its link of {speed:,.0f} Mbit/s"


def _offset(values: Values) -> str:
    way = "ahead of" if values["offset_ms"] > 0 else "behind"
    return f"the clock of {values['machine']} is {abs(values['offset_ms']):.1f} ms {way} this one"


REMOTE_WORDS: Final[Mapping[str, Words]] = {
    "clock-drift/offset": Words(
        _offset,
        _NTP,
        "Durations are unharmed (each machine uses its own clock); times of day in logs are not.",
    ),
    "clock-drift/drift": Words(
        "the clock of {machine} moved by {drift_ms:.2f} ms against this one in {span_s:.0f} s",
        "Is it a virtual machine that was stopped or moved, or one whose clock is being set?",
        "Windows that should begin together do not.",
    ),
    "start-spread": Words(
        "{machine} began {spread_s:.3f} s after the start that was agreed on",
        "is it busy with something else?",
        "In a part of the window not all of the load was there.",
    ),
    "network-bound": Words(
        _network,
        "a faster link, smaller answers, or fewer connections",
        "The rate is the network's, not the server's.",
    ),
    "client-bound/machine": Words(
        "the load tool on {machine} used {load_busy:.0%} of a CPU",
        "more machines for the load, or more CPUs there",
        "The rate is a lower bound.",
    ),
    "wifi": Words(
        "{machine} is reached over Wi-Fi ({interface})",
        "Use a cable.",
        "Its speed and its delays change from second to second, by far more than servers differ.",
    ),
    "versions-differ/versions": Words(
        lambda values: f"{values['tool']} is not the same on all machines ({_listed(values)})",
        "Install the same version on each.",
        "Each would measure by its own rules, and their counts are added up.",
    ),
    "versions-differ/builds": Words(
        lambda values: (
            f"{values['tool']} is of one version and built differently ({_listed(values)})"
        ),
        "Install it from the same package on each.",
        "A build can be slower, and that machine is the limit sooner.",
    ),
}
"""Code, or code/case where one code has several sentences -> its words."""
