"""Changes one value of a body that must come back, so that a constant answer is found out; pure."""

from __future__ import annotations

import json
import string
from typing import TYPE_CHECKING, Any, Self

import orjson

from bench.workload.requests import SAME_AS_BODY, render

if TYPE_CHECKING:
    import random
    from collections.abc import Iterator

    from bench.model.plan import Workload
    from bench.workload.requests import Rendered


class Varying:
    """One request kind whose body is always the same and is to come back.

    The body is parsed once: under load only the changed value is drawn and written.

    Args:
        request: a rendered request of the kind.
        value: its parsed body; belongs to this object from now on.
        places: (container, key) of each value in it that may be changed; not empty.
    """

    def __init__(self, request: Rendered, value: Any, places: list[tuple[Any, Any]]) -> None:
        self._request = request
        self._value = value
        numbers = [(owner, key) for owner, key in places if isinstance(owner[key], int)]
        self._places = numbers or places
        self._changed: tuple[Any, Any, Any] | None = None

    @classmethod
    def of(cls, workload: Workload, kind: int, rng: random.Random) -> Self | None:
        """Of one kind of a workload.

        Returns:
            None where values are drawn anyway, or the body is not what must come back, or it
            holds nothing that could be changed.
        """
        spec = workload.kinds[kind]
        if spec.values or len(spec.bodies) != 1 or spec.expect.json_value != SAME_AS_BODY:
            return None
        request = render(workload, kind, rng)
        value = request.expect.json_value
        if not isinstance(value, dict | list):
            return None
        places = list(_leaves(value))
        return cls(request, value, places) if places else None

    def draw(self, rng: random.Random) -> Rendered:
        """The request with one value changed to another of its type and length.

        What it expects is the same object each time: it holds until the next call.
        """
        if self._changed is not None:
            owner, key, before = self._changed
            owner[key] = before
        owner, key = rng.choice(self._places)
        self._changed = (owner, key, owner[key])
        owner[key] = _other(owner[key], rng)
        return self._request._replace(body=_text(self._value))


def _text(value: Any) -> bytes:
    try:
        return orjson.dumps(value)
    except TypeError:  # a whole number over 64 bits, half of a surrogate pair
        return json.dumps(value, separators=(",", ":")).encode()


def _leaves(value: Any) -> Iterator[tuple[Any, Any]]:
    """(container, key) of each number that is not a truth value, and of each plain string."""
    items = value.items() if isinstance(value, dict) else enumerate(value)
    for key, item in items:
        if isinstance(item, dict | list):
            yield from _leaves(item)
        elif (isinstance(item, int) and not isinstance(item, bool)) or (
            isinstance(item, str) and item.isalnum()
        ):
            yield value, key


def _other(value: int | str, rng: random.Random) -> int | str:
    if isinstance(value, int):
        digits = len(str(abs(value)))
        return rng.choice([n for n in _draw(digits, rng) if n != value])
    letters = [rng.choice(string.ascii_lowercase) for _ in value]
    return "".join(letters)


def _draw(digits: int, rng: random.Random) -> tuple[int, int]:
    """Two different numbers of that many digits, so that one of them differs from any other."""
    low = 10 ** (digits - 1) if digits > 1 else 0
    first = rng.randrange(low, 10**digits - 1)
    return first, first + 1
