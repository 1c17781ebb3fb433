"""A finding: one thing that the reader of a number must know, with its evidence and advice."""

from __future__ import annotations

from typing import Final, Literal

from bench.model.base import Model

Severity = Literal["info", "warning", "error"]

CODES: Final[dict[str, Severity]] = {
    "baseline-missing": "error",
    "too-few-rounds": "info",
    "client-bound": "warning",
    "near-ceiling": "warning",
    "errors": "error",
    "wrong-response": "error",
    "no-answer": "error",
    "server-died": "error",
    "server-restarted": "error",
    "server-not-ready": "error",
    "not-listener": "error",
    "not-calibrated": "error",  # no capacity, so no share of one
    "port-busy": "error",
    "timeouts": "warning",
    "little": "warning",
    "histogram-mismatch": "warning",
    "bytes-mismatch": "warning",
    "connections-short": "warning",
    "late-pacer": "warning",
    "saturated": "warning",
    "drift": "warning",
    "step": "warning",
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
    "server-skipped": "warning",
    "build-failed": "error",
    "verify-failed": "error",
    "resumed-changed": "warning",
    "concurrent-run": "warning",
    "remote": "warning",
    "not-restarted": "warning",
    "interrupted": "info",
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
    "disk-space": "error",
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
}
"""Finding codes and their usual severity; add to the list, never rename."""


class Finding(Model):
    """One thing the reader must know.

    Attributes:
        code: one of `CODES`.
        scope: what it is about: "run", "host", a server id, a cell or a trial.
        text: what was seen, with its figure.
        advice: what to do about it, or "".
        evidence: figures behind the text, for programs.
        undo: the command that takes the advised change back, or "".
        why: what it does to a measurement, or "".
    """

    code: str
    severity: Severity
    scope: str
    text: str
    advice: str = ""
    undo: str = ""
    why: str = ""
    evidence: dict[str, float | int | str | None] = {}


def finding(  # the one place where a severity is looked up
    code: str,
    scope: str,
    text: str,
    *,
    advice: str = "",
    undo: str = "",
    why: str = "",
    severity: Severity | None = None,
    **evidence: float | str | None,
) -> Finding:
    """Build a finding with the usual severity of its code.

    Raises:
        KeyError: the code is not in `CODES`.
    """
    return Finding(
        code=code,
        severity=severity or CODES[code],
        scope=scope,
        text=text,
        advice=advice,
        undo=undo,
        why=why,
        evidence=evidence,
    )
