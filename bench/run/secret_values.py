"""Secrets in `env`: not in what a run directory keeps, and read again when a run is resumed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import orjson

from bench.errors import UsageError
from bench.model.secrets import HIDDEN, hidden
from bench.plans.server_files import load_server

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bench.model.plan import Arm, Plan
    from bench.model.server_config import ServerConfig
    from bench.plans.matrix_files import MatrixFile
    from bench.plans.project import Project
    from bench.store.run_directory import RunDirectory

_ANEW: Final = b"# Written anew: the values of secrets in `env` are not kept.\n"


def kept_matrix(matrix: MatrixFile) -> bytes:
    """A matrix as a run directory keeps it: byte by byte, or without the secrets in its `env`.

    The same for such a copy itself.
    """
    data = matrix.document.data
    masked = _masked(data)
    if masked == data:
        return matrix.text
    return _ANEW + orjson.dumps(masked, option=orjson.OPT_INDENT_2) + b"\n"  # JSON is YAML


def _masked(value: Any) -> Any:
    """The document with `***` for secrets in every mapping called `env`."""
    if isinstance(value, list):
        return [_masked(item) for item in value]
    if not isinstance(value, dict):
        return value
    return {
        key: hidden(inner) if key == "env" and isinstance(inner, dict) else _masked(inner)
        for key, inner in value.items()
    }


def same_config(one: ServerConfig, other: ServerConfig) -> bool:
    """Whether two server.yaml say the same, secrets apart: those may change within a run."""
    mine, theirs = (each.replace(env=hidden(each.env)) for each in (one, other))
    return mine == theirs


def with_secrets(plan: Plan, matrix: MatrixFile, directory: RunDirectory, project: Project) -> Plan:
    """The plan of a run on disk with the secrets that the user's files hold now.

    Args:
        plan: as read from plan.json.
        matrix: the user's file, or the run's own copy where that is gone.
        directory: the run.
        project: where the servers are.

    Raises:
        ConfigError: a file that holds a secret has become wrong.
        UsageError: a file that held one is gone, or holds it no longer.
    """
    arms = tuple(_arm(arm, matrix, directory, project) for arm in plan.arms)
    return plan.replace(arms=arms)


def _arm(arm: Arm, matrix: MatrixFile, directory: RunDirectory, project: Project) -> Arm:
    update: dict[str, Any] = {}
    if HIDDEN in arm.config.env.values() and arm.server in project.servers:
        now = load_server(project.servers[arm.server])
        env = _whole(arm.config.env, now.env, directory, f"server.yaml of {arm.server}")
        update["config"] = arm.config.replace(env=env)
    if HIDDEN in arm.env.values():
        own = matrix.path.parent == directory.path  # a copy: it does not hold them either
        found: dict[str, str] = {} if own else _named(matrix).get(arm.name, {})
        update["env"] = _whole(arm.env, found, directory, "the matrix")
    return arm.replace(**update)


def _named(matrix: MatrixFile) -> dict[str, dict[str, str]]:
    """Name of an arm -> the variables that the matrix gives it."""
    config = matrix.checked()
    own = {each.arm: each.env for each in config.servers}
    return own | {each.arm: each.env for each in config.variants}


def _whole(
    env: Mapping[str, str], now: Mapping[str, str], directory: RunDirectory, file: str
) -> dict[str, str]:
    missing = [name for name, value in env.items() if value == HIDDEN and name not in now]
    if missing:
        raise UsageError(
            f"{directory.path.name} cannot be resumed: the value of {', '.join(missing)} stood in "
            f"{file} and no longer does; a run directory does not keep secrets",
            advice="put it back, or start a new run",
        )
    return {name: now[name] if value == HIDDEN else value for name, value in env.items()}
