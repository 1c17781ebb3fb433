"""Plans that `bench` makes itself: the noise floor of a server, and what the load tools reach."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any, Final

import orjson

from bench.errors import ConfigError, UsageError
from bench.host import local_topology
from bench.host.cpu_split import split
from bench.model.server_config import CEILING
from bench.plans.matrix_plan import plan_matrix
from bench.plans.overrides import Overrides
from bench.plans.server_files import load_server
from bench.store.cache import cache_folder
from bench.store.run_directory import write_atomic

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bench.plans.matrix_plan import Planned
    from bench.plans.project import Project
    from bench.trial.remote.lab import Lab

_NO_OPTIONS: Final[Mapping[str, str]] = {}
_NOISE_ROUNDS: Final = 5
_CEILING_ROUNDS: Final = 3
_CONNECTIONS: Final = 50
_WINDOW: Final = {"warmup": "1s", "duration": "2s"}
PREFERRED: Final = ("json-small", "plaintext")
"""Workloads that a server is asked where nobody names any, the best first."""


def plan_document(
    project: Project,
    name: str,
    document: dict[str, Any],
    options: Mapping[str, str] = _NO_OPTIONS,
    *,
    lab: Lab | None = None,
) -> Planned:
    """Plan a matrix that is not a file of the user.

    It is kept in the cache, so that a run of it can be resumed.

    Args:
        project: where ids are looked up.
        name: of the file in the cache.
        document: the matrix.
        options: key of the matrix -> the option that it came from, which a problem then names.
        lab: the machines of server and load; None = this one.

    Raises:
        ConfigError: the document is wrong, or a file that it names.
        UsageError: the same where `options` say what the user wrote.
    """
    path = cache_folder() / "matrices" / f"{name}.yaml"
    write_atomic(path, orjson.dumps(document, option=orjson.OPT_INDENT_2))  # JSON is YAML
    try:
        return plan_matrix(project, str(path), Overrides(), lab)
    except ConfigError as error:
        raise by_option(error, path.name, options) from None


def digest_of(content: object) -> str:
    """Tells matrices of one kind apart by what is in them."""
    return hashlib.sha256(repr(content).encode()).hexdigest()[:8]


def by_option(
    error: ConfigError, file: str, options: Mapping[str, str]
) -> ConfigError | UsageError:
    """The same problems, named by option: the user did not write the file.

    Args:
        error: what is wrong.
        file: name of the file that `bench` wrote; problems of others stay as they are.
        options: key of the file -> the option that it came from.
    """
    if not options or not any(problem.file.endswith(file) for problem in error.problems):
        return error
    said = []
    for problem in error.problems:
        if not problem.file.endswith(file):
            said.append(str(problem))
            continue
        parts = (part.partition("[")[0] for part in problem.key.split("."))
        option = next((options[part] for part in parts if part in options), "")
        advice = f" ({problem.advice})" if problem.advice else ""
        said.append(f"{option}{': ' if option else ''}{problem.message}{advice}")
    return UsageError("\n".join(dict.fromkeys(said)))


def plan_noise(project: Project, server: str) -> Planned:
    """Two copies of one server: what they differ by is the noise floor of this machine.

    Raises:
        UsageError: there is no such server.
    """
    workload = _workload(project, server)
    document = {
        "title": f"Noise floor: two copies of {server}",
        "servers": [server, {"id": server, "as": f"{server}-again"}],
        "workloads": [workload],
        "profiles": [{"connections": _CONNECTIONS, **_WINDOW}],
        "rounds": _NOISE_ROUNDS,
    }
    return plan_document(project, f"noise-{server}", document)


def plan_ceiling(project: Project) -> Planned:
    """The ceiling server under 1 to n load processes: what machine and tool allow at most.

    Raises:
        UsageError: there is no ceiling server.
    """
    workload = _workload(project, CEILING)
    most = split(local_topology(), None, None).load_count
    counts = sorted({1, most, *(n for n in (2, 4, 8, 16) if n < most)})
    document = {
        "title": "Ceiling: what the load tool reaches",
        "servers": [CEILING],
        "workloads": [workload],
        "profiles": [
            {
                "id": f"{count}-process{'es' if count > 1 else ''}",
                "connections": max(_CONNECTIONS, count),
                "processes": count,
                **_WINDOW,
            }
            for count in counts
        ],
        "rounds": _CEILING_ROUNDS,
    }
    return plan_document(project, "ceiling", document)


def _workload(project: Project, server: str) -> str:
    if server not in project.servers:
        raise UsageError(f"there is no server {server!r}", advice="`bench list servers` shows them")
    names = load_server(project.servers[server]).served(sorted(project.workloads))
    for name in (*PREFERRED, *names):
        if name in names:
            return name
    raise UsageError(f"{server} serves no workload of this project")
