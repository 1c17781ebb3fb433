"""Questions beside the load, asked by the first machine of the load, over the load's own path."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any, Final

from bench.errors import MachineLostError
from bench.model.trial_record import SidechannelResult
from bench.trial.answer_sizes import AnswerSizes
from bench.trial.byte_check import byte_census
from bench.trial.remote import load_side

if TYPE_CHECKING:
    from bench.model.load_result import LoadResult
    from bench.model.plan import LoadProfile, Workload
    from bench.model.trial_record import Counters
    from bench.sampler import Observation
    from bench.trial.remote.lab import Lab

_ASK_S: Final = 60.0


class RemoteQuestions:
    """What an agent asks and heard; in the shape of `Questioning`."""

    def __init__(
        self, lab: Lab, handle: str, workload: Workload, profile: LoadProfile, seed: int
    ) -> None:
        self.sizes = AnswerSizes()
        self._lab = lab
        self._handle = handle
        self._workload = workload
        self._profile = profile
        self._result = SidechannelResult()
        self._ask(load_side.begin_asking, profile=profile.model_dump(), seed=seed)

    def result(self) -> SidechannelResult:
        """The counts, as they were last heard."""
        return self._result

    def without_ours(self, seen: Observation) -> Counters:
        """Counters as they are: which of our connections a look of another machine saw is unknown.

        So up to 16 connections that are missing there stay unnoticed, and none is missed wrongly.
        """
        return seen.counters

    def warming_up(self) -> None:
        """The agent asks by itself while the load goes on."""

    def in_window(self, elapsed: float) -> None:
        """The agent asks by itself while the load goes on."""

    def warmed_up(self, rate_rps: float | None) -> None:
        """The warm-up is over."""
        self._ask(load_side.warmed, rate_rps=rate_rps)

    def right_after(self) -> None:
        """The load has ended this moment."""
        self._take(self._ask(load_side.ask_right_after))

    def counted(self, load: LoadResult) -> None:
        """The bytes of the window are known: where they do not fit, ask until it is known why."""
        fits = not byte_census(load, self._workload, self._profile, self.sizes)
        if not self._result.wrong and not fits:
            self._take(self._ask(load_side.press_on))

    def end(self) -> None:
        """Hear the last of it, and have every machine forget the trial."""
        with contextlib.suppress(MachineLostError):
            self._take(self._ask(load_side.heard))
        for machine in self._lab.loads:
            with contextlib.suppress(MachineLostError):
                machine.call(load_side.close_load, handle=self._handle)

    def _ask(self, what: Any, **data: Any) -> Any:
        return self._lab.loads[0].call(what, within_s=_ASK_S, handle=self._handle, **data)

    def _take(self, told: dict[str, Any]) -> None:
        self._result = SidechannelResult.model_validate(told["result"])
        self.sizes = AnswerSizes.of_plain(told["sizes"])
