"""Findings about one trial, about what a load tool wrote, and about a profile."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from bench.reports.wording.template import Words

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bench.reports.wording.template import Values

_COOL: Final = "let the machine cool down; pause longer between trials"
_UNDISTURBED: Final = "leave the load's CPUs to the load: nothing else should run on this machine"
_BACKLOG: Final = "a longer accept queue (net.core.somaxconn, the server's backlog) may help"


def _held_back(values: Values) -> str:
    span = f" of {values['span_s']:.1f} s" if values["span_s"] else ""
    return f"a CPU quota held processes back for {values['throttled_us'] / 1e6:.3f} s{span}"


def _bad_share(values: Values) -> str:
    return (
        f"{values['errors'] / values['requests']:.2%} of {values['requests']:,} requests failed "
        f"({values['kinds']})"
    )


def _replaced(values: Values) -> str:
    count = values["replaced"]
    said = "process of the server was" if count == 1 else "processes of the server were"
    return f"{count} {said} replaced during the load"


_VALIDITY: Final[Mapping[str, Words]] = {
    "wrong-response": Words(
        "{wrong} of {asked} answers beside the load and right after it were wrong; the first: "
        "{first_wrong}"
    ),
    "suspended": Words(
        lambda values: (
            f"the clocks ran apart by {abs(values['gap_s']):.1f} s: "
            "the machine slept or its clock was set"
        ),
        "keep the machine awake and its clock alone during a run",
    ),
    "server-restarted/lost": Words(
        lambda values: f"{_replaced(values)}, and requests were lost",
        "its log may say why; workers that end on purpose must answer what they have first",
    ),
    "server-restarted/workers": Words(
        lambda values: f"{_replaced(values)}: what that costs is part of its figures",
        "a limit of requests per worker (--max-requests, --limit-max-requests) does that: leave "
        "it out, unless it is to be measured",
    ),
    "errors/all": Words("not one of {requests:,} requests succeeded"),
    "errors/some": Words(_bad_share),
    "window-off": Words("the window was {window_s:.3f} s, {asked_s:g} s were asked for"),
    "wait-skipped": Words(
        "an answer came after {fastest_ms:.3g} ms, none is right before {least_ms:.3g} ms: the "
        "server skips the wait",
        "look for a cache or a shortcut in the handler",
    ),
    "wait-skipped/rate": Words(
        "{requests:,} answers in {window_s:.3g} s are more than {connections:,} connections can "
        "carry when each takes {least_ms:.3g} ms: the server skips the wait",
        "look for a cache or a shortcut in the handler",
    ),
    "window-off/told": Words("the window was {window_s:.3f} s, {told_s:g} s were stated"),
    "database-idle": Words(
        "the database beside the server used {us:.2f} us of CPU per request: the answers came "
        "from elsewhere",
        "does the server ask it? a cache in the server is another workload",
    ),
    "log-cut": Words(
        "the server flooded its output; its log was cut back to 1 MB",
        "switch request logging off",
    ),
    "warmup-capped": Words(
        "{server} was not yet warm after {warmup_s:g} s (at most {cap_s:g} s are allowed): "
        "a request still cost {change:signed} CPU time from one second to the next",
        "raise warmup: the cap is four times as long",
    ),
    "timeouts": Words("{timeouts:,} requests took longer than {timeout_s:g} s"),
    "client-bound/trial": Words(
        "the load tool used {load_busy:.0%} of its CPU and the server was not the limit: "
        "the rate is a lower bound",
        "more load processes on more CPUs (`load_cpus`, `processes`)",
    ),
}

_DISTURBANCES: Final[Mapping[str, Words]] = {
    "steal": Words("the hypervisor gave {share:.1%} of our CPUs' time to others"),
    "others-on-cpu/window": Words(
        "other processes used {share:.1%} of our CPUs' time",
        "end what else runs, or name other CPUs",
    ),
    "throttled/window": Words(_held_back, "raise or lift the quota of this cgroup (cpu.max)"),
    "thermal/events": Words("the CPU slowed itself for heat or power {events} times", _COOL),
    "thermal/level": Words("thermal pressure {level}", _COOL),
    "frequency/window": Words(
        "the CPU frequency moved from {before_mhz:,.0f} to {after_mhz:,.0f} MHz within the window"
    ),
    "power-changed/window": Words(
        "the power source changed from {before} to {after}", "stay on mains"
    ),
    "low-power/window": Words(
        "low power mode {change} within the window", "leave low power mode off during a run"
    ),
    "unlike-cores/window": Words(
        "at least {share:.0%} of the work of server and load ran on slow cores (busy: {kinds})",
        "fewer server and load processes than fast cores; close what else runs",
    ),
    "unlike-cores/server": Words(
        "{share:.0%} of the server's CPU time was on slow cores",
        "fewer server and load processes than fast cores; close what else runs",
    ),
    "unlike-cores/sides": Words(
        "of this server's CPU time {ours:.0%} was on fast cores, of the baseline's {theirs:.0%}: "
        "the two sides did not have the same machine",
        "fewer server and load processes than fast cores; close what else runs",
    ),
    "retransmits": Words("{count} TCP segments were lost and sent again (on the whole machine)"),
    "listen-overflow/window": Words(
        "{count} connections were dropped by a full accept queue (on the whole machine)", _BACKLOG
    ),
    "swap/window": Words("{pages} pages were swapped in or out", "free memory first"),
}

_CHECKS: Final[Mapping[str, Words]] = {
    "little": Words(
        "rate x mean latency gives {used:.1f} connections in use, not {connections}: "
        "the load tool stalled, its latencies are not those of its requests, or some connections "
        "waited out the window for an answer"
    ),
    "bytes-mismatch": Words(
        "{bytes_in:,} bytes were read, {responses:,} responses as verified make {expected:,.0f}: "
        "the server answered differently under load"
    ),
    "bytes-mismatch/quoted": Words(
        "{bytes_in:,} bytes were read, {responses:,} responses as verified make {expected:,.0f}: "
        "some of the answers that were counted are others"
    ),
    "bytes-mismatch/asked": Words(
        "{bytes_in:,} bytes were read, {responses:,} responses as verified make {expected:,.0f}: "
        "some of the answers that were counted are others; asked {asked:,} times, the server gave "
        "no wrong one",
        "is the answer meant to vary in length? then let the verified ones vary too; "
        "else look for answers that only the load gets (caches, limits, error pages)",
    ),
    "development-mode": Words(
        "the server runs in a mode for development ({sign}): it is slower than in production",
        "measure it as it is deployed: a release build, a production server, no reloading",
    ),
    "logs-requests": Words(
        "the server wrote {logged:,} bytes to its output within the window, for {requests:,} "
        "requests: a log of every request is part of its figures",
        "switch the access log off, or let all servers that are compared write one",
    ),
    "closes-connections": Words(
        "the server closes the connection after its answer to {asked}: a new connection for each "
        "request is part of its figures",
        "a server that keeps connections open does less work; gunicorn keeps them with "
        "--worker-class gthread, Python's http.server with protocol_version HTTP/1.1",
    ),
    "connections-short": Words("{seen} connections were open at the server, not {asked}", _BACKLOG),
    "saturated": Words(
        "saturated at this rate: {achieved_ratio:.1%} of {offered_rps:,.0f} requests/s "
        "were answered"
    ),
}

_LOAD_TOOLS: Final[Mapping[str, Words]] = {
    "late-pacer": Words(
        "oha sent 1 % of its requests more than {p99_ms:.1f} ms after they were due; "
        "response times do not count that"
    ),
    "pacer-late": Words(
        "half of the requests were sent more than {p50_us} us after they were due although a "
        "connection was free, with a median response time of {median_us:g} us: response times "
        "of this trial are not compared, its CPU per request is",
        _UNDISTURBED,
    ),
    "pacer-late/tail": Words(
        "1 % of the requests were sent more than {p99_us} us after they were due although a "
        "connection was free, with a p99 of {tail_us:g} us: the p99 of this trial is not compared",
        _UNDISTURBED,
    ),
    "arrivals-off/poisson": Words(
        "requests did not come at random as scheduled: the {intervals:,} intervals differ from "
        "those planned by {off:.1%} (Kolmogorov-Smirnov); response times of this trial are not "
        "compared",
        _UNDISTURBED,
    ),
    "arrivals-off/even": Words(
        "requests did not come evenly: {off:.1%} of {intervals:,} intervals were off by more than "
        "a tenth; response times of this trial are not compared",
        _UNDISTURBED,
    ),
    "arrivals-off/cost-poisson": Words(
        "requests did not come at random as scheduled: the {intervals:,} intervals differ from "
        "those planned by {off:.1%} (Kolmogorov-Smirnov); a server pays less for requests that "
        "come in bursts: its cost in this trial may be too low",
        _UNDISTURBED,
    ),
    "arrivals-off/cost-even": Words(
        "requests did not come evenly: {off:.1%} of {intervals:,} intervals were off by more than "
        "a tenth; a server pays less for requests that come in bursts: its cost in this trial may "
        "be too low",
        _UNDISTURBED,
    ),
    "not-stationary/rising": Words(
        "response times rose within the window, from {first_us:,.0f} us in its first third to "
        "{last_us:,.0f} us in its last: they are not compared",
        "a lower rate, or a longer warm-up",
    ),
    "not-stationary/falling": Words(
        "response times fell within the window, from {first_us:,.0f} us in its first third to "
        "{last_us:,.0f} us in its last: they are not compared",
        "a longer warm-up",
    ),
    "histogram-mismatch": Words("{problem}; latencies of this process are left out"),
    "histogram-mismatch/interrupted": Words(
        "{problem}; latencies of this process are left out",
        "oha was interrupted: it then writes totals only.",
    ),
    "script-requests": Words(
        "{other:,} of {sent:,} requests of the Lua script are not in the workload, such as "
        "{example}: what was answered to them was not checked",
        "put them among the `requests` of the workload: those are verified",
    ),
    "tool-corrected": Words(
        "{tool} printed its latencies after adding samples that it thinks were missed: "
        "the average is too high, percentiles are left out",
        "let bench run {tool}: its script writes what was measured",
    ),
}

_IMPORTED: Final[Mapping[str, Words]] = {
    "unlike-conditions": Words(
        "measured under other conditions than {other}: {differences}; it is not compared",
        "compare results of one load: equal connections, threads and path",
    ),
    "only-redirects": Words(
        "all {redirects:,} answers were redirects ({statuses}), none was a 2xx",
        "measure the address that they lead to, or say that they are right: --status {first}",
    ),
    "only-redirects/some": Words(
        "{redirects:,} of {requests:,} answers were redirects ({statuses})",
        "say which status is right: --status 200",
    ),
}

_PROFILES: Final[Mapping[str, Words]] = {
    "profiled/trial": Words("{by} looked into it: its throughput is not that of the server"),
    "profiled/within": Words(
        "what the profiler costs is not more than two trials without it differ by ({spread:share})"
    ),
    "profiled/much-within": Words(
        "what the profiler costs is not more than two trials without it differ by ({spread:share})",
        "trust the order of the categories more than their shares",
    ),
    "profiled/cost": Words("the profiler took {cost:share} of the {what}"),
    "profiled/much": Words(
        "the profiler took {cost:share} of the {what}",
        "trust the order of the categories more than their shares",
    ),
    "profile-method": Words("another method was passed over: {reason}"),
    "profile-refused": Words("nothing is concluded: {reason}"),
    "profile-quality/too-many": Words(
        "{share:share} of the samples that its CPU time asks for came: "
        "time in which a thread could run and had no CPU is among them"
    ),
    "profile-quality/few": Words(
        "{samples} samples: a share of 10 % is known to +-{points:.1f} points",
        "use a longer --seconds",
    ),
    "profile-quality/lost": Words("{share:share} of the samples were lost"),
    "profile-quality/unreadable": Words("{share:share} of the samples were not readable"),
    "profile-quality/unknown": Words("{share:share} of the CPU time is in no category"),
    "profile-hot/waiting for the GIL": Words(
        "taking and releasing the GIL costs {share:share} of its CPU time"
    ),
    "profile-hot/handing over between threads": Words(
        "waking other threads costs {share:share} of its CPU time"
    ),
    "profile-hot/native framework code": Words(
        "{share:share} is in a compiled library that names no functions: "
        "its parts cannot be told apart"
    ),
    "profile-hot/allocator and GC": Words("memory management costs {share:share} of its CPU time"),
    "profile-hot/routing and middleware": Words(
        "the framework's own code costs {share:share} of its CPU time"
    ),
    "profile-hot/kernel and network": Words("the kernel costs {share:share} of its CPU time"),
}

TRIAL_WORDS: Final[Mapping[str, Words]] = {
    **_VALIDITY,
    **_DISTURBANCES,
    **_CHECKS,
    **_LOAD_TOOLS,
    **_IMPORTED,
    **_PROFILES,
}
"""Code, or code/case -> its words."""
