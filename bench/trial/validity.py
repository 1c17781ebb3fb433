"""From the evidence of one trial to its status, reasons and findings; pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from bench.analysis.in_flight import in_use
from bench.analysis.rejudged import kept_up
from bench.loadtools import TOOLS
from bench.model.finding import Finding, finding
from bench.reports.wording.findings import text_of
from bench.trial import disturbances as judgement
from bench.trial.byte_check import byte_census, error_total
from bench.trial.schedule_checks import offered_rps, schedule_findings
from bench.trial.thresholds import (
    DATABASE_LEAST_US,
    ERRORS_MAX,
    LOGGED_MAX,
    WINDOW_OFF_MAX,
)
from bench.trial.wait_check import waits_skipped

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from bench.model.load_result import LoadResult
    from bench.model.plan import LoadProfile, Workload
    from bench.model.trial_record import (
        Bound,
        Counters,
        Exchange,
        Resources,
        SidechannelResult,
        Status,
    )
    from bench.trial.answer_sizes import AnswerSizes


class Evidence(NamedTuple):
    """What is known of a trial when it has ended.

    Attributes:
        failure: (reason code, message) of what ended it early, None where nothing did.
        measured: whether any load was sent; before that a failure is `failed`, not `invalid`.
        power_before: source of power before the window.
        low_power_before: whether a saving mode was on before it.
        sizes: of the answers that were verified beside the load; None = none were.
        replaced: processes of the server that others took the place of.
        logged_bytes: what the server printed within the window.
        development: what shows that it runs in a mode for development, "" = nothing does.
        elsewhere: what disturbed the machines of the load, where it has machines of its own.
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
    sizes: AnswerSizes | None = None
    replaced: int = 0
    logged_bytes: int = 0
    development: str = ""
    elsewhere: tuple[Finding, ...] = ()


class TrialValidity(NamedTuple):
    """The verdict on one trial; `detail` is for the terminal, "" where it is valid."""

    status: Status
    reasons: tuple[str, ...]
    detail: str
    findings: tuple[Finding, ...]
    bound: Bound


def validity_of(evidence: Evidence) -> TrialValidity:
    """Decide by declared cause only: never because a number looks odd."""
    invalid = tuple(_invalidating(evidence))
    disturbed = _disturbed(evidence)
    notes = (
        *(f.replace(scope=evidence.trial) for f in evidence.load_findings),
        *_notes(evidence, disturbed),
    )
    bound = judgement.bound(evidence.resources) if evidence.load else "unknown"
    if bound == "client":
        notes = (*notes, _client_bound(evidence))
    if invalid:
        status: Status = "invalid" if evidence.measured else "failed"
        reasons = _codes(invalid)
    else:
        reasons = _codes(disturbed)
        status = "suspect" if reasons else "valid"
    detail = "; ".join(text_of(item) for item in invalid)
    return TrialValidity(status, reasons, detail, (*invalid, *notes), bound)


def _disturbed(evidence: Evidence) -> tuple[Finding, ...]:
    """The causes for which a trial that is believed is marked as suspect."""
    if evidence.load is None:
        return ()
    here = judgement.noise_findings(
        evidence.resources,
        evidence.counters,
        evidence.trial,
        power_before=evidence.power_before,
        low_power_before=evidence.low_power_before,
    )
    return (*here, *evidence.elsewhere)


def _codes(findings: tuple[Finding, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(item.code for item in findings))


def _invalidating(evidence: Evidence) -> Iterator[Finding]:
    """Every cause for which the trial is not to be believed."""
    if evidence.failure is not None:
        code, text = evidence.failure
        yield finding(code, evidence.trial, "said", severity="error", said=text)
    if evidence.side.wrong:
        yield finding(
            "wrong-response",
            evidence.trial,
            wrong=evidence.side.wrong,
            asked=evidence.side.right + evidence.side.wrong,
            first_wrong=evidence.side.first_wrong,
        )
    yield from judgement.invalidating(evidence.counters, evidence.trial)
    if evidence.load is None:
        return
    if evidence.replaced and _error_share(evidence.load) > ERRORS_MAX:
        yield finding("server-restarted", evidence.trial, "lost", replaced=evidence.replaced)
    yield from _errors(evidence.load, evidence.trial)
    yield from _bytes(evidence, evidence.load)
    yield from waits_skipped(evidence.load, evidence.workload, evidence.profile, evidence.trial)
    off = evidence.load.duration_s / evidence.profile.duration_s - 1
    if abs(off) > WINDOW_OFF_MAX and not _stretched(evidence):
        yield finding(
            "window-off",
            evidence.trial,
            off=round(off, 4),
            window_s=evidence.load.duration_s,
            asked_s=evidence.profile.duration_s,
        )


_COUNTABLE: Final = "use tool: oha, or let the server send a content-length and no 1xx"


def uncountable(profile: LoadProfile, exchanges: Sequence[Exchange]) -> str | None:
    """Why a load tool would count answers of that shape wrongly, None = it counts them."""
    if profile.tool != "wrk":
        return None
    for one in exchanges:
        asked = f"{one.method} {one.path}"
        if one.interim:
            return (
                f"{asked} is answered with an interim answer (1xx) first, and wrk counts it too: "
                f"{_COUNTABLE}"
            )
        if one.until_close:
            return (
                f"the answer to {asked} has no length and ends with the connection, which wrk "
                f"counts as a read error: {_COUNTABLE}"
            )
        if not (profile.keepalive or one.says_close):
            return (
                f"the answer to {asked} does not say `Connection: close`, as it was asked to, and "
                "wrk then keeps the connection: use tool: oha or paced, which close it themselves"
            )
    return None


def _stretched(evidence: Evidence) -> bool:
    """Whether the window is longer for a reason of its own.

    A tool may look at its clock now and then only. In an open loop a server that is too slow
    makes the window longer, which shows as achieved rate (`saturated`).
    """
    load, profile = evidence.load, evidence.profile
    over = load.duration_s - profile.duration_s if load else 0.0
    if profile.loop == "open":
        return over > 0
    return 0 <= over <= TOOLS[profile.tool].overrun_s


def _error_share(load: LoadResult) -> float:
    """Of the requests; all where none succeeded."""
    errors = error_total(load.errors)
    return errors / (load.ok + errors) if load.ok else 1.0


def _errors(load: LoadResult, trial: str) -> Iterator[Finding]:
    """Errors and unexpected statuses above 0.1 % of the requests, or no success at all."""
    errors = error_total(load.errors)
    asked = load.ok + errors  # wrk's late answers are among its requests
    if load.ok == 0:
        yield finding("errors", trial, "all", errors=errors, requests=asked)
    elif _error_share(load) > ERRORS_MAX:
        kinds = ", ".join(f"{name} {count:,}" for name, count in _kinds(load))
        yield finding("errors", trial, "some", errors=errors, requests=asked, kinds=kinds)


def _kinds(load: LoadResult) -> Iterator[tuple[str, int]]:
    """Errors by kind, in the load tool's own kinds where it tells more than `other`."""
    own = load.pacing.failures if load.pacing else {}
    for name, count in load.errors or _NO_ERRORS:
        if name == "other" and own:
            known = {"connect", "reset", "no_answer", "closed_early", "timeout"}
            yield from ((kind, seen) for kind, seen in own.items() if kind not in known)
        elif count and name != "deadline":
            yield name, count


_NO_ERRORS: Final[tuple[tuple[str, int], ...]] = ()


def _notes(evidence: Evidence, disturbed: tuple[Finding, ...]) -> Iterator[Finding]:
    """What the reader must know of a trial that is believed."""
    trial, profile, load = evidence.trial, evidence.profile, evidence.load
    if evidence.log_cut:
        yield finding("log-cut", trial)
    if load is None:
        return
    yield from _manners(evidence, load)
    yield from disturbed
    checks = (
        _little(evidence, load),
        _other_bytes(evidence, load),
        _connections(evidence, load),
        _database_idle(evidence, load),
        _saturated(evidence, load),
    )
    yield from (item for item in checks if item is not None)
    yield from schedule_findings(load, trial)
    if load.errors and load.errors.timeout:
        yield finding("timeouts", trial, timeouts=load.errors.timeout, timeout_s=profile.timeout_s)


def _saturated(evidence: Evidence, load: LoadResult) -> Finding | None:
    """Whether the server could not keep up, which a burst at the window's end does not show."""
    if kept_up(load, load.pacing):
        return None
    offered = offered_rps(load, evidence.profile.rate_rps)
    return judgement.saturated(offered, load.throughput_rps, evidence.trial)


def _manners(evidence: Evidence, load: LoadResult) -> Iterator[Finding]:
    """Ways of a server that cost something and are easily left as they are by mistake."""
    trial = evidence.trial
    if evidence.replaced and _error_share(load) <= ERRORS_MAX:
        count = evidence.replaced
        yield finding("server-restarted", trial, "workers", severity="warning", replaced=count)
    if evidence.development:
        yield finding("development-mode", trial, sign=evidence.development)
    logged = evidence.logged_bytes
    if load.requests and logged >= LOGGED_MAX * load.requests:
        yield finding("logs-requests", trial, logged=logged, requests=load.requests)
    asked_to = any(
        name.lower() == "connection" for kind in evidence.workload.kinds for name in kind.headers
    )
    closing = next((one for one in evidence.exchanges if one.says_close), None)
    if closing and evidence.profile.keepalive and not asked_to:
        yield finding("closes-connections", trial, asked=f"{closing.method} {closing.path}")


def _connections(evidence: Evidence, load: LoadResult) -> Finding | None:
    """Whether fewer were open than asked; of those that serve one request no moment has all."""
    if not evidence.profile.keepalive:
        return None
    seen, profile = evidence.counters.connections_seen, evidence.profile
    used = in_use(load, profile)
    return judgement.connections_short(seen, profile.connections, evidence.trial, used)


def _database_idle(evidence: Evidence, load: LoadResult) -> Finding | None:
    """Whether the answers came from elsewhere than from the database that stood there for them."""
    used = evidence.resources.database_cpu_s
    if used is None or not load.ok or (us := used * 1e6 / load.ok) >= DATABASE_LEAST_US:
        return None
    return finding("database-idle", evidence.trial, us=round(us, 3))


def _little(evidence: Evidence, load: LoadResult) -> Finding | None:
    """Little's law, where a mean over every request is known; timeouts hide part of it."""
    if not evidence.profile.connect_timed:  # a part of each cycle is in no latency
        return None
    if load.errors and (load.errors.timeout or error_total(load.errors)):
        return None
    used = in_use(load, evidence.profile)
    return judgement.little(used, evidence.profile.connections, load.ok, evidence.trial)


def _bytes(evidence: Evidence, load: LoadResult) -> Iterator[Finding]:
    """Bytes that right answers cannot have made: some answers were others."""
    if evidence.sizes is None:
        return
    found = byte_census(load, evidence.workload, evidence.profile, evidence.sizes)
    if found is None:
        return
    side = evidence.side
    yield finding(
        "bytes-mismatch",
        evidence.trial,
        "quoted" if side.wrong else "asked",
        severity="error",
        bytes_in=found.bytes_in,
        expected=found.expected,
        responses=load.requests,
        asked=side.right + side.wrong,
    )


def _other_bytes(evidence: Evidence, load: LoadResult) -> Finding | None:
    """Bytes read against the closing check, where each kind's response has one size.

    Right answers may have become longer within the window: worth a word, and no lie.
    """
    kinds = evidence.workload.kinds
    if any(kind.values or len(kind.bodies) > 1 for kind in kinds) or error_total(load.errors):
        return None
    if tuple(_bytes(evidence, load)):
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
    return finding("client-bound", evidence.trial, "trial", load_busy=busy)
