"""Nothing is concluded from a profiler that saw too little."""

from __future__ import annotations

import pytest

from bench.model.cpu_profile import Breakdown, Quality, Slice
from bench.profiling.trust import distrust, without_conclusions

GOOD = Quality(
    samples=400,
    asked_per_cpu_s=97.0,
    seen_per_cpu_s=90.0,
    lost_share=0.0,
    error_share=0.01,
    unreadable_share=0.0,
    single_share=0.0,
)


@pytest.mark.parametrize(
    ("method", "changes", "words"),
    [
        ("perf", {}, ""),
        ("py-spy", {"seen_per_cpu_s": None}, ""),
        ("py-spy", {"samples": 8}, "8 samples of threads at work"),
        ("py-spy", {"seen_per_cpu_s": 16.0}, "16 samples per CPU second where 97"),
        ("py-spy", {"error_share": 0.24}, "could not read 24.00%"),
        ("node", {"samples": 20, "seen_per_cpu_s": 40.0}, ""),
        ("node", {"seen_per_cpu_s": 4.0}, "4 samples per CPU second"),
    ],
)
def test_too_few_samples_or_too_many_errors_forbid_conclusions(
    method: str, changes: dict[str, float | None], words: str
) -> None:
    """Each limit has its own sentence; V8's weighted samples may be fewer."""
    reason = distrust(GOOD.model_copy(update=changes), method)

    assert words in reason
    assert bool(reason) == bool(words)


def test_a_distrusted_breakdown_keeps_its_shares_and_loses_its_microseconds() -> None:
    """What was seen is still shown, marked; no cost per request is made from it."""
    part = Slice(category="event loop", samples=8, share=1.0, us_per_request=12.0)
    whole = Breakdown(runtime="python", slices=(part,), functions=(), quality=GOOD, gil=None)

    found = without_conclusions(whole, "too few")

    assert found.refused == "too few"
    assert found.slices[0].share == 1.0
    assert found.slices[0].us_per_request is None
