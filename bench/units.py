"""Parses and prints the units that users write and reports show; numbers only, no I/O."""

from __future__ import annotations

import math
import re
from typing import Final

_DURATION: Final = re.compile(r"(\d+(?:\.\d+)?)(us|ms|s|m|h)")
DAY_S: Final = 86_400.0
"""The longest duration of a window, a warm-up or a run."""
_DURATION_S: Final = {"us": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}
_SIZE: Final = re.compile(r"(\d+(?:\.\d+)?) ?(B|KB|MB|GB)")
_SIZE_BYTES: Final = {"B": 1, "KB": 10**3, "MB": 10**6, "GB": 10**9}
_PERCENT: Final = re.compile(r"(\d+(?:\.\d+)?) ?%")
_MINUTE_S: Final = 60.0
_HOUR_S: Final = 3600.0
_KILO: Final = 1000
_MEGA: Final = 10**6
_US_PER_MS: Final = 1000.0
_US_PER_S: Final = 1e6


def parse_duration(text: object) -> float:
    """Read `500ms`, `10s`, `2m` as seconds.

    Raises:
        ValueError: the text is not a duration, or no float holds it; the message says what one
            looks like.
    """
    match = _DURATION.fullmatch(text.strip()) if isinstance(text, str) else None
    if not match:
        raise ValueError("expected a duration such as 500ms, 10s or 2m")
    seconds = float(match[1]) * _DURATION_S[match[2]]
    if not math.isfinite(seconds):  # hundreds of digits
        raise ValueError("expected a duration of at most 24h")
    return seconds


def parse_size(text: object) -> int:
    """Read `4KB`, `64MB` as bytes; decimal units, as the reports print them.

    Raises:
        ValueError: the text is not a size; the message says what one looks like.
    """
    match = _SIZE.fullmatch(text.strip()) if isinstance(text, str) else None
    if not match:
        raise ValueError("expected a size such as 500B, 4KB or 64MB")
    return round(float(match[1]) * _SIZE_BYTES[match[2]])


def parse_percent(text: object) -> float:
    """Read `2%` as the share 0.02.

    Raises:
        ValueError: the text is not a percentage.
    """
    match = _PERCENT.fullmatch(text.strip()) if isinstance(text, str) else None
    if not match:
        raise ValueError("expected a percentage such as 2% or 0.5%")
    return float(match[1]) / 100


def format_duration(seconds: float) -> str:
    """Print seconds in the form that `parse_duration` reads: `0.5` -> `500ms`."""
    if seconds < 1:
        return f"{seconds * 1000:g}ms"
    if seconds >= _MINUTE_S and seconds % _MINUTE_S == 0:
        return f"{seconds / _MINUTE_S:g}m"
    return f"{seconds:g}s"


def format_eta(seconds: float) -> str:
    """Print a length of time for people: `45 s`, `3 min 20 s`, `1 h 05 min`."""
    whole = max(0, round(seconds))
    if whole < _MINUTE_S:
        return f"{whole} s"
    if whole < _HOUR_S:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"


def format_count(value: float) -> str:
    """Print a number of things with thousands separators: `65,983`."""
    return f"{value:,.0f}"


def format_rate(value: float) -> str:
    """Print a rate per second: whole from 100 on, else three significant digits."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"  # noqa: PLR2004 - where decimals stop mattering


def format_latency(microseconds: float) -> str:
    """Print a latency: `0.76 ms`, `50.07 ms`, `1.20 s`."""
    if microseconds >= _US_PER_S:
        return f"{microseconds / _US_PER_S:.2f} s"
    return f"{microseconds / _US_PER_MS:.2f} ms"


def format_bytes(count: float) -> str:
    """Print a size in decimal units: `86 bytes`, `4.00 KB`, `5.67 MB`."""
    if count < _KILO:
        return f"{count:.0f} bytes"
    if count < _MEGA:
        return f"{count / _KILO:.2f} KB"
    return f"{count / _MEGA:.2f} MB"


def format_percent(share: float) -> str:
    """Print a share as a percentage: 1 -> `100%`, 0.98765 -> `98.77%`.

    A share below 1 never prints as `100%`: one failed request in a million stays visible.
    """
    if share in (0.0, 1.0):
        return f"{share:.0%}"
    digits = 2
    while digits < 6 and f"{share:.{digits}%}".startswith("100"):  # noqa: PLR2004 - enough for 1e-8
        digits += 1
    return f"{share:.{digits}%}"


def format_ratio(value: float, other: float) -> str:
    """Print max(a/b, b/a) with two decimals: `3.58x`; exactly 1 is `1.0x`."""
    if value == other:
        return "1.0x"
    if value == 0 or other == 0:
        return "-"
    ratio = value / other
    return f"{max(ratio, 1 / ratio):.2f}x"
