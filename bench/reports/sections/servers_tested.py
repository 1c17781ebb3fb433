"""Servers Tested: what each one really is, and what it really used."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.model.http_protocol import PROTOCOL_NAMES
from bench.reports.blocks import Numbered, Section, code, strong
from bench.units import format_bytes, format_eta

if TYPE_CHECKING:
    from bench.model.plan import Arm
    from bench.model.summary import BuildRecord
    from bench.reports.blocks import Text
    from bench.reports.view import View


def servers(view: View) -> Section:
    """One numbered item per server, skipped ones included."""
    items = tuple(_item(view, arm) for arm in view.run.plan.arms)
    return Section("Servers Tested", (Numbered(items),))


def _item(view: View, arm: Arm) -> tuple[Text, tuple[Text, ...]]:
    title = view.titles[arm.name]
    name = "" if arm.name in title else f" ({arm.name})"
    head: Text = (strong(title), name, _role(view, arm))
    gone = (s for s in view.run.summary.skipped if s.server == arm.name and not s.profiles)
    skipped = next(gone, None)
    if skipped:
        return head, (f"skipped: {skipped.reason}",)
    build = view.run.builds.get(arm.name) or view.run.builds.get(arm.server)
    identity = "; ".join(part for part in (_version(arm, build), arm.config.style) if part)
    lines: list[Text] = [identity, *_used(view, arm)]
    if build and build.commands:
        lines.append(_build(build))
    if arm.protocol:
        lines.append(f"asked by {PROTOCOL_NAMES[arm.protocol]}")
    if arm.env:
        env = " ".join(f"{name}={value}" for name, value in sorted(arm.env.items()))
        lines.append(("environment: ", code(env)))
    if arm.url:
        lines.append(("someone else runs it at ", code(arm.url)))
    lines += _cannot(view, arm)
    return head, tuple(line for line in lines if line)


def _cannot(view: View, arm: Arm) -> list[Text]:
    """The workloads of this run that it takes no part in, with its reasons."""
    reasons: dict[str, list[str]] = {}
    for name in view.run.plan.workloads:
        if name in arm.config.cannot:
            reasons.setdefault(arm.config.cannot[name], []).append(name)
    return [f"left out of {', '.join(names)}: {why}" for why, names in reasons.items()]


def _role(view: View, arm: Arm) -> str:
    same = arm.name != arm.server
    role = f", a second arm of {arm.server}" if same else ""
    return f"{role}, the baseline" if arm.name == view.run.plan.baseline else role


def _version(arm: Arm, build: BuildRecord | None) -> str:
    language = "" if arm.config.language == "unknown" else arm.config.language
    version = (build.version if build else None) or ""
    if version[:1].isdigit():
        version = f"{arm.server} {version}"
    runtime = (build.runtime if build else None) or ""
    return ", ".join(part for part in (language, version, runtime) if part)


def _used(view: View, arm: Arm) -> list[Text]:
    """Threads and processes as counted in the window, and the CPUs they were held on."""
    sides = [side for trial in view.run.trials if trial.usable for side in (trial, trial.partner)]
    records = [
        side.server_process
        for side in sides
        if side and side.server == arm.name and side.server_process
    ]
    threads = _range(sorted({r.threads for r in records if r.threads is not None}), "thread")
    processes = _range(
        sorted({r.processes for r in records if r.processes is not None}), "process", "es"
    )
    counted = " in ".join(part for part in (threads, processes) if part)
    return [f"{counted} under load"] if counted else []


def _range(counts: list[int], noun: str, plural: str = "s") -> str:
    if not counts:
        return ""
    low, high = counts[0], counts[-1]
    if low == high:
        return f"{low} {noun}" if low == 1 else f"{low} {noun}{plural}"
    return f"{low} to {high} {noun}{plural}"


def _build(build: BuildRecord) -> Text:
    last = " ".join(build.commands[-1])
    size = f" ({format_bytes(build.artefact_bytes)})" if build.artefact_bytes else ""
    how = "taken from the build cache" if build.cached else f"built in {format_eta(build.seconds)}"
    return (f"{how} by ", code(last), size)
