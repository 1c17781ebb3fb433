"""Asks a server beside its load: over several connections, kept and fresh, and judges all it says.

Nothing here waits unless the caller says how long: within a window it sends, and looks at the next
occasion what has come.
"""

from __future__ import annotations

import selectors
import time
from typing import TYPE_CHECKING, Final

from bench.model.trial_record import SidechannelResult
from bench.trial.answer_sizes import AnswerSizes
from bench.trial.questions import Questions
from bench.trial.side_line import LATE_S, Line

if TYPE_CHECKING:
    import random

    from bench.model.plan import Workload
    from bench.model.target import Target

_REFUSED_MAX: Final = 3
_FIRST_LINES: Final = 2
_KEPT: Final = 10**9
AFTER: Final = "after"
"""The phase in which the load has ended."""


class SideChannel:
    """Asks the server and keeps count of the answers.

    Attributes:
        sizes: of right answers.
        phase: what goes on meanwhile; sizes are kept apart by it.
    """

    def __init__(self, target: Target, workload: Workload, rng: random.Random) -> None:
        self.sizes = AnswerSizes()
        self.phase = ""
        self._target = target
        self._questions = Questions(workload, rng, target.authority)
        self._counts = {"right": 0, "wrong": 0, "unanswered": 0}
        self._under_load = 0
        self._first_wrong = ""
        self._lines: list[Line] = []
        self._selector = selectors.DefaultSelector()
        self._opened = 0
        self._refused = 0

    @property
    def wrong(self) -> int:
        """How many answers were wrong so far."""
        return self._counts["wrong"]

    @property
    def kept(self) -> int:
        """How many connections stay open from one question to the next."""
        return sum(line.life > 1 for line in self._lines)

    def glance(self, questions: int, lines: int) -> None:
        """Look what has come, ask so many more, and wait for nothing; each fourth line is new.

        Args:
            questions: at most; fewer where all lines still wait for an answer.
            lines: connections at most.
        """
        self._collect(0.0)
        for _ in range(questions):
            line = self._free(lines, (_KEPT, 1, _KEPT, _KEPT), fresh=False)
            if line is None:
                return
            self._send(line, fresh=False)

    def ask(
        self, questions: int, lines: int, lives: tuple[int, ...], until: float, *, enough: int = 0
    ) -> int:
        """Ask so many, several at a time; two at first, and more as answers come.

        A server whose answers take long is never left with a pile of our questions.

        Args:
            questions: how many.
            lines: connections at most.
            lives: how many questions a connection carries, by turns, before a new one follows.
            until: monotonic time at which it ends in any case.
            enough: stop when so many answers were wrong; 0 = never.

        Returns:
            How many were sent.
        """
        sent, before = 0, self._answered
        self._refused = 0
        while time.monotonic() < until and self._refused < _REFUSED_MAX:
            allowed = min(lines, _FIRST_LINES + self._answered - before)
            while sent < questions and self._waiting < allowed:
                line = self._free(lines, lives, fresh=True)
                if line is None or not self._send(line, fresh=True):
                    break
                sent += 1
            if (sent >= questions and not self._waiting) or (enough and self.wrong >= enough):
                break
            self._collect(max(0.0, min(until - time.monotonic(), LATE_S)))
        return sent

    def hang_up(self) -> None:
        """Close every line; what was not answered by now is not going to be."""
        self._collect(0.0)
        for line in self._lines:
            self._counts["unanswered"] += line.question is not None
            self._close(line)
        self._lines = []

    def end(self) -> None:
        """Close everything; nothing is asked any more."""
        self.hang_up()
        self._selector.close()

    def result(self) -> SidechannelResult:
        """The counts so far; questions without an answer yet are among the asked ones."""
        return SidechannelResult(
            asked=sum(self._counts.values()) + self._waiting,
            first_wrong=self._first_wrong,
            under_load=self._under_load,
            **self._counts,
        )

    @property
    def _answered(self) -> int:
        return self._counts["right"] + self._counts["wrong"]

    @property
    def _waiting(self) -> int:
        return sum(line.question is not None for line in self._lines)

    def _free(self, most: int, lives: tuple[int, ...], *, fresh: bool) -> Line | None:
        """A line that waits for nothing, else a new one."""
        for line in self._lines:
            if line.question is None:
                return line
        if len(self._lines) >= most or (fresh and self._refused >= _REFUSED_MAX):
            return None
        try:
            line = Line(self._target, lives[self._opened % len(lives)])
        except OSError:
            self._refused += 1
            return None
        self._opened += 1
        self._lines.append(line)
        self._selector.register(line, selectors.EVENT_READ, line)
        return line

    def _send(self, line: Line, *, fresh: bool) -> bool:
        try:
            line.send(self._questions.draw(fresh=fresh))
        except (OSError, ValueError):
            self._lost(line)
            return False
        self._under_load += self.phase != AFTER
        self._listen(line)
        return True

    def _collect(self, wait_s: float) -> None:
        """Judge what has come; give up on what is late."""
        if not self._lines:
            return
        for key, ready in self._selector.select(wait_s):
            if ready & selectors.EVENT_WRITE:
                self._push(key.data)
            if ready & selectors.EVENT_READ:
                self._read(key.data)
        late = time.monotonic() - LATE_S
        for line in self._lines:
            if line.question is not None and line.sent_at < late:
                self._lost(line)
        self._lines = [line for line in self._lines if not line.closed]

    def _listen(self, line: Line) -> None:
        """Ask the selector for what the line waits for."""
        events = selectors.EVENT_READ | (0 if line.sent else selectors.EVENT_WRITE)
        self._selector.modify(line, events, line)

    def _push(self, line: Line) -> None:
        """Send more of a large question."""
        try:
            line.push()
        except OSError:
            self._lost(line)
            return
        if line.sent:
            self._listen(line)

    def _read(self, line: Line) -> None:
        if line.closed:  # lost while it was sent to
            return
        if line.question is None:  # mostly closed by the server while nothing was asked
            if not line.stays():
                self._close(line)
            return
        try:
            found = line.heard()
        except (OSError, ValueError):
            self._lost(line)
            return
        if found is None:
            self._listen(line)
            return
        question, line.question = line.question, None
        took_s = time.monotonic() - line.sent_at  # at most: it may have come before we looked
        wrong = question.wrong(found.answer._replace(took_s=took_s))
        self._counts["wrong" if wrong else "right"] += 1
        self._refused = 0
        if wrong is None:
            sizes = found.answer.wire_bytes, len(found.answer.body)
            self.sizes.add(self.phase, question.request.kind, *sizes)
        elif not self._first_wrong:
            request = question.request
            place = f"request {line.served} of its connection"
            self._first_wrong = f"{request.method} {request.path} ({place}): {wrong}"
        if found.closes or line.served >= line.life:
            self._close(line)

    def _lost(self, line: Line) -> None:
        """A question that got no answer."""
        self._counts["unanswered"] += 1
        line.question = None
        self._refused += 1
        self._close(line)

    def _close(self, line: Line) -> None:
        if not line.closed:
            self._selector.unregister(line)
            line.close()
