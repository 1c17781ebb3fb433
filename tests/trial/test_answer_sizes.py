"""Bytes of a window against those of verified answers: a census beside the sample."""

from __future__ import annotations

from typing import Any

import pytest

from bench.trial.answer_sizes import AnswerSizes, CountedBytes, census

CONNECTIONS = 50
SIZE = 240
ANSWERS = 100_000


def verified(*phases: list[int], kind: int = 0) -> AnswerSizes:
    """Right answers of these sizes, phase by phase."""
    sizes = AnswerSizes()
    for number, seen in enumerate(phases):
        for size in seen:
            sizes.add(str(number), kind, size, size)
    return sizes


def counted(bytes_in: float, **keys: Any) -> CountedBytes:
    fields: dict[str, Any] = {
        "bytes_in": round(bytes_in),
        "wire": True,
        "answers": ANSWERS,
        "failed": 0,
        "shares": [1.0],
        "drawn": False,
        "connections": CONNECTIONS,
        **keys,
    }
    return CountedBytes(**fields)


@pytest.mark.parametrize("share", [0.1, 0.01, 0.001])
def test_shorter_answers_among_right_ones_are_missed_bytes(share: float) -> None:
    """14 bytes instead of 86, down to one in a thousand."""
    bytes_in = ANSWERS * SIZE - share * ANSWERS * 72

    assert census(counted(bytes_in), verified([SIZE] * 400)) is not None


def test_half_read_answers_and_a_rare_header_line_are_none() -> None:
    """One per connection may be half read; nginx says `close` on each thousandth request."""
    honest = verified([SIZE] * 400)

    assert census(counted(ANSWERS * SIZE + CONNECTIONS * (SIZE - 1)), honest) is None
    assert census(counted(ANSWERS * SIZE - 5 * ANSWERS / 1000), honest) is None


def test_what_verified_answers_vary_by_is_allowed() -> None:
    """Sizes that differ from answer to answer; and such as grow from phase to phase."""
    mixed = verified([SIZE, SIZE + 8] * 200)
    growing = verified([SIZE] * 200, [SIZE + 3] * 200)

    assert census(counted(ANSWERS * (SIZE + 4.5)), mixed) is None
    assert census(counted(ANSWERS * (SIZE + 1.5)), growing) is None
    assert census(counted(ANSWERS * (SIZE - 10)), mixed) is not None


def test_errors_hide_no_missing_bytes() -> None:
    """Errors have sizes of their own: at most those of so many answers may be missing."""
    honest = verified([SIZE] * 400)
    few = counted(ANSWERS * SIZE - 50 * SIZE, failed=50)
    many = counted(ANSWERS * SIZE * 0.97, failed=50)

    assert census(few, honest) is None
    assert census(many, honest) is not None


def test_a_handful_of_answers_proves_nothing() -> None:
    """Below twenty nothing is known of how they vary."""
    assert census(counted(1), verified([SIZE] * 19)) is None
