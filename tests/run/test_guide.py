"""Every command of docs/own-server.md, in a small repository of the kind it is meant for."""

from __future__ import annotations

import os
import re
import shlex
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import pytest

from bench.errors import EXIT_UNFIT
from tests.run import small_repositories as kinds
from tests.run.helpers import wait_until
from tests.servers import ground_truth

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_ROOT = Path(__file__).parents[2]
_GUIDE = _ROOT / "docs" / "own-server.md"
_SHORT = ("--duration", "200ms", "--warmup", "0s", "--connections", "4")
# Those that are run to their end must give a result beside other work too.
_TRY = ("--duration", "1s", *_SHORT[2:], "--rounds", "1")
_AB = (*_SHORT, "--max-time", "1s", "--detect", "90%")
_TWO = "ratio [95 % interval]"


class Case(NamedTuple):
    """A command of the guide.

    Attributes:
        line: as it stands there, without its comment.
        kind: makes the repository.
        more: options for short windows.
        said: part of what it prints.
        others: what the reader would put in its place: word -> word.
        whole: run to its end; otherwise until measuring begins, when everything has been built,
            started and asked (tests/run/test_own.py: what `ab` and `try` answer at their end).
    """

    line: str
    kind: Callable[[Path], None]
    more: tuple[str, ...]
    said: str
    others: dict[str, str] = {}
    whole: bool = True


_ALONE = (
    Case("bench setup", kinds.scripts, ("--dry-run",), "wrk"),
    Case("bench doctor", kinds.scripts, (), "CPU"),
    Case(
        "bench try --path / -- env PORT={port} node server.js",
        kinds.scripts, _TRY, "requests/s",
    ),
    Case("bench try --url http://127.0.0.1:3000/", kinds.scripts, _TRY, "was running already"),
    Case("bench init --ci", kinds.service, (), "bench.yml"),
)  # fmt: skip
_BEGUN = tuple(
    case._replace(whole=False)
    for case in (
        Case(
            "bench try -- env PORT={port} node a.js --and env PORT={port} node b.js",
            kinds.scripts, _TRY, " r01-",
        ),
        Case("bench try --port 3000 -- node server.js", kinds.scripts, _TRY, "r01-server.try"),
        Case("bench ab mine --ref main --ref my-branch", kinds.service, _AB, "my-branch: rounds"),
        Case(
            "bench try --expect own --path / --path /users/5 --connections 10 --connections 50 "
            "-- env PORT={port} node a.js --and env PORT={port} node b.js",
            kinds.scripts, _TRY[:4], ".path-", {"50": "4", "b.js": "b.js ho"},
        ),
        Case("bench ab mine --worktree", kinds.service, _AB, "head, head-again, worktree"),
        Case("bench ab mine --ref main --ref v1 --ref v2", kinds.service, _AB, "v1, v2"),
        Case(
            "bench ab mine --with fastapi==0.115.0 --with fastapi==0.116.0",
            kinds.service, _AB, "tinyweb-1.0.0, tinyweb-1.0.0-again, tinyweb-1.1.0",
            {"fastapi==0.115.0": "tinyweb==1.0.0", "fastapi==0.116.0": "tinyweb==1.1.0"},
        ),
        Case(
            "bench ab mine --with fastapi --releases 2",
            kinds.node_service, _AB, "tinyweb-1.0.0, tinyweb-1.0.0-again, tinyweb-1.1.0",
            {"fastapi": "tinyweb"},
        ),
        Case("bench ab mine --releases 2", kinds.service, _AB, "v1.0, v1.0-again, v2.0"),
        Case("bench ab mine --env THREADS=1 --env THREADS=2", kinds.service, _AB, "threads-2"),
        Case(
            "bench ab axum fastapi", kinds.service, _AB, "mine, mine-again, other",
            {"axum": "mine", "fastapi": "other"},
        ),
        Case(
            "bench ab mine --ref main --ref my-branch --design blocks",
            kinds.service, _AB, "main, my-branch",
        ),
        Case(
            "bench ab mine --ref main --ref my-branch --fail-on slower --markdown > answer.md",
            kinds.service, _AB, "main, main-again, my-branch",
        ),
    )
)  # fmt: skip
_FIRST = (
    Case("bench init", kinds.package, (), "it runs: GET / was answered with 200"),
    Case("bench validate", kinds.package, (), "no problems"),
    Case("bench verify mine", kinds.package, (), "ok  GET /"),
    Case("bench run first", kinds.package, _TRY, "mine answered"),
    Case("bench serve mine", kinds.package, (), "http://127.0.0.1:"),
    Case("bench show latest", kinds.package, (), "r01-mine.mine"),
)
_FRAMEWORK = (
    Case("bench init", kinds.node_library, (), "koa is a library"),
    Case("bench ab mine --releases 2", kinds.node_library, _AB, "v1.0.0, v1.0.0-again, v1.1.0"),
    Case("bench ab mine --worktree", kinds.node_library, _AB, "head, head-again, worktree"),
)


def _commands() -> list[str]:
    """The lines of the guide's blocks for a shell that call `bench`, without comments."""
    blocks = re.findall(r"^```sh\n(.*?)^```", _GUIDE.read_text(), re.MULTILINE | re.DOTALL)
    lines = [re.split(r"\s+#", line)[0] for block in blocks for line in block.splitlines()]
    return [line for line in lines if line.startswith("bench ")]


@pytest.fixture(scope="module")
def env(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """The environment of a user with a cache of its own, and registries that hold one package."""
    made = tmp_path_factory.mktemp("guide")
    with kinds.registry() as npm:
        kept = {key: value for key, value in os.environ.items() if key != "COLUMNS"}
        own = {"XDG_CACHE_HOME": str(made / "cache"), "NO_COLOR": "1", "PYTHONPATH": str(_ROOT)}
        yield {**kept, **kinds.wheels(made / "wheels"), **npm, **own}


@pytest.fixture
def mine(tmp_path: Path) -> Path:
    """A folder named mine, which gives a server its id."""
    folder = tmp_path / "mine"
    folder.mkdir()
    return folder


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Case], Path]:
    """A repository of each kind, for the commands that change nothing in it: built once."""
    made: dict[str, Path] = {}

    def of(case: Case) -> Path:
        kind = case.kind.__name__
        if kind not in made or "init" in case.line:
            folder = tmp_path_factory.mktemp(kind) / "mine"
            folder.mkdir()
            case.kind(folder)
            made.setdefault(kind, folder)
            return folder
        return made[kind]

    return of


def _words(case: Case) -> list[str]:
    """The words of a command, with other names and short windows, before any `--`."""
    line = case.line.removeprefix("bench ").partition(" > ")[0]
    for word, other in case.others.items():
        line = re.sub(rf"(?<!\S){re.escape(word)}(?!\S)", other, line)
    first, *rest = shlex.split(line)
    return [sys.executable, "-m", "bench", first, *case.more, *rest]


def _run(case: Case, folder: Path, env: dict[str, str], stop: int = signal.SIGKILL) -> str:
    """What the command prints; it must get as far as it should, and say what belongs to it."""
    words = _words(case)
    said, code = _ended(words, folder, env) if case.whole else _begun(words, folder, env, stop)
    assert (code, case.said in said) == (0, True), f"{case.line}\n{said}"
    assert "Traceback" not in said
    return said


def _ended(argv: list[str], folder: Path, env: dict[str, str]) -> tuple[str, int]:
    """What a command prints to its end, and its exit code."""
    done = subprocess.run(
        argv, capture_output=True, text=True, timeout=900, check=False, env=env, cwd=folder
    )
    unfit = "doctor" in argv and done.returncode == EXIT_UNFIT  # a busy machine is not our fault
    return done.stdout + done.stderr, 0 if unfit else done.returncode


def _begun(argv: list[str], folder: Path, env: dict[str, str], stop: int) -> tuple[str, int]:
    """What a command prints until it begins to measure, and 0; then it is stopped.

    Asked to stop it would write a report first.
    """
    with subprocess.Popen(
        argv, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True, env=env, cwd=folder
    ) as process:
        assert process.stderr is not None
        said = ""
        for line in process.stderr:
            said += line
            if re.match(r"calibrating | *1/\d+ ", line):
                process.send_signal(stop)
                process.communicate(timeout=200)
                return said, 0
        return said, process.wait(200) or 1


def test_each_command_is_tried() -> None:
    """A command that the guide gains has to be tried here, or this fails."""
    tried = {case.line for case in (*_ALONE, *_BEGUN, *_FIRST, *_FRAMEWORK)}

    assert sorted(set(_commands()) - tried) == []
    assert [line for line in tried if line not in _GUIDE.read_text()] == []


@pytest.mark.real
@pytest.mark.needs("wrk", "oha", "node", "npm", "uv", "cc")
@pytest.mark.parametrize("case", [*_ALONE, *_BEGUN], ids=lambda case: case.line)
def test_a_command_by_itself(
    case: Case, shared: Callable[[Case], Path], env: dict[str, str]
) -> None:
    """It does what the guide says, in a small repository, and leaves nothing that git sees."""
    mine = shared(case)
    if "--url" in case.line:
        with ground_truth.start(log=mine.parent / "log") as server:
            place = f"http://127.0.0.1:{server.port}/plaintext"
            _run(case._replace(others={"http://127.0.0.1:3000/": place}), mine, env)
        return
    before = _untracked(mine)
    said = _run(case, mine, env)

    assert _untracked(mine) == before or "init" in case.line, said


@pytest.mark.real
@pytest.mark.needs("wrk", "node", "cc")
def test_the_first_files(mine: Path, env: dict[str, str]) -> None:
    """From a package to a run, one command after the other."""
    kinds.package(mine)
    for case in _FIRST:
        if "serve" in case.line:
            _serve(case, mine, env)
        else:
            _run(case, mine, env)


def _serve(case: Case, folder: Path, env: dict[str, str]) -> None:
    """The address answers until Ctrl-C."""
    with subprocess.Popen(
        _words(case), stdout=subprocess.PIPE, text=True, env=env, cwd=folder
    ) as process:
        assert process.stdout is not None
        address = process.stdout.readline().strip()
        assert address.startswith(case.said)
        with urllib.request.urlopen(address, timeout=30) as answer:  # noqa: S310 - loopback
            assert answer.status == 200
        process.send_signal(signal.SIGINT)
        assert wait_until(lambda: process.poll() is not None, 200)
        assert process.returncode == 0


@pytest.mark.real
@pytest.mark.needs("wrk", "oha", "node", "npm", "uv", "cc")
@pytest.mark.parametrize("kind", [kinds.node_library, kinds.python_library])
def test_in_the_repository_of_a_framework(
    kind: Callable[[Path], None], mine: Path, env: dict[str, str]
) -> None:
    """Two commands, no file edited: a verdict between the two newest releases.

    `bench clean` then removes all that bench left, inside and outside of the repository.
    """
    kind(mine)
    env = env | {"XDG_CACHE_HOME": str(mine.parent / "cache"), "TMPDIR": str(mine.parent)}
    name = "koa" if kind is kinds.node_library else "aiohttp"
    first, *others = _FRAMEWORK
    _run(first._replace(said=f"{name} is a library"), mine, env)
    wrote = _untracked(mine)
    for case in others if kind is kinds.node_library else others[:1]:
        _run(case._replace(whole=False), mine, env, signal.SIGTERM)

    assert {"?? .bench/", "?? configs/", "?? servers/"} == set(wrote)
    assert _untracked(mine) == wrote
    _cleaned(mine, env)


def _cleaned(mine: Path, env: dict[str, str]) -> None:
    """What `bench clean` shows is all that there is, and it removes it."""
    clean = [sys.executable, "-m", "bench", "clean"]
    shown, _ = _ended([*clean, "--keep", "0"], mine, env)
    kinds_shown = {line.split()[0] for line in shown.splitlines()}
    everything = ["--builds", "--runs", "--keep", "0", "--cache", "--yes"]
    _, code = _ended([*clean, *everything], mine, env)
    cache = mine.parent / "cache" / "bench"

    assert code == 0
    assert {"cache", "runs"} <= kinds_shown <= {"builds", "cache", "runs"}, shown
    assert {path.name for path in cache.iterdir()} <= {"run.lock", "run.guests"}
    assert not [path for path in mine.parent.iterdir() if path.name.startswith("bench")]
    assert not list((mine / "reports").glob("*"))
    # What npm installed for the project itself is the user's.
    ignored = set(_untracked(mine, "--ignored")) - set(_untracked(mine))
    assert not [line for line in ignored if not line.endswith(("node_modules/", "__pycache__/"))]


def _untracked(folder: Path, *more: str) -> list[str]:
    """What git says of the user's tree."""
    done = subprocess.run(
        ["git", "status", "--porcelain", *more],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout.splitlines()
