"""A quarter of a second of a warm-up, as the sampler saw it and the statistics judge it."""

from __future__ import annotations

from typing import NamedTuple


class Quarter(NamedTuple):
    """What a server used in a quarter of a second.

    Attributes:
        cpu_s: CPU time that the server had used by its end, since the load began.
        cost: CPU time per unit of work in it, in ns.
    """

    cpu_s: float
    cost: float
