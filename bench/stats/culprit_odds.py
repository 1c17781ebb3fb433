"""How probable each commit is to be the first that costs more, given noisy pairs; pure.

Bayes' rule over the places where one step of cost may lie, all equally probable before anything
was measured: what noisy binary searches go by (Burnashev and Zigangirov 1974; Waeber, Frazier
and Henderson 2013, "Bisection search with noisy responses", SIAM J. Control Optim. 51). A commit
before the step costs what good costs; one from the step on what bad costs, or something in
between. Neither the size of the step nor the noise is known: the answer is an average over both,
weighted by how well they explain all pairs. Pairs follow Student's t with 5 degrees of freedom,
so that a disturbed one cannot decide anything.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    import numpy as np
    from numpy.typing import NDArray

IMPOSSIBLE: Final = -20.0
"""Log of how improbable it is that equal content costs something else."""

_FREEDOM: Final = 5
_SPREADS: Final = (0.0025, 0.2, 14)
"""From, to, how many: scales of a pair's noise, logarithmic steps."""
_EFFECTS: Final = 17
_BETWEEN: Final = 6
_WHOLE: Final = 0.9
"""Weight of a commit that costs what bad costs; the rest goes to levels in between."""


class PairEvidence(NamedTuple):
    """All pairs of one content.

    Attributes:
        to_good: logs of its cost / that of good (or of a commit that costs the same).
        to_bad: logs of its cost / that of bad.
        if_culprit: a set for each commit that has this content: it costs more than good if one
            of these is the first that does.
    """

    to_good: Sequence[float]
    to_bad: Sequence[float]
    if_culprit: tuple[Collection[str], ...]


class StepSize(NamedTuple):
    """What is known of how much bad costs more than good, all as logs.

    Attributes:
        pairs: of bad against good.
        low: the least it may be, above 0.
        high: the most.
        least: a commit that costs this much more than good is not as good.
    """

    pairs: Sequence[float]
    low: float
    high: float
    least: float


def culprit_odds(
    before: Mapping[str, float], step: StepSize, evidence: Sequence[PairEvidence]
) -> dict[str, float]:
    """Commit -> probability of being the first that costs more; their sum is 1.

    Args:
        before: commit -> log of its weight before anything was measured.
        step: how much bad costs more.
        evidence: of each content.
    """
    import numpy as np  # noqa: PLC0415 - only this command needs arrays

    spreads = np.geomspace(*_SPREADS)[:, None, None]
    effects = np.linspace(step.low, step.high, _EFFECTS)[None, :, None]
    known = _fit(step.pairs, effects, spreads)[:, :, 0]
    fits = [_fits(each, step.least, effects, spreads) for each in evidence]
    flags = {commit: tuple(_flag(each, commit) for each in evidence) for commit in before}
    # Commits that all evidence treats alike are equally probable: each kind is summed once.
    weights = {
        kind: _log_sum(known + sum(fit[flag] for fit, flag in zip(fits, kind, strict=True)))
        for kind in set(flags.values())
    }
    logs = np.array([before[commit] + weights[flags[commit]] for commit in before])
    shares = np.exp(logs - logs.max())
    return dict(zip(before, (shares / shares.sum()).tolist(), strict=True))


def _flag(evidence: PairEvidence, culprit: str) -> int:
    """0 = costs what good costs if that is the culprit, 1 = more, 2 = both at different places."""
    found = {culprit in each for each in evidence.if_culprit}
    return 2 if len(found) > 1 else int(True in found)


def _fits(
    evidence: PairEvidence,
    least: float,
    effects: NDArray[np.float64],
    spreads: NDArray[np.float64],
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """How well a content that costs what good costs fits; one that costs more; one that is both."""
    import numpy as np  # noqa: PLC0415 - as above

    as_good = _fit(evidence.to_good, 0 * effects, spreads) + _fit(
        evidence.to_bad, -effects, spreads
    )
    share = np.arange(_BETWEEN) / (_BETWEEN - 1)
    levels = np.minimum(least, effects) * (1 - share) + effects * share
    weights = np.full(_BETWEEN, (1 - _WHOLE) / (_BETWEEN - 1))
    weights[-1] = _WHOLE
    each = _fit(evidence.to_good, levels, spreads) + _fit(
        evidence.to_bad, levels - effects, spreads
    )
    good, more = as_good[:, :, 0], np.logaddexp.reduce(each + np.log(weights), axis=2)
    return good, more, good + more - np.logaddexp(good, more)


def _fit(
    logs: Sequence[float], centers: NDArray[np.float64], spreads: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Log likelihood of pairs, but for a constant: spreads x effects x levels."""
    import numpy as np  # noqa: PLC0415 - as above

    values = np.asarray(logs, dtype=np.float64)[:, None, None, None]
    squares = ((values - centers[None]) / spreads[None]) ** 2
    each = -(_FREEDOM + 1) / 2 * np.log1p(squares / _FREEDOM) - np.log(spreads)[None]
    found: NDArray[np.float64] = each.sum(axis=0)
    return found


def _log_sum(logs: NDArray[np.float64]) -> float:
    import numpy as np  # noqa: PLC0415 - as above

    return float(np.logaddexp.reduce(logs, axis=None))
