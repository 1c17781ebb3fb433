"""What users write: server.yaml, checked key by key; see bench.model.config."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Final, Literal

from pydantic import BeforeValidator, Field

from bench.model import field_schemas
from bench.model.base import Model
from bench.model.fields import (
    Argv,
    Duration,
    Env,
    Identifier,
    Pythons,
    RelativePath,
    SentHeaders,
    Size,
    Text,
    Title,
    UrlPath,
    Whole,
    WorkloadChoice,
)
from bench.model.http_protocol import HttpProtocol

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable


CEILING: Final = "ceiling"
"""The server that comes with bench and does almost nothing: what machine and load tool reach."""


def _services(value: Any) -> Any:
    """`[postgres]`, or `{postgres: [db-read]}`, as a mapping with `all` or workloads."""
    listed = isinstance(value, list) and all(isinstance(one, str) for one in value)
    named = dict.fromkeys(value, "all") if listed else value
    if not isinstance(named, dict) or not named.keys() <= {"postgres"}:
        raise ValueError("expected [postgres], or {postgres: [db-read]} for some workloads only")
    return named


Services = Annotated[dict[str, WorkloadChoice], BeforeValidator(_services), field_schemas.SERVICES]


class Stop(Model):
    """How a server is asked to stop, and how long it has before it is killed.

    Attributes:
        signal: that asks it to end.
        grace: after which it is killed.
    """

    signal: Literal["SIGTERM", "SIGINT", "SIGQUIT", "SIGHUP", "SIGKILL"] = "SIGTERM"
    grace: Duration = 1.0


class ServerConfig(Model):
    """A **server**, an implementation under test: how it is built, started, ready and stopped.

    Attributes:
        title: shown in reports. Default: the folder's name.
        language: shown in reports.
        style: shown in reports.
        needs: executables; where one is missing the server is skipped and the report says so.
        python: which interpreter `{python}` may be, such as `">=3.11,<3.14"` or `"~=3.11.2"`,
            as in `requires-python` of a Python package (`"==3.12.*"` for any 3.12).
        build: commands, run once for each state of the folder; uv compiles what it installs, as
            pip does.
        run: starts the server in the foreground, on `{host}` and `{port}`. `{host}` is 127.0.0.1,
            or with `--machines` the address named there; without those 127.0.0.1 or ::1 may be
            written. In `run` and `env` `{protocol}` is what it is to speak, `{cert}` and `{key}`
            are PEM files made for the run where that has TLS and empty texts where not, `{resume}`
            is `true`, or `false` where it is to take up no TLS session again.
        protocols: what it can speak, of `http`, `https`, `h2` and `h2c`.
        port: the one port of a server that cannot be given another; `{port}` is then not needed.
            On Linux it runs in a network namespace of its own, together with its load (not with
            `--machines`). Default: none, `bench` chooses.
        env: variables for build, run and version; those that a matrix adds are for run alone.
        ready: a path that answers 2xx when the server is ready.
        ready_headers: sent when `ready` is asked; a server that answers only to its name needs
            `{host: shop.example.org}` here and in `headers` of the workload. Default: none.
        ready_timeout: how long it may take until then.
        version: a command that prints the framework's version.
        stop: how it is asked to end, and when it is killed.
        memory_limit: such as `4GB`.
        source: the folder of the git repository that `bench ab --ref` checks out.
        workloads: `all`, or the ids of those it can answer.
        cannot: workloads that it cannot answer, each with the reason: `{stream: "no streams"}`.
            Default: none.
        services: `[postgres]`: a PostgreSQL is started before it, with a table `items`, and its
            address replaces `{postgres_url}`; it shall keep `{postgres_pool}` connections, over
            all of its processes. `{postgres: [db-read]}`: only for these workloads. Default: none.
    """

    title: Title = ""
    language: Text = "unknown"
    style: Text | None = None
    needs: list[Text] = []
    python: Pythons | None = None
    build: list[Argv] = []
    run: Argv
    protocols: list[HttpProtocol] = Field(default=["http"], min_length=1)
    port: Whole | None = Field(default=None, ge=1, le=65535)
    env: Env = {}
    ready: UrlPath = "/"
    ready_headers: SentHeaders = {}
    ready_timeout: Duration = 30.0
    version: Argv | None = None
    stop: Stop = Stop()
    memory_limit: Size | None = None
    source: RelativePath = "."
    workloads: WorkloadChoice = "all"
    cannot: dict[Identifier, Text] = {}
    services: Services = {}

    def serves(self, workload: str) -> bool:
        """Whether the server answers a workload, by its own word."""
        listed = self.workloads == "all" or workload in self.workloads
        return listed and workload not in self.cannot

    def served(self, known: Iterable[str]) -> list[str]:
        """Those that it answers, in their order in server.yaml; with `all` those of `known`."""
        names = known if self.workloads == "all" else self.workloads
        return [name for name in names if self.serves(name)]

    def wants_database(self, asked: Collection[str] | None) -> bool:
        """Whether it needs a PostgreSQL for one of the workloads; None = whatever it is asked."""
        wanted = self.services.get("postgres", ())
        return wanted == "all" or any(name in wanted for name in asked or ())

    def is_told(self, name: str) -> bool:
        """Whether the placeholder `{name}` stands in `run` or `env`."""
        return any(f"{{{name}}}" in text for text in (*self.run, *self.env.values()))
