"""What users write: matrix files, checked key by key; workload_config and server_config beside it.

The `Attributes` here are what users read: `bench schema` and the tables of docs/formats.md are
made of them, "Default: ..." at the end of one is its default where the value does not say it.
"""

from __future__ import annotations

import re
from typing import Annotated, Any, Final, Literal, Self

from pydantic import (
    BeforeValidator,
    ConfigDict,
    Field,
    model_validator,
)

from bench.model.base import Model
from bench.model.fields import (
    CpuChoice,
    Dependency,
    Duration,
    Env,
    Flag,
    GitRef,
    Identifier,
    OfferedRate,
    Percent,
    Processes,
    ProfileId,
    ServerUrl,
    Text,
    Title,
    Warmup,
    Whole,
    arm_name,
)
from bench.model.http_protocol import HttpProtocol
from bench.model.pacing import Arrivals
from bench.model.rate_fields import OfferedShares, PromiseText
from bench.model.secrets import hidden
from bench.model.sweep import SweepConfig


class ProfileConfig(Model):
    """A **load profile**: tool, loop, connections or offered rate, warm-up, window.

    Attributes:
        id: its name in tables. Default: such as `wrk-c50`.
        tool: name of a load tool. Default: the preferred one for the loop: `wrk` closed,
            `paced` open.
        loop: `closed`: each connection sends its next request when the response is there.
            `open` (not wrk): requests are sent at a fixed rate, whatever the server does.
        connections: in total, split over the load processes.
        rate: open loop: requests per second, or a share such as `50%` of what the slowest
            server reaches, measured before the first round (in a duet: of what both reach
            together).
        rates: a load curve: one cell for each of these shares, such as `[10%, 50%, 90%]`, in
            place of `rate`.
        of: what the shares of `rates` are of: `own`, each server's own capacity, or `slowest`,
            that of the slowest server, so that all are offered the same. Default: `own`.
        arrivals: open loop by paced: `poisson`, at random as if from many users, or `even`.
            Default: `poisson`.
        keepalive: `false`: a new connection for each request; of the load, of the verification and
            of the questions during the window alike.
        protocol: `http`, `https`, `h2` (HTTP/2 over TLS) or `h2c` (HTTP/2 without); a server that
            does not name it in its `protocols` is left out.
        resume: `false`: whole TLS handshakes only; for servers whose `run` or `env` has `{resume}`.
        processes: load processes. Default: `auto`, one per load CPU.
        warmup: load before the window, not counted: at least so long, and from `1s` on until the
            CPU time per request no longer falls (at most four times as long, or `8s`).
        duration: the window that is measured; whole seconds for wrk.
        timeout: after which a request counts as failed.
    """

    id: ProfileId | None = None
    tool: str = ""
    loop: Literal["closed", "open"] = "closed"
    connections: Whole = Field(default=50, ge=1, le=100_000)
    rate: OfferedRate = None
    rates: OfferedShares | None = None
    of: Literal["own", "slowest"] | None = None
    arrivals: Arrivals | None = None
    keepalive: Flag = True
    protocol: HttpProtocol = "http"
    resume: Flag = True
    processes: Processes = None
    warmup: Warmup = 2.0
    duration: Duration = 10.0
    timeout: Duration = 10.0

    @property
    def base(self) -> str:
        """What all points of a load curve are called."""
        spoken = "" if self.protocol == "http" else f"-{self.protocol}"
        churn = "" if self.keepalive else "-churn"
        whole = "" if self.resume else "-whole"
        return self.id or f"{self.tool}-c{self.connections}{spoken}{churn}{whole}"

    @property
    def name(self) -> str:
        """The id, or what stands for it: `wrk-c50`, `paced-c50-r2000`, `paced-c50-r50pct`."""
        if self.id is not None and self.rates is None:
            return self.id
        base = self.base
        if self.rate is None:
            return base
        if self.rate.share is not None:
            return f"{base}-r{_plain(self.rate.share * 100)}pct"
        return f"{base}-r{_plain(self.rate.rps or 0.0)}"


def _plain(value: float) -> str:
    """A number without exponent, dot and needless zeros: 50, 100000, 0_5 for a half."""
    return f"{value:.6f}".rstrip("0").rstrip(".").replace(".", "_")


class ServerRef(Model):
    """A server in a matrix: its id, or the address of one that someone else runs.

    Attributes:
        id: the server. Default: none, required where there is no `url`.
        name: its name in tables; a second name enters the same server a second time. Default:
            the id; of a `url`: host and port.
        env: variables for `run`, added to those of server.yaml.
        protocol: what this one speaks, in place of what the profiles say: `http` beside `https`
            in a duet shows what TLS costs.
        url: such as `http://127.0.0.1:3000`; the server is then not started by `bench`.
    """

    model_config = ConfigDict(
        json_schema_extra={
            "anyOf": [{"required": ["id"]}, {"required": ["url"]}],
            "not": {"required": ["url", "env"], "properties": {"env": {"minProperties": 1}}},
        }
    )

    id: Identifier | None = None
    name: Identifier | None = Field(default=None, alias="as")
    env: Env = {}
    protocol: HttpProtocol | None = None
    url: ServerUrl | None = None

    @model_validator(mode="after")
    def _named(self) -> Self:
        if self.id is None and self.url is None:
            raise ValueError("expected the id of a server or a url")
        if self.url is not None and self.env:
            raise ValueError("env has no effect on a server that is already running: remove it")
        return self

    @property
    def arm(self) -> str:
        """The name in tables; of a url without one: host and port."""
        return self.name or self.id or url_arm(self.url or "")


def url_arm(url: str) -> str:
    """The name of a server that only has an address: `127.0.0.1-3000`."""
    return re.sub(r"[^a-z0-9.]+", "-", url.lower().removeprefix("http://")).strip("-")


def _server_ref(value: Any) -> Any:
    """A bare id is short for `{id: ...}`."""
    if isinstance(value, str):
        return {"id": value}
    if not isinstance(value, dict | ServerRef):
        raise ValueError("expected the id of a server such as axum, or {id: axum, as: axum-again}")
    return value


_WORKTREE: Final[dict[str, Any]] = {
    "required": ["worktree"],
    "properties": {"worktree": {"const": True}},
}
_WORKTREE_AND_MORE: Final[dict[str, Any]] = {
    **_WORKTREE,
    "anyOf": [{"required": ["ref"]}, {"required": ["with"]}],
}
_ServerEntry = Annotated[
    ServerRef, BeforeValidator(_server_ref, json_schema_input_type=Identifier | ServerRef)
]


class Variant(Model):
    """A server as it is elsewhere: at a git ref, uncommitted, or with another dependency.

    Attributes:
        id: the server.
        name: its name in tables, in `baseline`, `exclude` and `--servers`. Default: the ref,
            version or variables.
        ref: a branch, tag or commit of the repository that the server's `source` names.
        worktree: `true`: what lies in the working tree now, uncommitted changes included.
        dependency: another version of one dependency, such as `spikard==0.17.1`, where the
            build uses uv, pip, poetry, npm, cargo or go.
        env: variables, alone or beside one of `ref`, `worktree` and `with`.
    """

    model_config = ConfigDict(
        json_schema_extra={
            "anyOf": [
                {"required": ["ref"]},
                {"required": ["with"]},
                _WORKTREE,
                {"required": ["env"], "properties": {"env": {"minProperties": 1}}},
            ],
            "not": {"anyOf": [{"required": ["ref", "with"]}, _WORKTREE_AND_MORE]},
        }
    )

    id: Identifier
    name: Identifier | None = Field(default=None, alias="as")
    ref: GitRef | None = None
    worktree: Flag = False
    dependency: Dependency | None = Field(default=None, alias="with")
    env: Env = {}

    @model_validator(mode="after")
    def _one_change(self) -> Self:
        changes = (self.ref is not None) + self.worktree + (self.dependency is not None)
        if changes > 1:
            raise ValueError("expected one of ref, worktree, with: an arm has one source")
        if not changes and not self.env:
            raise ValueError("expected ref, worktree: true, with or env: what is the difference?")
        return self

    @property
    def key(self) -> str:
        """What makes it another one, as the file calls it; "" where that is `env` alone."""
        if self.ref is not None:
            return "ref"
        return "worktree" if self.worktree else "with" if self.dependency is not None else ""

    @property
    def arm(self) -> str:
        """The name in tables; by itself that of the ref, version or variables."""
        settings = "-".join(f"{name}={value}" for name, value in hidden(self.env).items())
        what = "worktree" if self.worktree else self.ref or self.dependency or settings
        return self.name or arm_name(what)

    @property
    def place(self) -> str:
        """The id of the server that it becomes once it is made."""
        return f"{self.id}.{self.arm}" if self.key else self.id


class Exclude(Model):
    """Cells to leave out; a missing key matches all, `*` and `?` match as in file names.

    Attributes:
        server: its name in tables. Default: all.
        workload: its id. Default: all.
        profile: its id. Default: all.
    """

    model_config = ConfigDict(json_schema_extra={"minProperties": 1})

    server: Text | None = None
    workload: Text | None = None
    profile: Text | None = None

    @model_validator(mode="after")
    def _some(self) -> Self:
        if not self.model_fields_set:
            raise ValueError("expected at least one of server, workload, profile")
        return self


class MatrixConfig(Model):
    """A **matrix**: what to combine: servers x workloads x load profiles, and how often.

    Attributes:
        title: shown in reports. Default: the name of the file.
        servers: ids. `{id: axum, as: axum-again}` enters one a second time, which shows the
            noise of the setup. Default: none, required where there are no `variants`.
        variants: arms of one server by git ref, dependency or setting.
        workloads: ids.
        profiles: what the load tool does. Default: one closed wrk profile.
        rounds: how often each combination is measured (1 to 100). With fewer than 3 no
            interval is given.
        precision: rounds are added until the interval's half-width is at most this, such as
            `2%`.
        max_rounds: how many `precision` may take. Default: 12, or `rounds` where that is more;
            100 with `max_time`.
        max_time: such as `20m`, builds not counted. After `rounds` further ones go to the workload
            and profile whose interval is widest (of those whose goal can be reached), until
            `precision` (or `margin`) is reached or the time is over; at least 3. Default: none.
        cost: `true`: each server is also measured together with the baseline, both at one offered
            rate near 60 % of what they reach together, which decides CPU time per request.
        baseline: all others are compared with it. Default: the first server, else the first
            variant.
        margin: a difference too small to matter.
        promise: such as `p99<10ms`: not a comparison, but a search for the highest rate at which
            each server keeps it; `profiles` are then of `loop: open` and without a rate.
        tolerance: of `promise`: how far apart the rates may be between which the answer lies.
            Default: `5%`.
        sweep: `{connections: [1, 8, 64], server_cpus: [1, 2, 4]}`: each profile once per value.
        server_cpus: for the server: a number of CPUs, or a list such as `[0, 1]`. Default:
            `auto`.
        load_cpus: for the load tool, in the same form. Default: `auto`.
        seed: decides the order of trials and the content of random requests. Default: drawn,
            recorded.
        design: `blocks`: each trial alone, in rounds of random order. `duet`: each server
            together with the baseline on the same CPUs, compared by CPU time per request.
        exclude: combinations to leave out: `{server, workload, profile}`, `*` matches all.
        ceiling: adds a minimal server, as fast as this machine can answer: a server that comes near
            it was not the limit.
        allow_remote: permits `{url: ...}` on another host; without it only this machine's
            loopback is loaded. Such a server's report carries the finding `remote`.
    """

    model_config = ConfigDict(
        json_schema_extra={
            "anyOf": [
                {"required": ["servers"]},
                {"required": ["variants"], "properties": {"variants": {"minItems": 1}}},
            ]
        }
    )

    title: Title = ""
    servers: Annotated[list[_ServerEntry], Field(min_length=1, max_length=1000)] = []
    variants: Annotated[list[Variant], Field(max_length=1000)] = []
    workloads: Annotated[list[Identifier], Field(min_length=1, max_length=1000)]
    profiles: Annotated[list[ProfileConfig], Field(min_length=1, max_length=1000)] = [
        ProfileConfig()
    ]
    rounds: Whole = Field(default=5, ge=1, le=100)
    precision: Percent | None = None
    max_rounds: Whole | None = Field(default=None, ge=1, le=100)
    max_time: Duration | None = None
    cost: Flag = False
    baseline: Identifier | None = None
    margin: Percent = 0.02
    promise: PromiseText | None = None
    tolerance: Percent | None = None
    sweep: SweepConfig | None = None
    server_cpus: CpuChoice = None
    load_cpus: CpuChoice = None
    seed: Whole | None = Field(default=None, ge=0, le=2**53)
    design: Literal["blocks", "duet"] = "blocks"
    exclude: Annotated[list[Exclude], Field(max_length=1000)] = []
    ceiling: Flag = False
    allow_remote: Flag = False

    @property
    def arms(self) -> tuple[ServerRef | Variant, ...]:
        """Everything that is compared: servers, then variants."""
        return (*self.servers, *self.variants)
