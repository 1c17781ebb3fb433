"""`bench try`: a project made of a command line or an address, kept in the cache."""

from __future__ import annotations

import contextlib
import hashlib
import json
import random
import re
import shlex
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple
from urllib.parse import urlsplit

import orjson

from bench.errors import UsageError, VerifyError
from bench.host import local_topology
from bench.host.cpu_split import split
from bench.loadtools import ranked
from bench.loadtools.install.find import choose
from bench.model.fields import arm_name
from bench.model.plan import Arm
from bench.model.server_config import ServerConfig
from bench.model.target import Target
from bench.model.workload_config import Expect
from bench.plans.ab import Contest
from bench.plans.matrix_plan import plan_matrix
from bench.plans.overrides import Overrides
from bench.plans.project import find_project
from bench.plans.typed_command import check_program, check_typed
from bench.plans.workload_files import load_workload
from bench.process import SupervisorClient
from bench.servers import serving
from bench.store.cache import cache_folder
from bench.store.run_directory import write_atomic
from bench.trial.verify import HttpResponse, ask
from bench.units import parse_duration
from bench.workload.json_equal import is_json_type
from bench.workload.requests import Rendered

if TYPE_CHECKING:
    from collections.abc import Sequence

_ID: Final = "try"
_KEPT_BODY: Final = 100_000
_IN_FOLDER: Final = 'cd "$0" && exec "$@"'
"""server.yaml has no working directory of its own: the shell becomes the user's command."""

_NOT_YET: Final = 503
"""What servers answer that have not finished starting (RFC 9110, 15.6.4)."""
_POLL_S: Final = 0.05
_NO_BODY: Final = ("HEAD", "CONNECT")
_LAUNCHERS: Final = frozenset(
    {"python", "python3", "node", "deno", "bun", "npx", "npm", "uv", "uvx", "run", "env", "ruby"}
    | {"go", "cargo", "java", "sh", "bash", "-m", "exec", "pypy3", "poetry", "pnpm", "yarn"}
)


class Request(NamedTuple):
    """What is sent."""

    path: str
    method: str = "GET"
    headers: dict[str, str] = {}
    body: bytes = b""


class TryOptions(NamedTuple):
    """What is tried, and how long.

    Attributes:
        commands: argument lists with `{port}`; several are compared, the first is the baseline.
        urls: addresses of servers that run already, without path.
        port: the one on which the commands listen, whatever they are told; None = {port}.
    """

    request: Request
    commands: tuple[tuple[str, ...], ...] = ()
    urls: tuple[str, ...] = ()
    connections: int = 50
    duration: str = "2s"
    warmup: str = "1s"
    rounds: int = 3
    port: int | None = None


def split_url(url: str) -> tuple[str, str]:
    """Address and path of a URL on this machine.

    Raises:
        UsageError: not http, no host, or another machine.
    """
    parts, target = urlsplit(""), None
    with contextlib.suppress(ValueError):  # a port beyond 65535, a bracket that is not closed
        parts, target = urlsplit(url), Target.of_url(url)
    if parts.scheme != "http" or target is None:
        raise UsageError(f"--url {url!r}: expected an address such as http://127.0.0.1:3000/path")
    if not target.is_local:
        raise UsageError(
            f"--url {url!r}: {target.host} is not this machine",
            advice="never load a server of others; a matrix with `allow_remote: true` may name it",
        )
    path = parts.path or "/"
    return f"http://{target.authority}", f"{path}?{parts.query}" if parts.query else path


def plan_try(trying: TryOptions, folder: Path) -> Contest:
    """Ask the first server once, write the project and plan it.

    Args:
        trying: what to measure.
        folder: where the commands are run.

    Raises:
        UsageError: a command without `{port}`, or an answer that is not 2xx.
        StartError: the first server does not get ready.
        VerifyError: it does not answer.
    """
    for command in trying.commands:
        check_typed(command)
        if trying.port is None and not any("{port}" in word for word in command):
            raise UsageError(
                f"the server is not told its port: {{port}} is not in `{shlex.join(command)}`",
                advice="such as -- python app.py {port}, or -- env PORT={port} node server.js; "
                "one that has a port of its own: --port 3000",
            )
    _check_request(trying.request)
    arms = _arms(trying, folder)
    root = cache_folder() / "try" / _digest(trying, folder)
    # Once with any answer: what is wrong with the request is said before a server is started.
    _write(root, trying, arms, {"status": 200})
    load_workload(root / "configs" / "workloads" / f"{_ID}.yaml", root)
    for command in trying.commands:
        check_program(command[0], folder)
    expect, notes = _expected(arms[0], trying.request)
    _write(root, trying, arms, expect)
    project = find_project(root, root)
    planned = plan_matrix(project, _ID, Overrides())
    # Whether any answer makes a server ready is nothing that a server.yaml can say.
    ready = {"ready_any": arms[0].ready_any}
    made = tuple(arm.model_copy(update=ready) for arm in planned.plan.arms)
    planned = planned._replace(plan=planned.plan.model_copy(update={"arms": made}))
    return Contest(project, planned, tuple(notes))


def _check_request(request: Request) -> None:
    path = request.path
    plain = path.isascii() and path.isprintable() and not set(path) & set(" {}#")
    if not path.startswith("/") or not plain:
        raise UsageError(
            f"--path {path!r}: expected a path such as /users?id=5",
            advice="other characters as %XX: %20 for a space",
        )
    if not re.fullmatch(r"[A-Z]{1,16}", request.method) or request.method in _NO_BODY:
        raise UsageError(
            f"--method {request.method!r}: expected one that is answered with a body, such as POST",
        )


def _digest(trying: TryOptions, folder: Path) -> str:
    return hashlib.sha256(repr((trying, str(folder))).encode()).hexdigest()[:12]


def _arms(trying: TryOptions, folder: Path) -> list[Arm]:
    asked_by_get = trying.request.method == "GET"
    names: list[str] = []
    arms = []
    for command in trying.commands:
        name = _distinct(_name(command), names)
        config = ServerConfig(
            title=shlex.join(command)[:200],
            run=["/bin/sh", "-c", _IN_FOLDER, str(folder), *command],
            ready=trying.request.path if asked_by_get else "/",
            ready_headers=_host(trying.request),
            port=trying.port,
        )
        arms.append(
            Arm(name=name, server=name, folder="/", config=config, ready_any=not asked_by_get)
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


def _expected(arm: Arm, request: Request) -> tuple[dict[str, Any], list[str]]:
    """What the first server answers, twice: the response that every request must get."""
    with SupervisorClient() as supervisor, tempfile.TemporaryDirectory(prefix="bench-") as scratch:
        cpus = split(local_topology(), None, None)
        log = Path(scratch, "server.log")
        # Any answer will do: a wrong path is told at once, not after all the time of a slow start.
        probed = arm.model_copy(update={"ready_any": True})
        with serving(probed, cpus, supervisor, random.SystemRandom(), log) as server:
            rendered = Rendered(0, *request_parts(request), Expect())
            deadline = time.monotonic() + arm.config.ready_timeout
            while (first := ask(server.target, rendered)).status == _NOT_YET:
                if time.monotonic() > deadline:
                    break
                time.sleep(_POLL_S)
            second = ask(server.target, rendered)
    for answer in (first, second):
        if not 200 <= answer.status < 300:  # noqa: PLR2004 - 2xx
            raise VerifyError(
                f"{arm.name} answered {request.method} {request.path} with {answer.status}: "
                f"{answer.body[:200].decode('utf-8', 'replace')}",
                advice="is it the right --path, --method, --body and --header?",
            )
    return expectation(first, second)


def request_parts(request: Request) -> tuple[str, str, dict[str, str], bytes]:
    """Method, path, headers and body, in the order of `Rendered`."""
    return request.method, request.path, request.headers, request.body


def expectation(first: HttpResponse, second: HttpResponse) -> tuple[dict[str, Any], list[str]]:
    """What two answers to the same request have in common, and what must be said of it."""
    status: dict[str, Any] = {"status": first.status}
    if first.body != second.body or first.status != second.status:
        why = "two answers differ: only the status is checked"
        return status, [why]
    if len(first.body) > _KEPT_BODY:
        return status, ["the answer is large: only the status is checked"]
    try:
        text = first.body.decode()
    except UnicodeDecodeError:
        return status, ["the answer is no text: only the status is checked"]
    if is_json_type(first.headers.get("content-type", "")):
        value = _json(text)
        if value is not None and not _braces(value):
            return status | {"json": value}, []
    if re.search(r"\{[^{}]*\}", text):
        return status, ["the answer has {...} in it: only the status is checked"]
    return status | {"text": text}, []


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _braces(value: Any) -> bool:
    """Whether a text in a JSON value would be read as a placeholder."""
    if isinstance(value, str):
        return "{" in value
    if isinstance(value, dict):
        return any(_braces(key) or _braces(inner) for key, inner in value.items())
    return isinstance(value, list) and any(map(_braces, value))


def _write(root: Path, trying: TryOptions, arms: Sequence[Arm], expect: dict[str, Any]) -> None:
    """The project: what the user would have written."""
    for arm in arms:
        if arm.url is None:
            config: dict[str, Any] = {"title": arm.config.title, "run": arm.config.run}
            config |= {"ready": arm.config.ready, "ready_headers": arm.config.ready_headers}
            if arm.config.port is not None:
                config["port"] = arm.config.port
            _put(root / "servers" / arm.name / "server.yaml", config)
    (root / "servers").mkdir(parents=True, exist_ok=True)
    request = trying.request
    entry: dict[str, Any] = {"method": request.method, "path": request.path}
    if request.headers:
        entry["headers"] = request.headers
    if request.body:
        write_atomic(root / "configs" / "bodies" / "body", request.body)
        entry["body"] = {"file": "../bodies/body"}
    entry["expect"] = expect
    title = f"{request.method} {request.path}"
    _put(root / "configs" / "workloads" / f"{_ID}.yaml", {"title": title, "requests": [entry]})
    _put(root / "configs" / f"{_ID}.yaml", _matrix(trying, arms, title))


def _matrix(trying: TryOptions, arms: Sequence[Arm], title: str) -> dict[str, Any]:
    seconds = [parse_duration(text) for text in (trying.duration, trying.warmup)]
    profile = {
        "tool": choose("closed", seconds) or ranked("closed", seconds)[0],
        "connections": trying.connections,
        "warmup": trying.warmup,
        "duration": trying.duration,
    }
    together = len(trying.commands) > 1
    return {
        "title": f"{title}: {' against '.join(arm.name for arm in reversed(arms))}",
        "servers": [
            {"url": arm.url, "as": arm.name} if arm.url else {"id": arm.name} for arm in arms
        ],
        "workloads": [_ID],
        "profiles": [profile],
        "rounds": trying.rounds,
        "baseline": arms[0].name,
        "design": "duet" if together else "blocks",
    }


def _put(path: Path, document: dict[str, Any]) -> None:
    write_atomic(path, orjson.dumps(document, option=orjson.OPT_INDENT_2))  # JSON is YAML
