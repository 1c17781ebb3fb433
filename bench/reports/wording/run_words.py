"""Findings about a run as a whole and about its cells, with what to do about them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from bench.reports.wording.template import Words
from bench.reports.wording.verdict_words import percent, percents
from bench.units import format_rate

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from bench.reports.wording.template import Values


def _few_rounds(values: Values) -> str:
    fewest, needed = values["rounds"], values["needed"]
    said = "only 1 usable round" if fewest == 1 else f"only {fewest} usable rounds"
    return f"{said} in at least one cell: below {needed} no interval and no verdict is made"


def _tools(values: Values) -> str:
    share = values["ratio"] - 1
    low, high = values["low"], values["high"]
    interval = f" (95 % interval {percents(low, high)})" if low is not None else ""
    more = "more" if share > 0 else "less"
    return (
        f"{values['second']} measures {percent(abs(share))} {more} than {values['first']}{interval}"
    )


def _window_short(values: Values) -> str:
    missed = values["missed"]
    windows = "1 window" if values["windows"] == 1 else f"{values['windows']} windows"
    return (
        f"{values['responses']:,} responses in {windows}, for {values['connections']:,} "
        f"connections each time: requests under way at the end are not counted, so that the rate "
        f"may be up to {percent(missed)} higher and CPU per request is up to as much too high"
    )


def _drift(direction: str) -> Callable[[Values], str]:
    return lambda values: (
        f"{direction} by {percent(abs(values['change']))} inside the window "
        f"(99 % interval {percent(values['low'], sign=True)} to "
        f"{percent(values['high'], sign=True)}, {values['trials']} trials)"
    )


def _cost_drift(verb: str) -> Callable[[Values], str]:
    return lambda values: (
        f"CPU time per request {verb} by {percent(abs(values['change']))} from the first half of "
        f"the window to the second (99 % interval {percent(values['low'], sign=True)} to "
        f"{percent(values['high'], sign=True)}, {values['trials']} trials)"
    )


def _longer_warmup(values: Values) -> str:
    if values["plateau_s"] is None:
        return (
            f"raise warmup above {values['warmup_s']:g}s: it ends before 98 % of the window's rate"
        )
    return (
        f"raise warmup above {values['warmup_s']:g}s: 98 % of the window's rate came after "
        f"{values['plateau_s']:.2g} s, and it rose on"
    )


def _steps(values: Values) -> str:
    seen = zip(values["changes"], values["at_s"], strict=True)
    said = ", ".join(f"{percent(change, sign=True)} at {at_s:.1f} s" for change, at_s in seen)
    return f"step of {said} ({values['shape']})"


def _differing(values: Values) -> str:
    columns = (values[name] for name in ("copies", "of", "low", "high"))
    said = "; ".join(
        f"{cell} against {server} by {percents(low, high)} (99 % interval)"
        for cell, server, low, high in zip(*columns, strict=True)
    )
    return f"this setup sees a difference between two copies of one server: {said}"


def _noise_floor(values: Values) -> str:
    """What the copies were compared by, and at which rate: it is the floor of nothing else."""
    most = f", the most of {values['comparisons']} comparisons" if values["comparisons"] > 1 else ""
    return (
        f"two copies of {values['server']} may differ by up to {percent(values['may_differ'])} in "
        f"{floor_of(values)} (far end of the 95 % interval of their ratio{most})"
    )


def floor_of(values: Values) -> str:
    """What a noise floor is one of: `CPU per request at 12,000 requests/s each`.

    Raises:
        LookupError: a finding of an earlier version, which does not tell.
    """
    name = _COPIES_BY[values["metric"]]
    rate = values["rate_rps"]
    return f"{name} at {format_rate(rate)} requests/s each" if rate else f"{name}, saturated"


def _steadier(values: Values) -> str:
    """Pairs are no advice to a run that has them: there they are what may be believed."""
    machine = "a machine, or a kind of instance, whose cores nobody shares; more rounds"
    if values.get("pairs"):
        return f"{machine}; CPU per request at equal rate is of pairs at the same time and stands"
    return f"{machine}; or pairs at the same time, which it does not move (bench ab, cost: true)"


_COPIES_BY: Final = {
    "throughput_rps": "requests/sec",
    "requests_per_cpu_second": "CPU per request",
    "p50_us": "p50",
}
_CALIBRATE: Final = "`bench verify` and the logs of that trial say more; then start a new run"
_ASKED: Final = (
    "builds/{server}.asked.log has its output; `bench verify {server}` shows what was asked"
)
_ENDED: Final[Mapping[str, Words]] = {
    "missing-trials": Words(
        "{missing} of {planned} planned trials have no record",
        "bench run --resume goes on with them",
    ),
    "too-few-rounds": Words(_few_rounds, "raise rounds to 5"),
    "baseline-missing": Words(
        "nothing to compare with{where}: the baseline {baseline} has no result, {cause}",
        "name another baseline in the matrix, or fix this one",
    ),
    "concurrent-run": Words("another run of `bench` went on at the same time"),
    "resumed-changed": Words(
        "resumed by force although {changes}", "start a new run for a fair comparison"
    ),
    "damaged-record/set-aside": Words(
        "trials.jsonl was damaged in line {lines}: set aside in trials.damaged",
        "the trials that were there have been repeated",
    ),
    "damaged-record/read": Words(
        "line {line} of trials.jsonl was set aside: {reason}",
        "`bench run --resume latest` repeats what is missing",
    ),
    "build-failed": Words(
        "{server} was skipped: {reason}", "builds/{server}.log has the whole output"
    ),
    "search-cut": Words(
        "the search was ended after the {limit_s:g} s allowed, before its answer was confirmed",
        "more time by --max-time, or a wider --tolerance",
    ),
    "stale-program": Words(
        "{server} starts {program}, which is older than {source} although it was just built",
        "does the build put its program elsewhere? name that one in `run` of its server.yaml",
    ),
    "stale-program/unbuilt": Words(
        "{server} starts {program}, which is older than {source}",
        "build it again, or let bench do it each time: `build` in its server.yaml",
    ),
    "server-skipped": Words("{server} was skipped: {reason}"),
    "not-served": Words("{server} takes no part: {reason}", _ASKED),
    "not-served/some": Words("{server} is not measured with {workload}: {reason}", _ASKED),
    "one-port": Words(
        lambda values: (
            f"{', '.join(values['servers'])} need the same port and are measured one "
            "after the other: this system gives them no network namespaces of their own"
        ),
        "let them be given their port, or measure on Linux, as root or with user namespaces",
    ),
    "not-restarted": Words(
        "{server} was running already: every trial met the same process",
        "measure its command instead: a fresh process for each trial",
    ),
    "not-calibrated": Words(
        "{server} is not measured with {workload} under {profile}: its capacity could not be "
        "measured ({why}); that of no other server either, so there is no rate to offer",
        _CALIBRATE,
    ),
    "not-calibrated/others": Words(
        "{server} is not measured with {workload} under {profile}: its capacity could not be "
        "measured ({why}); the rate is {share:percent} of {capacity:,.0f} requests/s, the "
        "capacity of {slowest}, the slowest of those that could be measured",
        _CALIBRATE,
    ),
    "remote": Words(
        "{server} is on another host ({host}): the network is part of its figures, "
        "its CPU time and memory are not seen",
        "measure it on its own machine, or tell the network's part from a run beside it",
    ),
}

_CELLS: Final[Mapping[str, Words]] = {
    "client-bound": Words(
        "the load tool was the limit in {trials} of {usable} trials: "
        "the throughput is a lower bound",
        "give the load more CPUs (load_cpus) or processes; CPU per request still compares",
    ),
    "near-ceiling/above": Words(
        lambda values: (
            f"answered {values['share'] - 1:.0%} more than the ceiling server, which does nothing "
            "but answer: trials of the ceiling were disturbed, see its interval, or the load tool "
            "is the limit of both; the throughput is a lower bound"
        ),
        "compare CPU per request, or measure on more CPUs",
    ),
    "near-ceiling/below": Words(
        "reaches {share:.0%} of what the ceiling server reaches here: "
        "the throughput is a lower bound",
        "compare CPU per request, or measure on more CPUs",
    ),
    "window-short": Words(
        _window_short,
        "raise duration to {needed_s} s or more; CPU per request still compares at an equal rate",
    ),
    "tools-differ": Words(_tools),
    "drift/rising": Words(_drift("still rising"), _longer_warmup),
    "drift/falling": Words(
        _drift("falling"),
        "look for throttling, a leak or a cache that fills up; raise duration",
    ),
    "drift/cheaper": Words(
        _cost_drift("still falls"), "raise warmup: the server is not yet at its speed"
    ),
    "drift/dearer": Words(
        _cost_drift("rises"), "look for throttling, a leak or a cache that fills up"
    ),
    "step/warm-up": Words(_steps, "raise warmup"),
    "step": Words(_steps),
    "outlier": Words(
        "{residual:signed} off what its server and its round suggest; kept",
        "look at the trial's log and counters (bench show)",
    ),
    "arms-differ": Words(
        _differing,
        "order or position decides here: do not trust smaller differences",
    ),
    "noise-floor": Words(_noise_floor),
    "noise-floor/most": Words(_noise_floor),
    "noisy-host": Words(
        "{suspect} of {usable} trials are suspect and the noise of {noise:percent} exceeds "
        "the margin of {margin:percent}",
        "quieten the host (bench doctor), or add rounds",
    ),
    "unsteady-cpu/run": Words(
        "in {slow} of {trials} trials the server's cores took {longer:percent} longer (the median; "
        "{most:percent} at most) for one fixed computation than in the fastest tenth of all; no "
        "counter shows why",
        _steadier,
    ),
}

RUN_WORDS: Final[Mapping[str, Words]] = {**_ENDED, **_CELLS}
"""Code, or code/case -> its words."""
