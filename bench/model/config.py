"""What users write: matrix, workload and server files, checked key by key.

Durations are seconds, sizes are bytes, shares are fractions once they are here.
Keys are named as in the files; see docs/formats.md for what each one means.
"""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Field, JsonValue, model_validator

from bench.model.base import Model
from bench.units import parse_duration, parse_percent, parse_size

_ID = re.compile(r"[a-z0-9][a-z0-9._-]*")
_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_METHOD = re.compile(r"[A-Z]{1,16}")


def _identifier(text: str) -> str:
    if not _ID.fullmatch(text) or ".." in text:
        raise ValueError("expected lower-case letters, digits, '-', '_' or '.', such as json-small")
    return text


def _duration(value: Any) -> Any:
    return parse_duration(value)


def _positive_duration(value: float) -> float:
    if not value > 0:
        raise ValueError("expected a duration above 0s")
    return value


def _rate(value: Any) -> Any:
    """`2000` stays a number of requests per second, `50%` becomes a Share."""
    if isinstance(value, str) and value.strip().endswith("%"):
        return {"share": parse_percent(value)}
    if isinstance(value, bool) or not isinstance(value, int | float) or not value > 0:
        raise ValueError("expected requests per second such as 2000, or a share such as 50%")
    return {"rps": float(value)}


def _cpus(value: Any) -> Any:
    if value == "auto":
        return None
    if isinstance(value, bool) or not isinstance(value, int | list):
        raise ValueError("expected auto, a number of CPUs or a list such as [0, 1]")
    return value


def _no_control(text: str) -> str:
    if any(ord(char) < 0x20 or ord(char) == 0x7F for char in text):  # noqa: PLR2004 - ASCII control characters
        raise ValueError("expected text without control characters (no line breaks)")
    return text


def _header_name(text: str) -> str:
    if not _HEADER_NAME.fullmatch(text):
        raise ValueError("expected a header name such as content-type")
    return text


def _method(text: str) -> str:
    if not _METHOD.fullmatch(text):
        raise ValueError("expected an HTTP method in capitals such as GET or POST")
    return text


def _path(text: str) -> str:
    if not text.startswith("/") or " " in text:
        raise ValueError("expected a path that starts with / and has no blanks")
    return _no_control(text)


def _relative(text: str) -> str:
    if not text or text.startswith(("/", "~")):
        raise ValueError("expected a path relative to this file")
    return _no_control(text)


Identifier = Annotated[str, AfterValidator(_identifier)]
Duration = Annotated[float, BeforeValidator(_duration), AfterValidator(_positive_duration)]
Warmup = Annotated[float, BeforeValidator(_duration)]
Size = Annotated[int, BeforeValidator(parse_size), Field(gt=0)]
Percent = Annotated[float, BeforeValidator(parse_percent), Field(gt=0, lt=1)]
Text = Annotated[str, AfterValidator(_no_control), Field(min_length=1)]
Headers = dict[
    Annotated[str, AfterValidator(_header_name)], Annotated[str, AfterValidator(_no_control)]
]
Env = dict[Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")], Text]
UrlPath = Annotated[str, AfterValidator(_path)]
RelativePath = Annotated[str, AfterValidator(_relative)]
Argv = Annotated[list[Text], Field(min_length=1)]
CpuChoice = Annotated[
    Annotated[int, Field(ge=1)]
    | Annotated[list[Annotated[int, Field(ge=0)]], Field(min_length=1)]
    | None,
    BeforeValidator(_cpus),
]


class Rate(Model):
    """An offered rate: requests per second, or a share of the slowest server's capacity."""

    rps: float | None = None
    share: float | None = Field(default=None, gt=0, le=1)


class ProfileConfig(Model):
    """A load profile as written: tool, loop, connections or rate, warm-up, window."""

    id: Identifier | None = None
    tool: Literal["wrk", "oha"] = "wrk"
    loop: Literal["closed", "open"] = "closed"
    connections: int = Field(default=50, ge=1, le=100_000)
    rate: Annotated[Rate | None, BeforeValidator(lambda v: None if v is None else _rate(v))] = None
    processes: Annotated[
        Annotated[int, Field(ge=1, le=1024)] | None,
        BeforeValidator(lambda v: None if v == "auto" else v),
    ] = None
    warmup: Warmup = 2.0
    duration: Duration = 10.0
    timeout: Duration = 10.0


class ServerRef(Model):
    """A server in a matrix: its id, and for a second arm another name and environment."""

    id: Identifier
    name: Identifier | None = Field(default=None, alias="as")
    env: Env = {}
    url: Text | None = None


class Exclude(Model):
    """Cells to leave out; a missing key matches all."""

    server: Text | None = None
    workload: Text | None = None
    profile: Text | None = None


class MatrixConfig(Model):
    """What to combine: servers x workloads x profiles, and how often."""

    title: Text
    servers: Annotated[list[Identifier | ServerRef], Field(min_length=1)]
    workloads: Annotated[list[Identifier], Field(min_length=1)]
    profiles: Annotated[list[ProfileConfig], Field(min_length=1)] = [ProfileConfig()]
    rounds: int = Field(default=5, ge=1, le=100)
    precision: Percent | None = None
    max_rounds: int = Field(default=12, ge=1, le=100)
    baseline: Identifier | None = None
    margin: Percent = 0.02
    server_cpus: CpuChoice = None
    load_cpus: CpuChoice = None
    seed: int | None = Field(default=None, ge=0, le=2**53)
    design: Literal["blocks", "duet"] = "blocks"
    exclude: list[Exclude] = []
    ceiling: bool = False
    allow_remote: bool = False


class Generator(Model):
    """How the values of one `{NAME}` are drawn: exactly one of `int` and `choice`."""

    int_range: tuple[int, int] | None = Field(default=None, alias="int")
    choice: Annotated[list[str | int], Field(min_length=1)] | None = None

    @model_validator(mode="after")
    def _one(self) -> Self:
        if (self.int_range is None) == (self.choice is None):
            raise ValueError("expected either int: [low, high] or choice: [a, b]")
        if self.int_range and self.int_range[0] > self.int_range[1]:
            raise ValueError("expected int: [low, high] with low <= high")
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


class Expect(Model):
    """The response that a request must get; `json` is compared by meaning."""

    status: int = Field(default=200, ge=100, le=599)
    json_value: JsonValue = Field(default=None, alias="json")
    text: str | None = None
    headers: Headers = {}

    @property
    def has_json(self) -> bool:
        """Whether a JSON value is expected at all (null is a value)."""
        return "json_value" in self.model_fields_set


class RequestConfig(Model):
    """One kind of request in a workload."""

    weight: int = Field(default=1, ge=1, le=10_000)
    method: Annotated[str, AfterValidator(_method)] = "GET"
    path: UrlPath
    headers: Headers = {}
    body: BodyConfig | None = None
    values: dict[Annotated[str, Field(pattern=r"^[a-z_][a-z0-9_]*$")], Generator] = {}
    expect: Expect = Expect()


class WorkloadConfig(Model):
    """The requests of a workload, and the response that each must get."""

    title: Text
    requests: Annotated[list[RequestConfig], Field(min_length=1, max_length=100)]
    lua: RelativePath | None = None


class Stop(Model):
    """How a server is asked to stop, and how long it has before it is killed."""

    signal: Literal["SIGTERM", "SIGINT", "SIGQUIT", "SIGHUP", "SIGKILL"] = "SIGTERM"
    grace: Duration = 1.0


class ServerConfig(Model):
    """How a server is built, started, recognised as ready, and stopped."""

    title: Text
    language: Text = "unknown"
    style: Text | None = None
    needs: list[Text] = []
    python: Text | None = None
    build: list[Argv] = []
    run: Argv
    env: Env = {}
    ready: UrlPath = "/"
    ready_timeout: Duration = 30.0
    version: Argv | None = None
    stop: Stop = Stop()
    memory_limit: Size | None = None
    source: Text = "."
    workloads: Literal["all"] | Annotated[list[Identifier], Field(min_length=1)] = "all"
