"""Names of what is estimated and compared, apart from the models: `bench --help` needs them too."""

from __future__ import annotations

from typing import Final

METRICS: Final = (
    "throughput_rps",
    "requests_per_cpu_second",
    "p50_us",
    "p99_us",
    "cpu_us_per_request",
    "instructions_per_request",
    "rss_peak_bytes",
)
"""The fields of `bench.model.summary.Metrics`, in the order of tables."""

HIGHER_IS_BETTER: Final = frozenset({"throughput_rps", "requests_per_cpu_second"})
