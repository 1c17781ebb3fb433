"""From the evidence of one trial to its status, reasons and findings; pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from bench.model.finding import Finding, finding
from bench.trial import disturbances as judgement

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bench.model.load_result import ErrorCounts, LoadResult
    from bench.model.plan import LoadProfile, Workload
    from bench.model.trial_record import (
        Bound,
        Counters,
        Exchange,
        Resources,
        SidechannelResult,
        Status,
    )

ERRORS_MAX: Final = 0.001
"""Share of errors and unexpected statuses above which a trial is not believed."""

WINDOW_OFF_MAX: Final = 0.05
"""Share by which the real window may differ from the one asked for."""

_SUSPECT_CODES: Final = frozenset(
    {
        "steal",
        "others-on-cpu",
        "throttled",
        "thermal",
        "frequency",
        "power-changed",
        "retransmits",
        "listen-overflow",
        "swap",
        "low-power",
        "unlike-cores",
    }
)


class Evidence(NamedTuple):
    """What is known of a trial when it has ended.

    Attributes:
        failure: (reason code, message) of what ended it early, None where nothing did.
        measured: whether any load was sent; before that a failure is `failed`, not `invalid`.
        power_before: source of power before the window.
        low_power_before: whether a saving mode was on before it.
    """

    trial: str
    profile: LoadProfile
    workload: Workload
    load: LoadResult | None
    load_findings: tuple[Finding, ...]
    resources: Resources
    counters: Counters
    exchanges: tuple[Exchange, ...]
    side: SidechannelResult
    failure: tuple[str, str] | None
    measured: bool
    log_cut: bool
    power_before: str | None = None
    low_power_before: bool | None = None


class Judged(NamedTuple):
    """The verdict on one trial; `detail` is for the terminal, "" where it is valid."""

    status: Status
    reasons: tuple[str, ...]
    detail: str
    findings: tuple[Finding, ...]
    bound: Bound


def judge(evidence: Evidence) -> Judged:
    """Decide by declared cause only: never because a number looks odd."""
    invalid = tuple(_invalidating(evidence))
    scope = {"scope": evidence.trial}
    notes = (*(f.model_copy(update=scope) for f in evidence.load_findings), *_notes(evidence))
    bound = judgement.bound(evidence.resources) if evidence.load else "unknown"
    if bound == "client":
        notes = (*notes, _client_bound(evidence))
    if invalid:
        status: Status = "invalid" if evidence.measured else "failed"
        reasons = _codes(invalid)
    else:
        reasons = _codes([note for note in notes if note.code in _SUSPECT_CODES])
        status = "suspect" if reasons else "valid"
    detail = "; ".join(item.text for item in invalid)
    return Judged(status, reasons, detail, (*invalid, *notes), bound)


def _codes(findings: tuple[Finding, ...] | list[Finding]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(item.code for item in findings))


def _invalidating(evidence: Evidence) -> Iterator[Finding]:
    """Every cause for which the trial is not to be believed."""
    if evidence.failure is not None:
        code, text = evidence.failure
        yield finding(code, evidence.trial, text, severity="error")
    if evidence.side.wrong:
        text = (
            f"{evidence.side.wrong} of {evidence.side.asked} answers under load were wrong; "
            f"the first: {evidence.side.first_wrong}"
        )
        yield finding("wrong-response", evidence.trial, text)
    yield from judgement.invalidating(evidence.counters, evidence.trial)
    if evidence.load is None:
        return
    yield from _errors(evidence.load, evidence.trial)
    off = evidence.load.duration_s / evidence.profile.duration_s - 1
    if abs(off) > WINDOW_OFF_MAX and not _stretched(evidence):
        text = (
            f"the window was {evidence.load.duration_s:.3f} s, "
            f"{evidence.profile.duration_s:g} s were asked for"
        )
        yield finding("window-off", evidence.trial, text, off=round(off, 4))


def _stretched(evidence: Evidence) -> bool:
    """Whether the window is longer for a reason of its own.

    wrk looks at its clock every 100 ms. In an open loop a server that is too slow makes the
    window longer, which shows as achieved rate (`saturated`).
    """
    load, profile = evidence.load, evidence.profile
    over = load.duration_s - profile.duration_s if load else 0.0
    if profile.loop == "open":
        return over > 0
    return profile.tool == "wrk" and 0 <= over <= 0.12  # noqa: PLR2004 - 100 ms and a little


def _errors(load: LoadResult, trial: str) -> Iterator[Finding]:
    """Errors and unexpected statuses above 0.1 % of the requests, or no success at all."""
    errors = error_total(load.errors)
    asked = load.requests + errors - ((load.errors.status or 0) if load.errors else 0)
    if load.ok == 0:
        yield finding("errors", trial, f"not one of {asked:,} requests succeeded", errors=errors)
    elif errors / asked > ERRORS_MAX:
        kinds = ", ".join(
            f"{name} {count:,}"
            for name, count in (load.errors or _NO_ERRORS)
            if count and name != "deadline"
        )
        text = f"{errors / asked:.2%} of {asked:,} requests failed ({kinds})"
        yield finding("errors", trial, text, errors=errors, requests=asked)


_NO_ERRORS: Final[tuple[tuple[str, int], ...]] = ()


def error_total(errors: ErrorCounts | None) -> int:
    """Errors of all kinds but deadline aborts, which are not the server's fault."""
    if errors is None:
        return 0
    return sum(count or 0 for name, count in errors if name != "deadline")


def _notes(evidence: Evidence) -> Iterator[Finding]:
    """What the reader must know of a trial that is believed."""
    trial, profile, load = evidence.trial, evidence.profile, evidence.load
    if evidence.log_cut:
        text = "the server flooded its output; its log was cut back to 1 MB"
        yield finding("log-cut", trial, text, advice="switch request logging off")
    if load is None:
        return
    yield from judgement.noise_findings(
        evidence.resources,
        evidence.counters,
        trial,
        power_before=evidence.power_before,
        low_power_before=evidence.low_power_before,
    )
    checks = (
        _little(evidence, load),
        _bytes(evidence, load),
        judgement.connections_short(evidence.counters.connections_seen, profile.connections, trial),
        judgement.saturated(profile.rate_rps, load.throughput_rps, trial),
    )
    yield from (item for item in checks if item is not None)
    if load.errors and load.errors.timeout:
        text = f"{load.errors.timeout:,} requests took longer than {profile.timeout_s:g} s"
        yield finding("timeouts", trial, text)


def _little(evidence: Evidence, load: LoadResult) -> Finding | None:
    """Little's law, where a mean over every request is known; timeouts hide part of it."""
    latency = load.latency_us
    if evidence.profile.loop != "closed" or latency is None or not latency.exact:
        return None
    if load.errors and (load.errors.timeout or error_total(load.errors)):
        return None
    return judgement.little(
        load.throughput_rps, latency.mean, evidence.profile.connections, evidence.trial
    )


def _bytes(evidence: Evidence, load: LoadResult) -> Finding | None:
    """Bytes read against verified sizes, where each kind's response has one size."""
    kinds = evidence.workload.kinds
    if any(kind.values or len(kind.bodies) > 1 for kind in kinds) or error_total(load.errors):
        return None
    wire = load.bytes_kind == "wire"
    sizes = [
        (e.weight, float(e.response_wire_bytes if wire else e.response_bytes))
        for e in evidence.exchanges
    ]
    return judgement.bytes_mismatch(
        load.bytes_in, load.requests, sizes, evidence.profile.connections, evidence.trial
    )


def _client_bound(evidence: Evidence) -> Finding:
    busy = evidence.resources.load_busy or 0.0
    return finding(
        "client-bound",
        evidence.trial,
        f"the load tool used {busy:.0%} of its CPU and the server was not the limit: "
        "the rate is a lower bound",
        advice="more load processes on more CPUs (`load_cpus`, `processes`)",
        load_busy=busy,
    )
