"""What a user's file may say of rates that are searched or varied; fields beside it."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field

from bench.model import field_schemas as schemas
from bench.model.fields import OfferedRate, Rate
from bench.model.promise import parse_promise


def _promise(value: Any) -> str:
    return parse_promise(value).text


def _shares(rates: list[Rate | None]) -> list[Rate | None]:
    """`[10%, 50%]`: shares, each once."""
    found = [rate.share for rate in rates if rate and rate.share is not None]
    if len(found) < len(rates):
        raise ValueError("expected a list of shares such as [10%, 50%, 90%]")
    if len(set(found)) < len(found):
        raise ValueError("expected each share once")
    return rates


PromiseText = Annotated[str, BeforeValidator(_promise), schemas.PROMISE]
OfferedShares = Annotated[
    list[OfferedRate], Field(min_length=1, max_length=100), AfterValidator(_shares)
]
