"""What a user's file may say of rates that are searched or varied; fields beside it."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field

from bench.model import field_schemas as schemas
from bench.model.promise import parse_promise
from bench.units import parse_percent

_UNIT_MAX = 32


def _promise(value: Any) -> str:
    return parse_promise(value).text


def _rate_share(value: Any) -> float:
    try:
        share = parse_percent(value if len(value) <= _UNIT_MAX else "")
    except (TypeError, ValueError):
        raise ValueError("expected a share such as 50%") from None
    if not 0 < share <= 1:
        raise ValueError("expected a share above 0% and up to 100%")
    return share


def _each_once(shares: list[float]) -> list[float]:
    if len(set(shares)) < len(shares):
        raise ValueError("expected each share once")
    return shares


PromiseText = Annotated[str, BeforeValidator(_promise), schemas.PROMISE]
OfferedShares = Annotated[
    list[Annotated[float, BeforeValidator(_rate_share)]],
    Field(min_length=1, max_length=100),
    AfterValidator(_each_once),
    schemas.SHARES,
]
