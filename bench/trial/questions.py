"""What the side channel asks, prepared ahead so that asking costs little, and what it may hear."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from bench.trial.verify import difference
from bench.workload.json_equal import parse
from bench.workload.requests import is_constant, raw, render
from bench.workload.vary import Varying

if TYPE_CHECKING:
    import random

    from bench.model.plan import Workload
    from bench.trial.verify import HttpResponse
    from bench.workload.requests import Rendered

_PREPARED: Final = 32
_PREPARED_BYTES: Final = 4_000_000
_KNOWN: Final = 4
_KNOWN_BYTES: Final = 65_536


class Question:
    """One request as it is sent, and the bodies that are known to be right for it."""

    def __init__(self, request: Rendered, sent: bytes) -> None:
        self.request = request
        self.sent = sent
        self._known: set[tuple[str, bytes]] = set()

    def wrong(self, answer: HttpResponse) -> str | None:
        """What is wrong with an answer, None = nothing; a body seen before costs nothing."""
        expect = self.request.expect
        more = expect.headers or expect.has_headers or expect.events or expect.min_time
        body = answer.headers.get("content-encoding", ""), answer.body
        if body in self._known and not more and answer.status == expect.status:
            return None
        found = difference(expect, answer)
        if found is None and len(answer.body) <= _KNOWN_BYTES and len(self._known) < _KNOWN:
            self._known.add(body)
        return found


class Questions:
    """Questions of every kind of a workload; each second one by turns, the others by weight.

    By weight alone a rare kind of a mix would hardly be asked; by turns alone they would not be
    the load's. A kind that is always the same is asked as the load asks it, and with one value
    of its body changed where that must come back.
    """

    def __init__(self, workload: Workload, rng: random.Random, host: str) -> None:
        self._workload = workload
        self._rng = rng
        self._host = host
        self._weights = [kind.weight for kind in workload.kinds]
        self._kinds = range(len(workload.kinds))
        self._varying = [Varying.of(workload, kind, rng) for kind in self._kinds]
        self._prepared = [self._prepare(kind) for kind in self._kinds]
        self._turn = 0

    def draw(self, *, fresh: bool) -> Question:
        """The next question.

        Args:
            fresh: render a new one where its kind varies: slower, so not within a window.
        """
        self._turn += 1
        if self._turn % 2:
            kind = (self._turn // 2) % len(self._weights)
        else:
            kind = self._rng.choices(self._kinds, self._weights)[0]
        prepared = self._prepared[kind]
        place = self._rng.randrange(len(prepared))
        if fresh and len(prepared) > 1 and place:  # the first stays: the load's own request
            prepared[place] = self._varied(kind)
        return prepared[place]

    def _prepare(self, kind: int) -> list[Question]:
        first = self._question(render(self._workload, kind, self._rng))
        if is_constant(self._workload.kinds[kind]) and self._varying[kind] is None:
            return [first]
        fitting = _PREPARED_BYTES // (len(self._weights) * len(first.sent))
        more = max(1, min(_PREPARED, fitting) - 1)
        return [first, *(self._varied(kind) for _ in range(more))]

    def _varied(self, kind: int) -> Question:
        varying = self._varying[kind]
        if varying is None:
            return self._question(render(self._workload, kind, self._rng))
        drawn = varying.draw(self._rng)
        # What `draw` expects changes with the next one: this question keeps a value of its own.
        expect = drawn.expect.replace(json_value=parse(drawn.body))
        return self._question(drawn._replace(expect=expect))

    def _question(self, request: Rendered) -> Question:
        return Question(request, raw(request, self._host))
