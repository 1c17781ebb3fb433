"""The seam between a trial and where it happens: what a trial asks of server, sampler and load.

On one machine these are `RunningServer`, `Sampler`, `Loader` and `Questioning`; on several, parts
of `bench.trial.remote` that have agents do the same. A trial does not know which it has.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol, Self, TypeVar

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import TracebackType

    from bench.model.load_result import LoadResult
    from bench.model.quarter import Quarter
    from bench.model.target import Target
    from bench.model.trial_record import CommandRecord, Counters, ServerRecord, SidechannelResult
    from bench.sampler import Observation
    from bench.trial.answer_sizes import AnswerSizes
    from bench.trial.load import LoadFailure, LoadRun


class TrialDatabase(Protocol):
    """A database beside a server. See `bench.servers.postgres.Postgres`."""

    @property
    def pid(self) -> int:
        """Its first process."""
        ...


class TrialServer(Protocol):
    """A server of a trial; a context, in which it runs. See `bench.servers.RunningServer`."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None: ...

    @property
    def target(self) -> Target:
        """Where it is asked."""
        ...

    @property
    def port(self) -> int:
        """Where it listens."""
        ...

    @property
    def pid(self) -> int:
        """Its first process, on the machine where it runs."""
        ...

    @property
    def rc(self) -> int | None:
        """Exit code once it has ended, None while it runs."""
        ...

    @property
    def ready_s(self) -> float:
        """Seconds from its start until it was known to be ready."""
        ...

    @property
    def startup_s(self) -> float | None:
        """Seconds from its start to the first right answer on its ready path."""
        ...

    @property
    def stop_s(self) -> float:
        """Seconds from asking it to stop until its port was free."""
        ...

    @property
    def log_cut(self) -> bool:
        """Whether its log was cut back."""
        ...

    @property
    def database(self) -> TrialDatabase | None:
        """What stands beside it; None where it needs none."""
        ...

    def check_database(self) -> None:
        """Check that what stands beside it still runs."""

    def check_listener(self) -> int:
        """Check that who listens belongs to it; how many of its workers were replaced."""
        ...

    def memory_bytes(self) -> int:
        """Resident memory of all its processes."""
        ...

    def answered(self, timeout_s: float) -> bool:
        """Wait until it answers its ready path again, at most that long."""
        ...

    def record(self, threads: int | None = None, processes: int | None = None) -> ServerRecord:
        """What the trial's record says about it."""
        ...

    def command_record(self) -> CommandRecord:
        """The command that repeats its start by hand."""
        ...

    def cap_log(self) -> None:
        """Cut a flooded log back."""

    def tail(self) -> str:
        """The last lines of its output."""
        ...

    def end(self) -> str:
        """How it ended, in words."""
        ...


class TrialSampler(Protocol):
    """Looks at a server's machine; a context. See `bench.sampler.Sampler`."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None: ...

    def mark(self) -> Any:
        """Read every clock and counter now."""
        ...

    def window(self, begin: Any, end: Any) -> Observation:
        """What happened between two marks."""
        ...

    def set_load_pids(self, pids: Sequence[int]) -> None:
        """Name the load processes that run now."""

    def watch_work(self, *, on: bool) -> None:
        """Look at what the server has done, too."""

    def quarters(self, begin_s: float) -> tuple[Quarter, ...]:
        """CPU time per unit of work of each quarter of a second since then."""
        ...


class TrialQuestions(Protocol):
    """Asks beside the load. See `bench.trial.questioning.Questioning`."""

    @property
    def sizes(self) -> AnswerSizes:
        """Of right answers."""
        ...

    def without_ours(self, seen: Observation) -> Counters:
        """Counters of the window without our own connections."""
        ...

    def result(self) -> SidechannelResult:
        """The counts so far."""
        ...

    def warming_up(self) -> None:
        """The warm-up goes on."""

    def warmed_up(self, rate_rps: float | None) -> None:
        """The warm-up is over."""

    def in_window(self, elapsed: float) -> None:
        """The window goes on."""

    def right_after(self) -> None:
        """The load has ended this moment."""

    def counted(self, load: LoadResult) -> None:
        """The bytes of the window are known."""

    def end(self) -> None:
        """Close what is open."""


class LoadChild(Protocol):
    """Something that sends load and ends by itself: a process here, or a machine's part."""

    @property
    def pid(self) -> int:
        """Tells it from its like."""
        ...

    def wait(self, timeout_s: float) -> bool:
        """Wait for its end; True when it has ended."""
        ...

    def signal(self, number: int) -> None:
        """Send a signal to it."""


class BegunLoad(Protocol):
    """A window's load under way."""

    @property
    def children(self) -> Sequence[LoadChild]:
        """What sends it."""
        ...

    def kill(self) -> None:
        """End it, whatever it does."""


B = TypeVar("B")


class TrialLoader(Protocol[B]):
    """Sends the load of one trial. See `bench.trial.load.Loader`."""

    @property
    def limit_s(self) -> float:
        """Seconds beyond the window after which it is taken to hang."""
        ...

    @property
    def lead_s(self) -> float:
        """Seconds that it needs before all begin at once."""
        ...

    @property
    def lead_in_s(self) -> float:
        """Seconds before a window in which it sends what does not count."""
        ...

    def begin(self, name: str, duration_s: float, start_at: float) -> B:
        """Start one window."""
        ...

    def hung(self, running: B, waited_s: float) -> LoadFailure:
        """What to raise when it did not end."""
        ...

    def finish(self, running: B) -> LoadRun:
        """Read and merge what it left."""
        ...
