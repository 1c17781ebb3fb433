"""What `bench machines check` says on a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.reports.blocks import FactList, Numbered, Paragraph, Section, code, strong
from bench.reports.wording.findings import in_words
from bench.units import format_rate

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bench.model.finding import Finding
    from bench.model.machines_answer import (
        ClockState,
        LinkState,
        MachinesAnswer,
        MachineState,
    )
    from bench.reports.blocks import Text

_GIGA = 1e9
_MEGA = 1e6


def machines_text(answer: MachinesAnswer) -> tuple[Section, ...]:
    """A section per machine, then what speaks against a run, and the verdict."""
    sections = [
        Section(f"{state.role.capitalize()}: {state.name}", (FactList(tuple(_facts(state))),))
        for state in answer.machines
    ]
    items = tuple(_finding(in_words(item)) for item in answer.findings)
    found = Numbered(items) if items else Paragraph("none")
    verdict = "Ready to measure." if answer.usable else "Not ready: see the problems above."
    return (*sections, Section("Findings", (found, Paragraph((strong(verdict),)))))


def _facts(state: MachineState) -> Iterator[tuple[str, Text]]:
    yield from _filled(("Problem", state.problem), ("What to do", state.advice))
    if state.python is not None:
        yield "System", f"{state.os}, kernel {state.kernel}, Python {state.python}"
        yield "CPU", f"{state.cpu or 'unknown'}, {state.cpus} logical"
    if state.start_s is not None:
        yield "Agent", f"answered after {state.start_s:.2f} s"
    tools = (f"{name} {tool.version or '?'}" for name, tool in state.tools.items())
    ports, top = state.client_ports, state.ceiling_rps
    yield from _filled(
        ("Address", state.address or ""),
        ("Link", link_text(state.link) if state.link else ""),
        ("Clock", _clock(state.clock) if state.clock else ""),
        ("Load tools", ", ".join(tools)),
        ("Ports", f"{ports} connections to one address" if ports else ""),
        ("Ceiling", f"{format_rate(top)} requests/s over this path, alone" if top else ""),
    )
    for part in state.missing:
        yield "Missing", (f"{part.what}: ", code(part.command))


def _filled(*rows: tuple[str, str]) -> Iterator[tuple[str, Text]]:
    return ((label, text) for label, text in rows if text)


def _clock(clock: ClockState) -> str:
    return (
        f"{clock.offset_ms:+.2f} ms from this one, moved {clock.drift_ms:+.3f} ms in "
        f"{clock.span_s:.0f} s; round trip {clock.round_trip_us:.0f} us"
    )


def link_text(link: LinkState) -> str:
    """A card in words: `eth0, ethernet, 1 Gbit/s, direct`."""
    if not link.interface:
        return "no route was found"
    way = f"by way of {link.gateway}" if link.gateway else "direct"
    speed = _speed(link.bits_per_s) if link.bits_per_s else "speed unknown"
    mtu = f"MTU {link.mtu}" if link.mtu else ""
    return ", ".join(part for part in (link.interface, link.kind, speed, mtu, way) if part)


def _speed(bits_per_s: int) -> str:
    if bits_per_s >= _GIGA:
        return f"{bits_per_s / _GIGA:g} Gbit/s"
    return f"{bits_per_s / _MEGA:g} Mbit/s"


def _finding(item: Finding) -> tuple[Text, tuple[Text, ...]]:
    lines = tuple(text for text in (item.why, item.advice) if text)
    return (strong(item.code), f": {item.text}"), lines
