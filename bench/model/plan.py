"""What a run is going to do: resolved profiles and workloads, cells, trials in order, CPU split."""

from __future__ import annotations

from typing import Final, Literal

from pydantic import Field

from bench.model.base import SCHEMA_VERSION, GrownModel, Model
from bench.model.http_protocol import HttpProtocol
from bench.model.load_result import Loop
from bench.model.machine_part import MachinesPlan
from bench.model.pacing import Arrivals
from bench.model.secrets import Environment
from bench.model.server_config import ServerConfig
from bench.model.sweep import Swept
from bench.model.workload_config import Expect, Generator, Then

SOLO: Final = "-solo"
"""Ending of load profiles under which servers are measured alone to choose among them."""


class LoadProfile(GrownModel):
    """A load profile with every default filled in.

    Attributes:
        connections: the total over all processes, remainder to the first.
        rate_rps: offered rate over all processes; None in a closed loop, and before the
            calibration where `rate_share` is given.
        arrivals: how the requests of an open loop follow each other, where the tool has a choice.
        processes: load tool processes.
        timeout_s: a response later than this is an error.
        curve: of a point of a load curve: the name that all its points share.
        keepalive: whether a connection serves more than one request.
        connect_timed: without keep-alive: whether the tool's latencies hold the time of connecting.
        resume: whether TLS sessions may be taken up again.
        swept: of a point of a sweep: what varies from point to point.
        server_cpus: how many of its CPUs the server gets; None = all.
        own: `rate_share` is that of each server's own capacity, not of the slowest server's:
            servers are then not compared, since they are not offered the same.
    """

    id: str
    tool: str
    loop: Loop
    connections: int
    rate_rps: float | None = None
    rate_share: float | None = None
    arrivals: Arrivals | None = None
    processes: int
    warmup_s: float
    duration_s: float
    timeout_s: float
    curve: str | None = None
    own: bool = False
    keepalive: bool = True
    connect_timed: bool = True
    protocol: HttpProtocol = "http"
    resume: bool = True
    swept: Swept | None = None
    server_cpus: int | None = None

    @classmethod
    def grown(cls) -> tuple[str, ...]:
        """Names of the fields that came later."""
        return (
            "arrivals",
            "curve",
            "own",
            "keepalive",
            "connect_timed",
            "protocol",
            "resume",
            "swept",
            "server_cpus",
        )

    @property
    def sought(self) -> bool:
        """Whether its rate is what a search is after: no trial has this profile itself."""
        return self.loop == "open" and self.rate_rps is None and self.rate_share is None


class RequestKind(GrownModel):
    """One kind of request of a workload, with its bodies read from disk.

    Attributes:
        then: asked right after it where answers are verified.
        bodies: request body templates, one drawn at random per request; empty = no body.
    """

    weight: int
    method: str
    path: str
    headers: dict[str, str]
    bodies: tuple[bytes, ...] = Field(repr=False)
    values: dict[str, Generator]
    expect: Expect
    then: Then | None = None

    GROWN = ("then",)


class Workload(Model):
    """The requests, and the response that each must get.

    Attributes:
        lua: absolute path of the user's wrk script, or None.
        sha256: of everything above, bodies included.
    """

    id: str
    title: str
    kinds: tuple[RequestKind, ...]
    lua: str | None
    sha256: str


class Arm(GrownModel):
    """A server as it stands in a plan: a name of its own, its folder and its environment.

    An **arm** is one side of a comparison: a server at a ref, a version or a setting. The
    **baseline** is the arm that all others are compared with. An **A/A copy** is an arm equal to
    the baseline, entered to show the noise.

    Attributes:
        name: the name in tables (`as` in the matrix, else the id).
        server: the id of the server, the name of its folder.
        folder: absolute path of the folder with server.yaml.
        env: added to the environment that server.yaml names; in JSON without secrets.
        protocol: what it speaks, None = what the profile says.
        url: of a server that someone else runs, else None.
        hash: content hash of the build (source tree, lock files, toolchain, command), or None.
        source_hash: git's hash of the tree that the folder was checked out from, part of `hash`;
            None where the folder is the user's own.
        ready_any: any answer to `ready` will do, whatever its status (`bench try` of a path
            that is not asked by GET).
        version_of: id of the server that this is a version of (another ref, dependency, tree);
            None where it is that server itself.
        copy_of: name of the arm that this one is again (an A/A copy: it shows the noise and is
            no candidate), None for an arm of its own.
    """

    name: str
    server: str
    folder: str
    config: ServerConfig
    env: Environment = {}
    protocol: HttpProtocol | None = None
    url: str | None = None
    hash: str | None = None
    source_hash: str | None = None
    ready_any: bool = False
    version_of: str | None = None
    copy_of: str | None = None

    @classmethod
    def grown(cls) -> tuple[str, ...]:
        """Names of the fields that came later."""
        return ("protocol",)

    def under(self, profile: LoadProfile) -> LoadProfile:
        """A profile as this arm is loaded with it."""
        if self.protocol is None:
            return profile
        return profile.replace(protocol=self.protocol)


class Pinning(Model):
    """Whether processes are held on their CPUs."""

    state: Literal["pinned", "none"]
    reason: str


class CpuSplit(Model):
    """Which CPUs serve, which load, which do the rest; logical CPU numbers.

    Attributes:
        server_count: the number of CPUs passed to a server (threads, processes).
        load_count: load tool processes when a profile says auto.
        notes: what the reader must know about this split, as finding codes and words.
    """

    server: tuple[int, ...]
    load: tuple[int, ...]
    housekeeping: tuple[int, ...]
    server_count: int
    load_count: int
    pinning: Pinning
    notes: tuple[tuple[str, str], ...] = ()


class Cell(Model):
    """A **cell**: one combination of server (arm name), workload and load profile."""

    server: str
    workload: str
    profile: str

    @property
    def id(self) -> str:
        """The name used in trial ids: `axum.json-small.wrk-c50`."""
        return f"{self.server}.{self.workload}.{self.profile}"


class PlannedTrial(Model):
    """One cell in one round; `id` is `r03-axum.json-small.wrk-c50`.

    A **round** is a block of trials that holds each cell once.
    """

    id: str
    round: int
    cell: Cell


class Skipped(GrownModel):
    """A server that takes no part, and why.

    Attributes:
        profiles: those that it takes no part in; empty = in none.
    """

    server: str
    reason: str
    profiles: tuple[str, ...] = ()

    @classmethod
    def grown(cls) -> tuple[str, ...]:
        """Names of the fields that came later."""
        return ("profiles",)


class CostPlan(Model):
    """The duets of a plan of blocks that decide what a request costs, at a load that is named.

    Attributes:
        profile: an open loop; its `rate_share` is of what both servers reach together.
        again: the baseline once more: what the two copies differ by is the noise floor.
        cells: each server, and the copy, together with the baseline.
        rates: requests/s that each of the two is sent, per `server/workload`, once it is known.
    """

    profile: LoadProfile
    again: Arm
    cells: tuple[Cell, ...]
    rates: dict[str, float] = {}

    def rate(self, cell: Cell) -> float | None:
        """What each of a pair is sent; None until it is known."""
        return self.rates.get(f"{cell.server}/{cell.workload}")

    def with_rate(self, cell: Cell, rate_rps: float) -> CostPlan:
        """The same with the rate of one pair."""
        rates = {**self.rates, f"{cell.server}/{cell.workload}": rate_rps}
        return self.replace(rates=rates)


class Sought(GrownModel):
    """The search of the highest rate that keeps a promise, for each cell whose load has no rate.

    Attributes:
        promise: such as `p99<10ms`.
        tolerance: how far apart, as a share, the rates may be between which an answer lies.
        patience: how many trials that something else spoiled are run again.
    """

    GROWN = ("patience",)
    promise: str
    tolerance: float
    patience: int = 0


class Plan(GrownModel):
    """Everything a run will do, in order; written before the first trial.

    Attributes:
        matrix: id of the matrix.
        seed: decides the order of trials and the content of random requests.
        trials: all planned trials in the order in which they run.
        calibrated: capacity in requests/s per `server/workload/profile` from the calibration.
        spreads: of a duet, workload -> standard deviation of the log-ratios of two copies in
            the calibration block: what the forecast rests on, part of no estimate.
        alone: of a duet, profiles without the baseline beside; of no cell, in no comparison.
        alone_rounds: how many rounds, from the first on, hold such trials.
        cost: None where the matrix asks for no cost, and in a plan of duets.
        estimated_s: expected length without builds.
        max_time_s: no round begins that would end later, but for the first three; None = no limit.
        search: what is promised, in a search for a rate; `max_time_s` is then of each cell.
        machines: where they are of their own; `cpus` are then the server's.
        streams: workloads whose answers come over some time, piece by piece.
        rounds_asked: where the time sufficed for fewer than were asked for; else None.
    """

    GROWN = ("search", "machines", "streams", "rounds_asked")
    schema_version: int = SCHEMA_VERSION
    matrix: str
    title: str
    seed: int
    rounds: int
    max_rounds: int
    precision: float | None
    margin: float
    baseline: str
    design: Literal["blocks", "duet"]
    arms: tuple[Arm, ...]
    workloads: tuple[str, ...]
    workload_titles: dict[str, str]
    workload_hashes: dict[str, str] = {}
    profiles: tuple[LoadProfile, ...]
    cells: tuple[Cell, ...]
    trials: tuple[PlannedTrial, ...]
    cpus: CpuSplit
    skipped: tuple[Skipped, ...] = ()
    calibrated: dict[str, float] = {}
    spreads: dict[str, float] = {}
    alone: tuple[LoadProfile, ...] = ()
    alone_rounds: int = 0
    cost: CostPlan | None = None
    estimated_s: float
    max_time_s: float | None = None
    options: dict[str, str] = {}
    search: Sought | None = None
    machines: MachinesPlan | None = None
    streams: tuple[str, ...] = ()
    rounds_asked: int | None = None

    @property
    def loads(self) -> tuple[LoadProfile, ...]:
        """Every load profile under which there are trials."""
        return (*self.profiles, *self.alone, *((self.cost.profile,) if self.cost else ()))

    def unlike(self, server: str) -> bool:
        """Whether an arm is another server than the baseline, and not a version of it."""
        families = {arm.name: arm.version_of or arm.server for arm in self.arms}
        known = server in families and self.baseline in families
        return known and families[server] != families[self.baseline]

    @property
    def is_choice(self) -> bool:
        """Whether different servers are compared: what each does alone decides."""
        return any(profile.id.endswith(SOLO) for profile in self.alone)

    @property
    def copies(self) -> frozenset[str]:
        """Names of the arms that are A/A copies of another one."""
        return frozenset(arm.name for arm in self.arms if arm.copy_of is not None)
