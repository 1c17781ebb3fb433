"""A finding: one thing that the reader of a number must know, with its figures."""

from __future__ import annotations

from typing import Any, Final, Literal, NamedTuple

from pydantic import Field, SerializerFunctionWrapHandler, model_serializer

from bench.model.base import Model

Severity = Literal["info", "warning", "error"]
Figure = float | int | str | tuple[float | str, ...] | None
"""One value behind a sentence."""

CODES: Final[dict[str, Severity]] = {
    "baseline-missing": "error",
    "too-few-rounds": "info",
    "client-bound": "warning",
    "near-ceiling": "warning",
    "window-short": "warning",  # responses per connection: a rate that is a lower bound
    "errors": "error",
    "wrong-response": "error",
    "no-answer": "error",
    "server-died": "error",
    "database-down": "error",
    "database-idle": "warning",
    "database-missing": "warning",
    "server-restarted": "error",
    "server-not-ready": "error",
    "not-listener": "error",
    "other-protocol": "error",  # the server does not speak what was asked for
    "not-served": "error",  # its first answers were wrong, before anything was measured
    "not-calibrated": "error",  # no capacity, so no share of one
    "port-busy": "error",
    "timeouts": "warning",
    "little": "warning",
    "histogram-mismatch": "warning",
    "bytes-mismatch": "warning",
    "connections-short": "warning",
    "late-pacer": "warning",
    "pacer-late": "warning",  # of paced: response times of that trial are not compared
    "arrivals-off": "warning",
    "not-stationary": "warning",
    "saturated": "warning",
    "drift": "warning",
    "step": "warning",
    "warmup-capped": "warning",
    "steal": "warning",
    "others-on-cpu": "warning",
    "throttled": "warning",
    "thermal": "warning",
    "power-changed": "warning",
    "battery": "warning",
    "low-power": "warning",
    "suspended": "error",
    "swap": "warning",
    "retransmits": "warning",
    "listen-overflow": "warning",
    "frequency": "warning",
    "noise-floor": "info",
    "arms-differ": "warning",
    "noisy-host": "warning",
    "unpinned": "warning",
    "shared-core": "warning",
    "sweep-short": "warning",
    "unlike-cores": "warning",
    "virtual-machine": "info",
    "translated": "error",
    "governor": "warning",
    "turbo": "info",
    "smt": "warning",
    "fd-limit": "warning",
    "port-budget": "warning",
    "backlog": "warning",
    "tool-version": "warning",
    "tool-failed": "error",
    "tool-missing": "error",
    "window-off": "error",
    "wait-skipped": "error",
    "server-skipped": "warning",
    "build-failed": "error",
    "resumed-changed": "warning",
    "search-cut": "warning",
    "concurrent-run": "warning",
    "remote": "warning",
    "not-restarted": "warning",
    "one-port": "warning",
    "cpu-quota": "warning",
    "numa": "warning",
    "host-changed": "info",
    "container": "info",
    "kernel-setting": "info",
    "background-work": "warning",
    "unsteady-cpu": "warning",
    "clocksource": "warning",
    "tools-differ": "info",
    "tool-corrected": "warning",
    "memory-limit": "error",
    "damaged-record": "warning",
    "log-cut": "warning",
    "stray-processes": "warning",
    "profiled": "warning",
    "profile-method": "info",
    "profile-refused": "warning",  # the profiler saw too little for any conclusion
    "profile-quality": "warning",
    "profile-hot": "info",
    "outlier": "info",
    "missing-trials": "warning",
    "load-machine-lost": "error",
    "server-machine-lost": "error",
    "start-spread": "warning",
    "network-bound": "warning",
    "unlike-conditions": "error",
    "only-redirects": "error",
    "script-requests": "warning",
    "development-mode": "warning",
    "logs-requests": "warning",
    "closes-connections": "warning",
    "stale-program": "warning",
    "clock-drift": "warning",
    "versions-differ": "warning",
    "wifi": "warning",
}
"""Finding codes and their usual severity; add to the list, never rename."""


class Example(NamedTuple):
    """The trial that stands for all trials of a cell with the same finding."""

    trial: str
    seen: int
    trials: int


class Finding(Model):
    """A **finding**: one thing the reader must know, as figures; reports make sentences from them.

    Attributes:
        code: one of `CODES`.
        scope: what it is about: "run", "host", a server id, a cell or a trial.
        text: what was seen, with its figure; "" until a report or a file is written.
        advice: what to do about it, or ""; made like the text.
        undo: the command that takes the advised change back, or ""; made like the text.
        why: what it does to a measurement, or ""; made like the text.
        evidence: the figures that the sentences are made of, for programs too.
        case: which of its code's sentences it is, "" where there is one; None = made by an
            earlier version or for a reader: its own text stands.
        example: set where it is said once of all trials of a cell.
    """

    code: str
    severity: Severity
    scope: str
    text: str = ""
    advice: str = ""
    undo: str = ""
    why: str = ""
    evidence: dict[str, Figure] = {}
    case: str | None = None
    example: Example | None = Field(default=None, exclude=True)

    @model_serializer(mode="wrap")
    def _without_case(self, dump: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Leave `case` out where the text stands for itself."""
        data: dict[str, Any] = dump(self)
        if self.case is None:
            data.pop("case", None)
        return data


def finding(  # the one place where a severity is looked up
    code: str,
    scope: str,
    case: str = "",
    /,
    *,
    severity: Severity | None = None,
    **evidence: Figure,
) -> Finding:
    """Build a finding with the usual severity of its code.

    Args:
        code: one of `CODES`.
        scope: what it is about.
        case: which of the code's sentences, where it has several; `said` = the words are an
            error's or a plan's own, in the figure of that name.
        severity: another one than usual.
        evidence: every figure of its sentences.

    Raises:
        KeyError: the code is not in `CODES`.
    """
    return Finding(
        code=code,
        severity=severity or CODES[code],
        scope=scope,
        evidence=evidence,
        case=case,
    )


def on_machine(item: Finding, name: str) -> Finding:
    """The finding as one of a machine of the load, which its sentence then names."""
    return item.replace(evidence={**item.evidence, "machine": name})
