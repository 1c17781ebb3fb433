"""A server made ready for a profiler, and what this machine is found to allow."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from bench.errors import ToolMissingError, UsageError
from bench.model.plan import Arm
from bench.model.server_config import ServerConfig
from bench.profiling import setup as module
from bench.profiling.methods import PRELOAD, PRELOAD_OUT
from bench.profiling.setup import Interpreter, check_tool, facts_of, find_trampoline, prepare

PYTHON = Interpreter("/opt/python3.12/bin/python3.12", "3.12.1")


def program(folder: Path, name: str, text: str) -> None:
    """An executable script of that name in `folder/bin`."""
    path = folder / "bin" / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)


@pytest.fixture
def bare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine whose PATH has only what the test puts there."""
    (tmp_path / "bin").mkdir()
    monkeypatch.setattr(module, "search_path", lambda: str(tmp_path / "bin"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path


def arm(folder: Path, language: str, run: list[str], python: str | None = None) -> Arm:
    config = ServerConfig(
        title="S", language=language, run=run, python=python, build=[["{python}", "-V"]]
    )
    return Arm(name="s", server="s", folder=str(folder), config=config, env={"A": "1"}, hash="h")


@pytest.mark.usefixtures("bare")
def test_a_machine_without_profilers_is_seen_as_that() -> None:
    """Neither perf nor py-spy on PATH."""
    facts = facts_of(None)

    assert (facts.perf, facts.spy, facts.python) == (False, False, False)
    assert facts.perf_says == "it could not be started"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("exit 0", ""),
        ("echo Error: >&2; echo 'Access is limited.' >&2; exit 255", "Access is limited."),
        ("echo 'No permission' >&2; exit 1", "No permission"),
        ("exit 3", "it said nothing"),
        (
            "echo 'WARNING: perf not found for kernel 6.2'; echo ' linux-tools-6.2-x'; exit 2",
            "WARNING: perf not found for kernel 6.2 linux-tools-6.2-x",
        ),
    ],
)
def test_perf_is_tried_and_its_own_words_are_kept(bare: Path, text: str, said: str) -> None:
    """Settings do not tell what a container or a capability allows: perf is asked itself."""
    program(bare, "perf", text)

    facts = facts_of(PYTHON)

    assert facts.perf
    assert facts.perf_says == said


def test_a_python_server_for_perf_gets_a_build_of_its_own(
    bare: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The other interpreter's build lies in the cache; both trials use it, one with trampolines."""
    program(bare, "perf", "exit 0")
    monkeypatch.setattr(module, "find_trampoline", lambda _: PYTHON)
    source = bare / "server"
    (source / ".venv").mkdir(parents=True)
    (source / "app.py").write_text("pass")

    found = prepare(arm(source, "Python", [".venv/bin/python", "app.py"], ">=3.11"), "auto")

    assert (found.method, found.runtime, found.interpreter) == ("perf", "python", "Python 3.12.1")
    own = Path(found.plain.folder)
    assert own.is_relative_to(bare / "cache")
    assert (own / "app.py").is_file()
    assert not (own / ".venv").exists()
    assert found.plain.config.build == [[PYTHON.path, "-V"]]
    assert found.plain.config.python is None
    assert found.profiled.env == {"A": "1", "PYTHONPERFSUPPORT": "1"}
    assert found.plain.env == {"A": "1"}


def test_the_build_for_a_profile_keeps_the_variables(
    bare: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`{python}` is the interpreter of the profile wherever server.yaml may name it."""
    program(bare, "perf", "exit 0")
    monkeypatch.setattr(module, "find_trampoline", lambda _: PYTHON)
    (bare / "server").mkdir()
    server = arm(bare / "server", "Python", ["{python}", "app.py"], ">=3.11")
    config = server.config.model_copy(
        update={"env": {"HOME_OF": "{python}", "N": "{cpus}"}, "version": ["{python}", "-V"]}
    )

    own = prepare(server.model_copy(update={"config": config}), "auto").plain.config

    assert own.env == {"HOME_OF": PYTHON.path, "N": "{cpus}"}
    assert (own.run, own.version) == ([PYTHON.path, "app.py"], [PYTHON.path, "-V"])


def test_a_source_that_was_deleted_is_not_profiled(
    bare: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second profile is built from the sources of now; the same sources use the same build."""
    program(bare, "perf", "exit 0")
    monkeypatch.setattr(module, "find_trampoline", lambda _: PYTHON)
    source = bare / "server"
    (source / "old").mkdir(parents=True)
    (source / "old" / "gone.py").write_text("pass")
    (source / "app.py").write_text("pass")
    server = arm(source, "Python", [".venv/bin/python", "app.py"], ">=3.11")

    first = Path(prepare(server, "auto").plain.folder)
    again = Path(prepare(server, "auto").plain.folder)
    (source / "old" / "gone.py").unlink()
    second = Path(prepare(server, "auto").plain.folder)

    assert first == again
    assert (first / "old" / "gone.py").is_file()
    assert [str(path.relative_to(second)) for path in second.rglob("*.py")] == ["app.py"]


def test_a_python_server_without_perf_is_left_as_it_is(
    bare: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """py-spy needs neither another interpreter nor another start."""
    program(bare, "py-spy", "exit 0")
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    server = arm(bare, "Python", [".venv/bin/python", "app.py"])

    found = prepare(server, "auto")

    assert found.method == "py-spy"
    assert found.plain == found.profiled == server
    assert [text.partition(":")[0] for text in found.refused] == ["perf"]


def test_node_is_started_with_what_its_profiler_needs(bare: Path) -> None:
    """The trial without a profiler starts node as always."""
    found = prepare(arm(bare, "JavaScript", ["node", "server.js"]), "node")

    assert found.plain.config.run == ["node", "server.js"]
    assert found.profiled.config.run == ["node", "--require", str(PRELOAD), "server.js"]
    assert found.profiled.env == {"A": "1", PRELOAD_OUT: ""}


def test_a_script_that_starts_node_is_refused(bare: Path) -> None:
    """The signal that starts V8's profiler would end npm."""
    with pytest.raises(UsageError, match="does not start node itself") as error:
        prepare(arm(bare, "JavaScript", ["npm", "start"]), "node")

    assert "[node, server.js]" in (error.value.advice or "")


def test_an_interpreter_that_fits_is_found_or_none_is() -> None:
    """Only a Python of at least 3.12 with trampolines counts, and only one the server accepts."""
    found = find_trampoline(">=3.12")

    assert find_trampoline("<3.12") is None
    if found is not None:
        assert tuple(int(part) for part in found.version.split(".")[:2]) >= (3, 12)
        assert Path(found.path).is_file()


def test_a_load_tool_that_is_missing_names_the_command_that_installs_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """`bench setup --tool` is the advice, for a missing one as for one that is too old."""
    monkeypatch.setattr(module, "ready", lambda _: None)

    with pytest.raises(ToolMissingError, match="wrk is not installed") as error:
        check_tool("wrk")

    assert "bench setup --tool wrk" in (error.value.advice or "")


@pytest.mark.needs("wrk")
def test_a_load_tool_is_found_and_path_stays_the_users(monkeypatch: pytest.MonkeyPatch) -> None:
    """Servers that are started later inherit PATH as the user has it."""
    before = os.environ["PATH"]
    monkeypatch.setenv("PATH", before)

    check_tool("wrk")

    assert os.environ["PATH"] == before
    assert shutil.which("wrk")
