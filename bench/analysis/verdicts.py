"""Verdicts of servers against the baseline within one workload and profile."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final, NamedTuple

from bench.analysis.in_flight import COST_CAUSE, window_short
from bench.analysis.trials import DUET_DIAGNOSIS, LATENCIES, compared, shown, withheld_by
from bench.model.basis import Basis
from bench.model.metric_names import HIGHER_IS_BETTER, METRICS
from bench.model.summary import Comparison, Verdict, Word
from bench.model.trial_record import lied
from bench.stats.intervals import Estimate, paired
from bench.stats.multiple import holm, odd_one_out, sign_flip_p
from bench.stats.verdict import ALPHA, VerdictWord, verdict

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bench.analysis.trials import CellTrials

BASELINE: Final = Verdict(
    word="baseline",
    text="baseline",
    ratio=1.0,
    low=None,
    high=None,
    p_holm=None,
    beyond_margin=False,
)


class Ratio(NamedTuple):
    """A server's ratio to the baseline, and the one round on which its verdict depends."""

    estimate: Estimate
    odd_round: int | None = None


class NoiseBounds(NamedTuple):
    """Which throughputs are lower bounds.

    Attributes:
        servers: server -> why its own is.
        baselines: server -> why that of what it is compared with is.
    """

    servers: Mapping[str, str]
    baselines: Mapping[str, str]


_COSTS: Final = frozenset({"requests_per_cpu_second", "cpu_us_per_request"})
_PER_REQUEST: Final = _COSTS | {"instructions_per_request"}
UNLIKE_CAUSE: Final = "saturated beside each other, unlike servers change what a request costs"
UNBOUND: Final = NoiseBounds({}, {})
_UP: Final = frozenset({VerdictWord.HIGHER, VerdictWord.HIGHER_MAYBE_WITHIN})
_DOWN: Final = frozenset({VerdictWord.LOWER, VerdictWord.LOWER_MAYBE_WITHIN})


class GroupVerdicts(NamedTuple):
    """The verdicts of one workload and profile.

    Attributes:
        verdicts: (server, metric) -> verdict, the baseline's own included.
        rows: the same as rows, without the baseline's; not-comparable ones included.
    """

    verdicts: dict[tuple[str, str], Verdict]
    rows: tuple[Comparison, ...]


def decide(
    metric: str, ratios: Mapping[str, Ratio], margin: float, bounds: NoiseBounds = UNBOUND
) -> dict[str, Verdict]:
    """Give each server its verdict; p values are corrected over all that are given (Holm)."""
    ps = {name: each.estimate.p for name, each in ratios.items() if each.estimate.p is not None}
    adjusted = dict(zip(ps, holm(list(ps.values())), strict=True))
    return {
        name: _verdict(name, metric, each, adjusted.get(name), margin, len(ps), bounds)
        for name, each in ratios.items()
    }


def _verdict(  # noqa: PLR0917 - one row of a table, private
    server: str,
    metric: str,
    ratio: Ratio,
    p_holm: float | None,
    margin: float,
    comparisons: int,
    bounds: NoiseBounds,
) -> Verdict:
    estimate = ratio.estimate
    judged = verdict(estimate, p_holm, margin, comparisons)
    word = word_of(metric, judged.call)
    beyond = judged.beyond_margin
    is_rate = metric == "throughput_rps"
    own = bounds.servers.get(server, "") if is_rate else ""
    base = bounds.baselines.get(server, "") if is_rate else ""
    if own or base:
        word = _bounded(word, own, base)
        beyond = beyond and word in {"faster", "slower"}
    return Verdict(
        word=word,
        ratio=estimate.value,
        low=estimate.low,
        high=estimate.high,
        p_holm=p_holm,
        beyond_margin=beyond,
        n=estimate.n,
        basis=Basis(
            server=server,
            metric=metric,
            call=judged.call,
            margin=margin,
            comparisons=comparisons,
            more_rounds=judged.more_rounds,
            own_bound=own,
            base_bound=base,
            odd_round=ratio.odd_round,
        ),
    )


def _bounded(word: Word, own: str, base: str) -> Word:
    """A lower bound is never called slower or equivalent, nor is anything called so by it."""
    if word == "too-few-rounds":
        return word
    if own and base:
        return "inconclusive"
    kept: Word = "faster" if own else "slower"
    return kept if word == kept else "inconclusive"


def word_of(metric: str, call: VerdictWord) -> Word:
    """The word of formats.md for a call."""
    if call is VerdictWord.TOO_FEW:
        return "too-few-rounds"
    if call is VerdictWord.EQUIVALENT:
        return "equivalent"
    better = metric in HIGHER_IS_BETTER
    if call in _UP:
        return "faster" if better else "more"
    if call in _DOWN:
        return "slower" if better else "less"
    return "inconclusive"


def paired_ratio(cell: CellTrials, baseline: CellTrials, metric: str) -> Ratio | None:
    """The ratio over the rounds in which both were measured; None where there is no such round."""
    a, b = shown(metric, cell), shown(metric, cell.partner or baseline)
    rounds = sorted(a.keys() & b.keys())
    if not rounds:
        return None
    estimate = paired([a[r] for r in rounds], [b[r] for r in rounds])
    differences = [math.log(a[r] / b[r]) for r in rounds]
    return Ratio(estimate, _cross_check(estimate, differences, rounds))


def _cross_check(estimate: Estimate, differences: list[float], rounds: list[int]) -> int | None:
    """The odd round where a test without assumptions about the distribution decides otherwise."""
    p = sign_flip_p(differences)
    if p is None or estimate.p is None or (p < ALPHA) == (estimate.p < ALPHA):
        return None
    return rounds[odd_one_out(differences)]


def group_verdicts(
    cells: tuple[CellTrials, ...],
    baseline: CellTrials | None,
    margin: float,
    bounds: NoiseBounds,
    left_out: frozenset[str] = frozenset(),
    *,
    copies: frozenset[str] = frozenset(),
    unlike: frozenset[str] = frozenset(),
) -> GroupVerdicts:
    """Compare the cells of one workload and profile with the baseline, metric by metric.

    Args:
        cells: one per server.
        baseline: that of the baseline, None where it has no usable trial.
        margin: what is too small to matter.
        bounds: throughputs that are lower bounds.
        left_out: servers that are not compared (the ceiling).
        copies: A/A copies: compared, but in a family of their own, so that they take no power
            from the candidates.
        unlike: other servers than the baseline: their saturated duets are shown, not judged.
    """
    if baseline is None:
        return GroupVerdicts({}, ())
    verdicts: dict[tuple[str, str], Verdict] = {}
    rows: list[Comparison] = []
    others = [c for c in cells if c is not baseline and c.cell.server not in left_out]
    order = [each.cell.server for each in others]
    own = [each for each in others if each.cell.server not in copies]
    again = [each for each in others if each.cell.server in copies]
    for metric in METRICS:
        if not compared(metric, baseline.profile):
            continue
        if not (shown(metric, baseline) or withheld_by(metric, baseline)):
            continue
        if metric in DUET_DIAGNOSIS and any(cell.partner for cell in others):
            continue
        verdicts[baseline.cell.server, metric] = BASELINE
        decided = {
            **_decide_metric(metric, own, baseline, margin, bounds),
            **_decide_metric(metric, again, baseline, margin, bounds),
        }
        _leave_open(metric, decided, others, baseline, unlike)
        for server in (name for name in order if name in decided):
            verdicts[server, metric] = decided[server]
            rows.append(_row(server, metric, baseline, decided[server]))
    return GroupVerdicts(verdicts, tuple(rows))


def _decide_metric(
    metric: str,
    candidates: list[CellTrials],
    baseline: CellTrials,
    margin: float,
    bounds: NoiseBounds,
) -> dict[str, Verdict]:
    if not shown(metric, baseline):
        withheld = not_comparable(_cause(baseline, metric))
        return {each.cell.server: withheld for each in candidates}
    unfit = {each.cell.server: cause for each in candidates if (cause := _unlike(each, baseline))}
    ratios = {
        each.cell.server: ratio
        for each in candidates
        if each.cell.server not in unfit
        and (ratio := paired_ratio(each, baseline, metric)) is not None
    }
    decided = decide(metric, ratios, margin, bounds)
    for each in candidates:
        if each.cell.server in unfit:
            decided[each.cell.server] = not_comparable(unfit[each.cell.server])
        elif each.cell.server not in decided and (metric == _first(baseline) or each.usable):
            decided[each.cell.server] = not_comparable(_cause(each, metric))
    return decided


def _leave_open(
    metric: str,
    decided: dict[str, Verdict],
    others: list[CellTrials],
    baseline: CellTrials,
    unlike: frozenset[str],
) -> None:
    """Take the verdict from costs of a closed loop that are not the servers' own."""
    if metric in _COSTS and baseline.profile.loop == "closed":
        decided |= {n: _undecided(v, UNLIKE_CAUSE) for n, v in decided.items() if n in unlike}
    for each in others:
        sides = each, each.partner or baseline
        decided |= short_costs(metric, decided, each.cell.server, sides)


def short_costs(
    metric: str, decided: Mapping[str, Verdict], server: str, sides: tuple[CellTrials, CellTrials]
) -> dict[str, Verdict]:
    """No verdict on a cost per request where too many requests of either side were not counted.

    Returns:
        The verdict that takes the place of the server's; empty where its own stands.
    """
    if metric not in _PER_REQUEST or server not in decided or not any(map(window_short, sides)):
        return {}
    return {server: _undecided(decided[server], COST_CAUSE)}


def _undecided(verdict: Verdict, cause: str) -> Verdict:
    """The ratio with its interval, and no verdict."""
    if verdict.word in {"not-comparable", "too-few-rounds"}:
        return verdict
    return verdict.replace(
        word="not-comparable",
        beyond_margin=False,
        basis=Basis(cause=cause),
    )


def _unlike(cell: CellTrials, baseline: CellTrials) -> str:
    """Why two results of elsewhere are none of the same thing, or ""."""
    if _has(cell, "unlike-conditions") or _has(baseline, "unlike-conditions"):
        return "measured under unlike conditions"
    if _has(cell, "only-redirects") != _has(baseline, "only-redirects"):
        return "one side answered redirects, the other did not"
    return ""


def _has(cell: CellTrials, code: str) -> bool:
    return any(found.code == code for trial in cell.usable for found in trial.findings)


def _first(baseline: CellTrials) -> str:
    """The metric whose rows name the servers without any usable trial."""
    return next(metric for metric in METRICS if compared(metric, baseline.profile))


def not_comparable(cause: str) -> Verdict:
    """The verdict where one side has nothing to compare."""
    return Verdict(
        word="not-comparable",
        ratio=None,
        low=None,
        high=None,
        p_holm=None,
        beyond_margin=False,
        basis=Basis(cause=cause),
    )


def _cause(cell: CellTrials, metric: str) -> str:
    if shown(metric, cell):
        return "no round in which both were measured"
    if codes := withheld_by(metric, cell):
        return f"none of {cell.cell.server}'s trials can be compared ({', '.join(codes)})"
    if cell.usable:
        return "too few requests beyond it" if metric in LATENCIES else "not measured"
    return no_trials_because(cell)


def no_trials_because(cell: CellTrials) -> str:
    """Why a cell has no usable trial: `no usable trial (failed: server-died)`."""
    if not cell.final:
        return "no trial was recorded"
    wrong = sum(map(lied, cell.recorded))
    if wrong:
        return f"wrong answers in {wrong} of {len(cell.recorded)} trials: none is believed"
    last = cell.final[-1]
    reasons = ", ".join(last.reasons) or last.detail
    return f"no usable trial ({last.status}{': ' + reasons if reasons else ''})"


def _row(server: str, metric: str, baseline: CellTrials, verdict: Verdict) -> Comparison:
    return Comparison(
        server=server,
        baseline=baseline.cell.server,
        workload=baseline.cell.workload,
        profile=baseline.cell.profile,
        metric=metric,
        verdict=verdict,
    )
