"""A trial's status follows from declared causes only."""

from __future__ import annotations

from typing import Any

import pytest

from bench.model.load_result import ErrorCounts, LatencySummary, LoadResult
from bench.model.plan import RequestKind, Workload
from bench.model.trial_record import Counters, Exchange, Resources, SidechannelResult
from bench.reports.wording.findings import text_of
from bench.trial.byte_check import error_total
from bench.trial.validity import Evidence, uncountable, validity_of
from tests.factories import Truth, as_read, closed_profile, run_data

_TRIAL = run_data({"axum": Truth()}, rounds=1).trials[0]
_PROFILE = closed_profile().model_copy(update={"duration_s": 10.0})
_KIND: dict[str, Any] = {
    "weight": 1,
    "method": "GET",
    "path": "/",
    "headers": {},
    "bodies": (),
    "values": {},
    "expect": {},
}
_WORKLOAD = Workload(id="w", title="W", kinds=(RequestKind(**_KIND),), lua=None, sha256="0")


def load(**keys: Any) -> LoadResult:
    """A sound result that obeys Little's law, changed by keys."""
    assert _TRIAL.load is not None
    base = _TRIAL.load.model_copy(
        update={
            "duration_s": _PROFILE.duration_s,
            "requests": 100_000,
            "ok": 100_000,
            "throughput_rps": 100_000 / _PROFILE.duration_s,
            "bytes_in": 0,
            "errors": ErrorCounts(),
            "latency_us": None,
        }
    )
    return base.model_copy(update=keys)


def evidence(**keys: Any) -> Evidence:
    """Evidence of a sound trial, changed by keys."""
    fields: dict[str, Any] = {
        "trial": "r01-a",
        "profile": _PROFILE,
        "workload": _WORKLOAD,
        "load": load(),
        "load_findings": (),
        "resources": Resources(server_busy=0.95, load_busy=0.4, span_s=10.0),
        "counters": Counters(),
        "exchanges": (),
        "side": SidechannelResult(asked=2, right=2),
        "failure": None,
        "measured": True,
        "log_cut": False,
        **keys,
    }
    return Evidence(**fields)


def test_sound() -> None:
    """A trial without any cause is valid and says who was the limit."""
    judged = validity_of(evidence())

    assert (judged.status, judged.reasons, judged.bound) == ("valid", (), "server")


@pytest.mark.parametrize(
    ("keys", "reason"),
    [
        ({"failure": ("server-died", "it died")}, "server-died"),
        ({"side": SidechannelResult(asked=3, right=2, wrong=1)}, "wrong-response"),
        ({"counters": Counters(wall_minus_monotonic_s=30.0)}, "suspended"),
        ({"load": load(ok=99_800, errors=ErrorCounts(status=200))}, "errors"),
        ({"load": load(errors=ErrorCounts(read=101))}, "errors"),
        ({"load": load(ok=0, requests=0)}, "errors"),
        ({"load": load(duration_s=11.0)}, "window-off"),
        ({"load": load(duration_s=9.0)}, "window-off"),
    ],
)
def test_not_to_be_believed(keys: dict[str, Any], reason: str) -> None:
    """Each declared cause makes a measured trial invalid, with its reason and words."""
    judged = validity_of(evidence(**keys))

    assert judged.status == "invalid"
    assert judged.reasons == (reason,)
    assert judged.detail


@pytest.mark.parametrize(
    ("fastest_us", "requests", "reasons"),
    [
        (19_900, 20_000, ("wait-skipped",)),  # one answer is enough
        (20_000, 10_000, ()),
        (None, 10_020, ()),  # 20 connections, 10 s: 10,000 waits of 20 ms, and those under way
        (None, 10_021, ("wait-skipped",)),
    ],
)
def test_a_wait_that_was_skipped(
    fastest_us: float | None, requests: int, reasons: tuple[str, ...]
) -> None:
    """Answers that came too early, or too many of them, cannot all have waited."""
    waits = RequestKind(**{**_KIND, "expect": {"min_time": "20ms"}})
    latency = None
    if fastest_us is not None:
        latency = LatencySummary(
            count=1, min=fastest_us, mean=2e4, max=3e4, exact=True, source="raw", percentiles={}
        )
    profile = _PROFILE.model_copy(update={"connections": 20, "connect_timed": False})
    judged = validity_of(
        evidence(
            profile=profile,
            workload=_WORKLOAD.model_copy(update={"kinds": (waits,)}),
            load=load(requests=requests, ok=requests, latency_us=latency),
        )
    )

    assert judged.reasons == reasons
    assert bool(judged.detail) == bool(reasons)


def test_never_measured() -> None:
    """What fails before any load is failed, not invalid."""
    judged = validity_of(evidence(failure=("server-died", "x"), measured=False, load=None))

    assert judged.status == "failed"
    assert judged.bound == "unknown"


@pytest.mark.parametrize(
    "keys",
    [
        {"load": load(ok=99_950, errors=ErrorCounts(status=50))},
        {"load": load(errors=ErrorCounts(deadline=5_000))},
        {"load": load(duration_s=10.09)},
        {"side": SidechannelResult(asked=3, right=1, unanswered=2)},
    ],
)
def test_still_valid(keys: dict[str, Any]) -> None:
    """Few errors, deadline aborts, wrk's 100 ms and late answers are no cause."""
    assert validity_of(evidence(**keys)).status == "valid"


@pytest.mark.parametrize(
    ("keys", "reason"),
    [
        ({"counters": Counters(steal_share=0.05)}, "steal"),
        ({"counters": Counters(others_share=0.2)}, "others-on-cpu"),
        ({"counters": Counters(power_source="battery"), "power_before": "ac"}, "power-changed"),
    ],
)
def test_suspect(keys: dict[str, Any], reason: str) -> None:
    """A declared cause of noise keeps the trial and marks it."""
    judged = validity_of(evidence(**keys))

    assert (judged.status, judged.reasons) == ("suspect", (reason,))


@pytest.mark.parametrize(
    ("keys", "code"),
    [
        ({"counters": Counters(connections_seen=19)}, "connections-short"),
        ({"load_findings": (as_read("histogram-mismatch", "load", "x"),)}, "histogram-mismatch"),
    ],
)
def test_failed_checks_are_findings(keys: dict[str, Any], code: str) -> None:
    """A check that fails is said beside the trial; it is no cause of noise."""
    judged = validity_of(evidence(**keys))

    assert judged.status == "valid"
    assert [(item.code, item.scope) for item in judged.findings] == [(code, "r01-a")]


_CLOSING = Exchange(
    weight=1, method="GET", path="/", request_bytes=0, response_bytes=0, response_wire_bytes=0,
    status=200, says_close=True, request_text="", response_text="",
)  # fmt: skip


@pytest.mark.parametrize(
    ("keys", "code", "words"),
    [
        ({"replaced": 3}, "server-restarted", "3 processes of the server were replaced"),
        ({"development": "--reload"}, "development-mode", "(--reload)"),
        ({"logged_bytes": 7_000_000}, "logs-requests", "7,000,000 bytes"),
        ({"exchanges": (_CLOSING,)}, "closes-connections", "its answer to GET /"),
    ],
)
def test_costly_ways_are_named(keys: dict[str, Any], code: str, words: str) -> None:
    """The trial is believed; what its figures hold is said."""
    judged = validity_of(evidence(**keys))
    (found,) = judged.findings

    assert judged.status == "valid"
    assert (found.code, found.severity) == (code, "warning")
    assert words in text_of(found)


def test_a_few_lines_of_log_and_asked_closing_are_nothing() -> None:
    """A line now and then; a profile that wants a connection for each request."""
    churn = _PROFILE.model_copy(update={"keepalive": False})

    assert validity_of(evidence(logged_bytes=50_000)).findings == ()
    assert validity_of(evidence(profile=churn, exchanges=(_CLOSING,))).findings == ()


def test_workers_that_lose_requests_are_no_planned_replacement() -> None:
    """The process was replaced, and more requests failed than are allowed."""
    judged = validity_of(evidence(replaced=1, load=load(errors=ErrorCounts(read=500))))

    assert judged.status == "invalid"
    assert judged.reasons == ("server-restarted", "errors")
    assert "1 process of the server was replaced" in judged.detail


def test_client_bound_is_a_note() -> None:
    """A busy load tool beside an idle server is said, and is no reason to doubt the trial."""
    judged = validity_of(evidence(resources=Resources(server_busy=0.5, load_busy=0.97)))

    assert (judged.status, judged.bound) == ("valid", "client")
    assert [item.code for item in judged.findings] == ["client-bound"]


def test_notes() -> None:
    """A cut log and timeouts are said."""
    judged = validity_of(evidence(log_cut=True, load=load(errors=ErrorCounts(timeout=3))))

    assert [item.code for item in judged.findings] == ["log-cut", "timeouts"]


def test_error_total_leaves_deadlines_out() -> None:
    """Requests cut off by the end of the window are no errors."""
    assert error_total(ErrorCounts(read=2, deadline=50, other=None)) == 2
    assert error_total(None) == 0


@pytest.mark.parametrize(
    ("shape", "said"), [({"interim": 1}, "interim"), ({"until_close": True}, "ends with"), ({}, "")]
)
def test_answers_that_wrk_cannot_count(shape: dict[str, Any], said: str) -> None:
    """Twice the rate, or an error for each request: the trial says so before any load."""
    exchange = Exchange(
        weight=1, method="GET", path="/x", request_bytes=0, response_bytes=2,
        response_wire_bytes=40, status=200, request_text="", response_text="", **shape,
    )  # fmt: skip

    assert uncountable(closed_profile(tool="oha"), (exchange,)) is None
    reason = uncountable(closed_profile(), (exchange,)) or ""
    assert (said in reason, "GET /x" in reason) == (True, bool(said))
    churn = closed_profile().model_copy(update={"keepalive": False})
    assert "Connection: close" in (uncountable(churn, (exchange,)) or "") or said
    closing = exchange.model_copy(update={"says_close": True})
    assert uncountable(churn, (closing,)) is None or said


def test_late_answers_of_wrk_count_once() -> None:
    """They are among its requests already: 200 of 100,000, not of 100,200."""
    late = load(ok=99_800, errors=ErrorCounts(timeout=200))
    found = next(f for f in validity_of(evidence(load=late)).findings if f.code == "errors")

    assert found.evidence["requests"] == 100_000
    assert found.evidence["errors"] == 200
