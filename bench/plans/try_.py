"""`bench try`: a project made of a command line or an address, kept in the cache."""

from __future__ import annotations

import contextlib
import hashlib
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple
from urllib.parse import urlsplit

import orjson

from bench.errors import UsageError
from bench.loadtools import ranked
from bench.loadtools.install.find import choose
from bench.model.fields import arm_name
from bench.model.plan import Arm
from bench.model.server_config import ServerConfig
from bench.model.target import Target
from bench.plans.ab import Contest
from bench.plans.duets import as_choice
from bench.plans.first_answers import Request, first_answers
from bench.plans.matrix_plan import plan_matrix
from bench.plans.overrides import Overrides
from bench.plans.own_answers import own_name
from bench.plans.project import find_project
from bench.plans.try_checks import check_request, told_by_option
from bench.plans.typed_command import check_program, check_typed
from bench.plans.workload_files import load_workload
from bench.plans.yaml.file_rules import PLACEHOLDERS
from bench.servers.environment import verbatim
from bench.store.cache import cache_folder
from bench.store.run_directory import write_atomic
from bench.units import parse_duration

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bench.trial.remote.lab import Lab

_ID: Final = "try"
_NAME_MAX: Final = 20
"""Of an id: with `.own.` and the name of an arm behind it, it is still one."""
_IN_FOLDER: Final = 'cd "$0" && exec "$@"'
"""server.yaml has no working directory of its own: the shell becomes the user's command."""

_LAUNCHERS: Final = frozenset(
    {"python", "python3", "node", "deno", "bun", "npx", "npm", "uv", "uvx", "run", "env", "ruby"}
    | {"go", "cargo", "java", "sh", "bash", "-m", "exec", "pypy3", "poetry", "pnpm", "yarn"}
)


class TryOptions(NamedTuple):
    """What is tried, and how long.

    Attributes:
        commands: argument lists with `{port}`; several are compared, the first is the baseline.
        urls: addresses of servers that run already, without path.
        connections: one load profile for each.
        more_paths: asked besides that of the request, each by itself.
        expect: `first`: what the baseline answers first; `own`: each server its own first
            answer; `status`: the status alone.
        port: the one on which the commands listen, whatever they are given; None = {port}.
    """

    request: Request
    commands: tuple[tuple[str, ...], ...] = ()
    urls: tuple[str, ...] = ()
    connections: tuple[int, ...] = (50,)
    duration: str = "2s"
    warmup: str = "1s"
    rounds: int = 3
    more_paths: tuple[str, ...] = ()
    expect: str = "first"
    port: int | None = None


def split_url(url: str) -> tuple[str, str]:
    """Address and path of a URL on this machine.

    Raises:
        UsageError: not http, no host, or another machine.
    """
    parts, target = urlsplit(""), None
    with contextlib.suppress(ValueError):  # a port beyond 65535, a bracket that is not closed
        parts, target = urlsplit(url), Target.of_url(url)
    if parts.scheme == "https":
        raise UsageError(
            f"--url {url!r}: plain HTTP/1.1 is what is measured, without TLS",
            advice="start the server without a certificate and give its http:// address",
        )
    if parts.scheme != "http" or target is None:
        raise UsageError(f"--url {url!r}: expected an address such as http://127.0.0.1:3000/path")
    if not target.is_local:
        raise UsageError(
            f"--url {url!r}: {target.host} is not this machine",
            advice="never load a server of others; a matrix with `allow_remote: true` may name it",
        )
    path = parts.path or "/"
    return f"http://{target.authority}", f"{path}?{parts.query}" if parts.query else path


def check_sendable(trying: TryOptions) -> None:
    """Refuse what cannot be started on another machine and loaded from a third.

    Raises:
        UsageError: an address in place of a command, or a command without `{host}`.
    """
    if trying.urls:
        raise UsageError("--url with --machines: there `bench` starts every server itself")
    for command in trying.commands:
        if not any("{host}" in word for word in command):
            raise UsageError(
                f"the server is not given its address: {{host}} is not in `{shlex.join(command)}`",
                advice="with --machines the load comes from elsewhere, and 127.0.0.1 cannot be "
                "reached: -- python app.py --host {host} --port {port}, or -- env HOST={host} "
                "PORT={port} node server.js",
            )


def plan_try(trying: TryOptions, folder: Path, lab: Lab | None = None) -> Contest:
    """Ask the first server once, here, write the project and plan it.

    Args:
        trying: what is tried.
        folder: where the commands are run; with a lab what is sent to the server's machine.
        lab: the machines of server and load; None = this one.

    Raises:
        UsageError: a command without `{port}`, or an answer that is not 2xx.
        StartError: the first server does not get ready.
        VerifyError: it does not answer.
    """
    for command in trying.commands:
        check_typed(command)
        if trying.port is None and not any("{port}" in word for word in command):
            raise UsageError(
                f"the server is not given its port: {{port}} is not in `{shlex.join(command)}`",
                advice="such as -- python app.py {port}, or -- env PORT={port} node server.js; "
                "one that has a port of its own: --port 3000",
            )
    for request in _requests(trying).values():
        check_request(request)
    root = cache_folder() / "try" / _digest(trying, folder, sent=lab is not None)
    # Once with any answer: what is wrong with the request is said before a server is started.
    any_answer: dict[str, Any] = {"status": 200}
    _write_workloads(root, trying, dict.fromkeys(_requests(trying), any_answer))
    for name in _requests(trying):
        with told_by_option(f"{name}.yaml"):
            load_workload(root / "configs" / "workloads" / f"{name}.yaml", root)
    arms = _arms(trying, folder, sent=lab is not None)
    for command in trying.commands:
        check_program(command[0], folder)
    expected, notes, plain = _expected(trying, arms)
    _write(root, trying, arms, expected, plain=plain)
    project = find_project(root, root)
    with told_by_option(f"{_ID}.yaml"):
        planned = plan_matrix(project, _ID, Overrides(), lab)
    # Whether any answer makes a server ready is nothing that a server.yaml can say.
    made = tuple(arm.replace(ready_any=arms[0].ready_any) for arm in planned.plan.arms)
    if lab is not None:
        made = tuple(arm.replace(folder=str(folder)) for arm in made)
    plan = planned.plan.replace(arms=made)
    if plan.design == "duet":  # different servers: told by what each does alone
        plan = as_choice(plan, trying.rounds)
    planned = planned._replace(plan=plan)
    return Contest(project, planned, tuple(notes))


def _digest(trying: TryOptions, folder: Path, *, sent: bool) -> str:
    return hashlib.sha256(repr((trying, str(folder), sent)).encode()).hexdigest()[:12]


def _arms(trying: TryOptions, folder: Path, *, sent: bool) -> list[Arm]:
    """The servers; those that are sent to another machine are at home in the folder itself."""
    asked_by_get = trying.request.method == "GET"
    home = str(folder) if sent else "/"
    names: list[str] = []
    arms = []
    for command in trying.commands:
        name = _distinct(_name(command), names)
        words = command if sent else ("/bin/sh", "-c", _IN_FOLDER, str(folder), *command)
        config = ServerConfig(
            title=shlex.join(command)[:200],
            run=[verbatim(word, PLACEHOLDERS) for word in words],
            ready=trying.request.path if asked_by_get else "/",
            ready_headers=_host(trying.request),
            port=trying.port,
        )
        arms.append(
            Arm(name=name, server=name, folder=home, config=config, ready_any=not asked_by_get)
        )
    for url in trying.urls:
        name = _distinct(arm_name(url.removeprefix("http://")), names)
        config = ServerConfig(title=url, run=["-"], ready_headers=_host(trying.request))
        arms.append(Arm(name=name, server=name, folder="", config=config, url=url))
    return arms


def _host(request: Request) -> dict[str, str]:
    """The Host header of a request that has one of its own: readiness is asked with it too."""
    return {name: value for name, value in request.headers.items() if name.lower() == "host"}


def _name(command: Sequence[str]) -> str:
    """`app` for `python app.py {port}`: the first word that says what runs."""
    for word in command:
        plain = Path(word).name
        if plain.rstrip("0123456789.") in _LAUNCHERS or word in _LAUNCHERS:
            continue
        if word.startswith("-") or "{port}" in word or "=" in word:
            continue
        return arm_name(plain.split(":")[0].removesuffix(".py").removesuffix(".js"))
    return "server"


def _distinct(name: str, names: list[str]) -> str:
    """A name that is not taken, entered among the names."""
    count, free = 1, name
    while free in names:
        count += 1
        free = f"{name}-{count}"
    names.append(free)
    return free


def _expected(
    trying: TryOptions, arms: Sequence[Arm]
) -> tuple[dict[str, dict[str, Any]], list[str], bool]:
    """Id of a workload -> the response that every request must get; notes; whether all are plain.

    What the baseline answers first is what all must answer, or its status alone; with `own` each
    server's own first answer is, kept as a workload named after it.
    """
    requests = _requests(trying)
    answered = arms if trying.expect == "own" else arms[:1]
    expected: dict[str, dict[str, Any]] = {}
    notes: list[str] = []
    plain = True
    for arm in answered:
        for name, found in first_answers(arm, requests).items():
            whole = (
                {"status": found.expect["status"]} if trying.expect == "status" else found.expect
            )
            expected.setdefault(name, whole)
            if trying.expect == "own":
                expected[own_name(name, arm.name)] = whole
            notes += found.notes if trying.expect != "status" else []
            plain = plain and found.plain
    return expected, list(dict.fromkeys(notes)), plain


def _requests(trying: TryOptions) -> dict[str, Request]:
    """Id of a workload -> what is asked: `try`, or one for each of several paths."""
    first = trying.request
    names: list[str] = []
    paths = (first.path, *trying.more_paths)
    if len(paths) == 1:
        return {_ID: first}
    return {
        _distinct(
            f"path-{arm_name(path)[:_NAME_MAX]}" if path != "/" else "path-root", names
        ): first._replace(path=path)
        for path in paths
    }


def _write(
    root: Path,
    trying: TryOptions,
    arms: Sequence[Arm],
    expected: dict[str, dict[str, Any]],
    *,
    plain: bool = True,
) -> None:
    """The project: what the user would have written."""
    for arm in arms:
        if arm.url is None:
            config: dict[str, Any] = {"title": arm.config.title, "run": arm.config.run}
            config |= {"ready": arm.config.ready, "ready_headers": arm.config.ready_headers}
            if arm.config.port is not None:
                config["port"] = arm.config.port
            _put(root / "servers" / arm.name / "server.yaml", config)
    (root / "servers").mkdir(parents=True, exist_ok=True)
    _write_workloads(root, trying, expected)
    matrix = _matrix(trying, arms, list(_requests(trying)), plain=plain)
    _put(root / "configs" / f"{_ID}.yaml", matrix)


def _write_workloads(root: Path, trying: TryOptions, expected: dict[str, dict[str, Any]]) -> None:
    requests = _requests(trying)
    for name, expect in expected.items():
        request = requests[name.partition(".own.")[0]]
        title = f"{request.method} {request.path}"
        entry = _entry(root, request) | {"expect": expect}
        _put(root / "configs" / "workloads" / f"{name}.yaml", {"title": title, "requests": [entry]})


def _entry(root: Path, request: Request) -> dict[str, Any]:
    """The request as a workload has it."""
    entry: dict[str, Any] = {"method": request.method, "path": request.path}
    if request.headers:
        entry["headers"] = request.headers
    if request.body:
        write_atomic(root / "configs" / "bodies" / "body", request.body)
        entry["body"] = {"file": "../bodies/body"}
    return entry


def _matrix(
    trying: TryOptions, arms: Sequence[Arm], workloads: list[str], *, plain: bool
) -> dict[str, Any]:
    seconds = [parse_duration(text) for text in (trying.duration, trying.warmup)]
    title = f"{trying.request.method} {' and '.join((trying.request.path, *trying.more_paths))}"
    load = {
        "tool": choose("closed", seconds, plain=plain) or ranked("closed", seconds, plain=plain)[0],
        "warmup": trying.warmup,
        "duration": trying.duration,
    }
    together = len(arms) > 1 and not trying.urls
    return {
        "title": f"{title}: {' against '.join(arm.name for arm in reversed(arms))}",
        "servers": [
            {"url": arm.url, "as": arm.name} if arm.url else {"id": arm.name} for arm in arms
        ],
        "workloads": workloads,
        "profiles": [{**load, "connections": count} for count in trying.connections],
        "rounds": trying.rounds,
        "baseline": arms[0].name,
        "design": "duet" if together else "blocks",
    }


def _put(path: Path, document: dict[str, Any]) -> None:
    write_atomic(path, orjson.dumps(document, option=orjson.OPT_INDENT_2))  # JSON is YAML
