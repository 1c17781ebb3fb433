"""What users write: matrix, workload and server files, checked key by key.

Keys are named as in the files; see docs/formats.md for what each one means.
"""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal, Self

from pydantic import (
    BeforeValidator,
    Field,
    JsonValue,
    SerializerFunctionWrapHandler,
    model_serializer,
    model_validator,
)

from bench.model.base import Model
from bench.model.fields import (
    Argv,
    Choices,
    CpuChoice,
    Dependency,
    Duration,
    Env,
    ExpectedHeaders,
    Flag,
    GitRef,
    Identifier,
    IntRange,
    Method,
    OfferedRate,
    Percent,
    Processes,
    ProfileId,
    Pythons,
    RelativePath,
    SentHeaders,
    ServerUrl,
    Size,
    Text,
    Title,
    UrlPath,
    ValueName,
    Warmup,
    Whole,
    WorkloadChoice,
    arm_name,
)
from bench.model.secrets import hidden


class ProfileConfig(Model):
    """A load profile as written: tool, loop, connections or rate, warm-up, window."""

    id: ProfileId | None = None
    tool: Literal["wrk", "oha"] = "wrk"
    loop: Literal["closed", "open"] = "closed"
    connections: Whole = Field(default=50, ge=1, le=100_000)
    rate: OfferedRate = None
    processes: Processes = None
    warmup: Warmup = 2.0
    duration: Duration = 10.0
    timeout: Duration = 10.0

    @property
    def name(self) -> str:
        """The id, or what stands for it: `wrk-c50`, `oha-c50-r2000`, `oha-c50-r50pct`."""
        if self.id is not None:
            return self.id
        base = f"{self.tool}-c{self.connections}"
        if self.rate is None:
            return base
        if self.rate.share is not None:
            return f"{base}-r{_plain(self.rate.share * 100)}pct"
        return f"{base}-r{_plain(self.rate.rps or 0.0)}"


def _plain(value: float) -> str:
    """A number without exponent, dot and needless zeros: 50, 100000, 0_5 for a half."""
    return f"{value:.6f}".rstrip("0").rstrip(".").replace(".", "_")


class ServerRef(Model):
    """A server in a matrix: its id, or the address of one that somebody else runs.

    Attributes:
        name: `as` in the file: the name in tables, which makes a second arm of the same server.
        url: such as `http://127.0.0.1:3000`; the server is then not started by `bench`.
    """

    id: Identifier | None = None
    name: Identifier | None = Field(default=None, alias="as")
    env: Env = {}
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


class Variant(Model):
    """A server as it is elsewhere: at a git ref, uncommitted, or with another dependency.

    Attributes:
        id: of the server.
        name: `as` in the file: the name in tables.
        ref: branch, tag or commit of the repository that the server's `source` names.
        worktree: what lies there now, uncommitted changes included.
        dependency: `with` in the file: a version such as `spikard==0.17.1`.
        env: added to its environment.
    """

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
    """Cells to leave out; a missing key matches all, `*` and `?` match as in file names."""

    server: Text | None = None
    workload: Text | None = None
    profile: Text | None = None

    @model_validator(mode="after")
    def _some(self) -> Self:
        if not self.model_fields_set:
            raise ValueError("expected at least one of server, workload, profile")
        return self


class MatrixConfig(Model):
    """What to combine: servers x workloads x profiles, and how often.

    Attributes:
        title: "" = the name of the file; filled in where the file is loaded.
        servers: may be missing where there are variants.
        max_rounds: None = 12, or `rounds` where that is more.
    """

    title: Title = ""
    servers: Annotated[
        list[Annotated[ServerRef, BeforeValidator(_server_ref)]],
        Field(min_length=1, max_length=1000),
    ] = []
    variants: Annotated[list[Variant], Field(max_length=1000)] = []
    workloads: Annotated[list[Identifier], Field(min_length=1, max_length=1000)]
    profiles: Annotated[list[ProfileConfig], Field(min_length=1, max_length=1000)] = [
        ProfileConfig()
    ]
    rounds: Whole = Field(default=5, ge=1, le=100)
    precision: Percent | None = None
    max_rounds: Whole | None = Field(default=None, ge=1, le=100)
    baseline: Identifier | None = None
    margin: Percent = 0.02
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


class Generator(Model):
    """How the values of one `{NAME}` are drawn: exactly one of `int` and `choice`."""

    int_range: IntRange | None = Field(default=None, alias="int")
    choice: Choices | None = None

    @model_validator(mode="after")
    def _one(self) -> Self:
        if (self.int_range is None) == (self.choice is None):
            raise ValueError("expected either int: [low, high] or choice: [a, b]")
        return self


class BodyConfig(Model):
    """A request body: exactly one of file, text, json, lines."""

    file: RelativePath | None = None
    text: str | None = None
    json_value: JsonValue = Field(default=None, alias="json")
    lines: RelativePath | None = None

    @model_validator(mode="after")
    def _one(self) -> Self:
        if len(self.model_fields_set) != 1:
            raise ValueError("expected exactly one of file, text, json, lines")
        return self

    @model_serializer(mode="wrap")
    def _only_set(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        return _without_unset_json(self, handler)


class Expect(Model):
    """The response that a request must get; `json` is compared by meaning."""

    status: Whole = Field(default=200, ge=200, le=599)
    json_value: JsonValue = Field(default=None, alias="json")
    text: str | None = None
    headers: ExpectedHeaders = {}

    @model_validator(mode="after")
    def _one_body(self) -> Self:
        if self.has_json and self.text is not None:
            raise ValueError("expected json or text, not both")
        return self

    @model_serializer(mode="wrap")
    def _only_set(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        return _without_unset_json(self, handler)

    @property
    def has_json(self) -> bool:
        """Whether a JSON value is expected at all (null is a value)."""
        return "json_value" in self.model_fields_set


def _without_unset_json(
    model: BodyConfig | Expect, handler: SerializerFunctionWrapHandler
) -> dict[str, Any]:
    """Dump so that a JSON null that was written differs from one that was not."""
    dumped: dict[str, Any] = handler(model)
    if "json_value" in model.model_fields_set:
        return dumped
    return {key: value for key, value in dumped.items() if key not in ("json_value", "json")}


class RequestConfig(Model):
    """One kind of request in a workload."""

    weight: Whole = Field(default=1, ge=1, le=10_000)
    method: Method = "GET"
    path: UrlPath
    headers: SentHeaders = {}
    body: BodyConfig | None = None
    values: dict[ValueName, Generator] = {}
    expect: Expect = Expect()


class WorkloadConfig(Model):
    """The requests of a workload, and the response that each must get."""

    title: Title = ""
    requests: Annotated[list[RequestConfig], Field(min_length=1, max_length=100)]
    lua: RelativePath | None = None


class Stop(Model):
    """How a server is asked to stop, and how long it has before it is killed."""

    signal: Literal["SIGTERM", "SIGINT", "SIGQUIT", "SIGHUP", "SIGKILL"] = "SIGTERM"
    grace: Duration = 1.0


class ServerConfig(Model):
    """How a server is built, started, recognised as ready, and stopped.

    Attributes:
        title: "" = the name of the folder; filled in where the file is loaded.
        needs: executables without which the server is skipped.
        ready_headers: sent when `ready` is asked, such as the name a server answers to.
        source: folder of the git repository that `bench ab --ref` checks out.
        workloads: "all", or the ids of those it can answer.
    """

    title: Title = ""
    language: Text = "unknown"
    style: Text | None = None
    needs: list[Text] = []
    python: Pythons | None = None
    build: list[Argv] = []
    run: Argv
    env: Env = {}
    ready: UrlPath = "/"
    ready_headers: SentHeaders = {}
    ready_timeout: Duration = 30.0
    version: Argv | None = None
    stop: Stop = Stop()
    memory_limit: Size | None = None
    source: RelativePath = "."
    workloads: WorkloadChoice = "all"

    def serves(self, workload: str) -> bool:
        """Whether the server answers a workload, by its own word."""
        return self.workloads == "all" or workload in self.workloads
