"""Compares output with a recorded file; `BENCH_GOLDEN=write pytest ...` records it anew."""

from __future__ import annotations

import os
from pathlib import Path

DATA = Path(__file__).parent / "data"


def assert_golden(name: str, found: bytes) -> None:
    """Fail unless `found` is what tests/data/<name> holds."""
    path = DATA / name
    if os.environ.get("BENCH_GOLDEN") == "write":
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(found)
    assert found.decode() == path.read_text(encoding="utf-8")
