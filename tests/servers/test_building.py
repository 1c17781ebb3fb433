"""Builds happen once per content, with the right interpreter, and say why they failed."""

from __future__ import annotations

import os
import random
import sys
import zipfile
from typing import TYPE_CHECKING, Any

import pytest
from pydantic import ValidationError

from bench.errors import BuildError
from bench.model.plan import Arm, CpuSplit, Pinning
from bench.model.server_config import ServerConfig
from bench.process import SupervisorClient
from bench.reports.wording.findings import text_of
from bench.run.fitness import stale_program
from bench.servers import RunningServer, build, missing
from bench.servers.building import content_hash, satisfies, toolchain
from bench.servers.built_program import build_environment

if TYPE_CHECKING:
    from pathlib import Path


def arm(folder: Path, **keys: Any) -> Arm:
    """A server in a folder of its own that is built by copying a file."""
    folder.mkdir(exist_ok=True)
    (folder / "source.txt").write_text("one")
    fields = {
        "title": "S",
        "run": ["./out", "{port}"],
        "build": [["cp", "source.txt", "out"]],
        **keys,
    }
    config = ServerConfig.model_validate(fields)
    return Arm(name="s", server="s", folder=str(folder), config=config)


def test_built_once_per_content(tmp_path: Path) -> None:
    """An unchanged server is not built again; a changed source is."""
    server = arm(tmp_path / "s")
    with SupervisorClient() as supervisor:
        first = build(server, supervisor, tmp_path / "log")
        second = build(server, supervisor, tmp_path / "log")
        (tmp_path / "s" / "source.txt").write_text("two")
        third = build(server, supervisor, tmp_path / "log")

    assert (first.cached, second.cached, third.cached) == (False, True, False)
    assert first.hash == second.hash != third.hash
    assert (tmp_path / "s" / "out").read_text() == "two"
    assert first.artefact_bytes == 3
    assert (tmp_path / "log").read_text().startswith("$ cp source.txt out\n")


def test_another_build_command_is_another_build(tmp_path: Path) -> None:
    """The build command counts in the hash; the file that a build made does not."""
    one = arm(tmp_path / "s")
    other = arm(tmp_path / "s", build=[["cp", "-p", "source.txt", "out"]])
    tools = toolchain(one)

    assert content_hash(one, tools) != content_hash(other, tools)


def test_a_failing_build(tmp_path: Path) -> None:
    """A failing command is named with its exit code, its last lines and the log."""
    server = arm(tmp_path / "s", build=[["sh", "-c", "echo missing crate; exit 7"]])
    with SupervisorClient() as supervisor, pytest.raises(BuildError) as caught:
        build(server, supervisor, tmp_path / "log")

    assert "(exit code 7)\nmissing crate" not in str(caught.value)  # the command stands between
    assert "exit code 7" in caught.value.message
    assert "missing crate" in caught.value.message
    assert str(tmp_path / "log") in caught.value.advice


def test_a_killed_build(tmp_path: Path) -> None:
    """A command ended by a signal says so, and leaves no stamp of success."""
    server = arm(tmp_path / "s", build=[["sh", "-c", "kill -9 $$"]])
    with SupervisorClient() as supervisor, pytest.raises(BuildError, match="ended by signal 9"):
        build(server, supervisor, tmp_path / "log")

    assert not (tmp_path / "s" / ".build" / "stamp.json").exists()


def test_version_of_the_server(tmp_path: Path) -> None:
    """The version is the first line that the server's own command prints; a failure is None."""
    good = arm(tmp_path / "s", version=["echo", "1.2.3 of it"])
    bad = arm(tmp_path / "s", version=["false"])
    with SupervisorClient() as supervisor:
        assert build(good, supervisor, tmp_path / "log").version == "1.2.3 of it"
        assert build(bad, supervisor, tmp_path / "log").version is None


def test_what_is_missing(tmp_path: Path) -> None:
    """A missing executable or interpreter is the reason for skipping."""
    assert missing(arm(tmp_path / "s", needs=["sh"])) is None
    absent = missing(arm(tmp_path / "s", needs=["no-such-tool", "sh"]))
    assert absent == "no-such-tool not found on PATH"
    assert missing(arm(tmp_path / "s", python="<3.0")) == "no Python <3.0 found"


def test_the_interpreter_of_a_build(tmp_path: Path) -> None:
    """{python} is an interpreter that fits, ours before any other; its version is recorded."""
    found = toolchain(arm(tmp_path / "s", python=">=3.11"))
    version = ".".join(str(part) for part in sys.version_info[:3])

    assert found.python
    assert found.runtime == f"Python {version}"


@pytest.mark.parametrize(
    ("version", "constraint", "fits"),
    [
        ("3.12.4", ">=3.11", True),
        ("3.12.4", "==3.12.*", True),
        ("3.12.4", "==3.12", False),
        ("3.12.0", "==3.12", True),
        ("3.12.4", ">=3.11, <3.13", True),
        ("3.13.0", ">=3.11,<3.13", False),
        ("3.13.1", "~=3.11", True),
        ("4.0.0", "~=3.11", False),
        ("3.11.2", "~=3.11.2", True),
        ("3.11.9", "~=3.11.2", True),
        ("3.11.1", "~=3.11.2", False),
        ("3.13.0", "~=3.11.2", False),
        ("3.11.0", ">=3.11.9", False),
        ("3.11.9", ">=3.11.9", True),
        ("3.11.4", ">3.11.4", False),
        ("3.11.5", "<=3.11.4", False),
        ("3.12.4", "!=3.12.4", False),
        ("3.12.5", "!=3.12.4", True),
        ("3.12.4", "!=3.12.*", False),
        ("3.9.2", ">=3.11", False),
    ],
)
def test_constraints(version: str, constraint: str, *, fits: bool) -> None:
    """Python constraints are read as packagers write them, patch levels and `~=` included."""
    assert satisfies(version, constraint) is fits


def test_the_patch_level_of_an_interpreter_counts(tmp_path: Path) -> None:
    """An interpreter one patch level too old is not taken, and the server is skipped."""
    major, minor, patch = sys.version_info[:3]
    later = f">={major}.{minor}.{patch + 90},<{major}.{minor + 1}"
    exact = f"=={major}.{minor}.{patch}"

    assert missing(arm(tmp_path / "s", python=later)) == f"no Python {later} found"
    assert toolchain(arm(tmp_path / "s", python=exact)).runtime == f"Python {exact[2:]}"


@pytest.mark.parametrize(
    "constraint", ["", "3.11", ">=3.11,", ">=three", "~=3", ">=3.11.*", "===3.11", ">=3.11 <3.14"]
)
def test_a_constraint_that_is_none(tmp_path: Path, constraint: str) -> None:
    """What packagers would refuse is refused when the file is read, not when it is built."""
    with pytest.raises(ValidationError, match="expected versions of Python such as"):
        arm(tmp_path / "s", python=constraint)


def test_variables_reach_build_and_version(tmp_path: Path) -> None:
    """`env` of server.yaml is there for build and version, with its placeholders replaced."""
    tell = ["sh", "-c", 'echo "$FOO $CPUS $PORT $PYTHON_HERE"']
    server = arm(
        tmp_path / "s",
        python=">=3.11",
        env={"FOO": "bar", "CPUS": "{cpus}", "PORT": "{port}", "PYTHON_HERE": "{python}"},
        build=[["sh", "-c", 'echo "$FOO $CPUS $PORT $PYTHON_HERE" > out']],
        version=tell,
    )
    wanted = f"bar 3 0 {toolchain(server).python}"
    with SupervisorClient() as supervisor:
        record = build(server, supervisor, tmp_path / "log", cpus="3")

    assert (tmp_path / "s" / "out").read_text() == f"{wanted}\n"
    assert record.version == wanted


def test_a_secret_reaches_the_build_and_stands_nowhere(tmp_path: Path) -> None:
    """What a build or version command prints of a secret is `***` in log, record and error."""
    tell = ["sh", "-c", "echo token $API_TOKEN"]
    env = {"API_TOKEN": "s3cr3t-value"}
    good = arm(tmp_path / "s", env=env, build=[tell, tell, ["touch", "out"]], version=tell)
    bad = arm(tmp_path / "bad", env=env, build=[["sh", "-c", "echo token $API_TOKEN; exit 1"]])
    with SupervisorClient() as supervisor:
        record = build(good, supervisor, tmp_path / "log")
        with pytest.raises(BuildError) as caught:
            build(bad, supervisor, tmp_path / "bad.log")

    logs = (tmp_path / "log").read_text() + (tmp_path / "bad.log").read_text()
    assert logs.count("\ntoken ***\n") == 3
    assert record.version == "token ***"
    assert "token ***" in caught.value.message
    assert "s3cr3t" not in logs + record.model_dump_json() + str(caught.value)


def test_the_variables_choose_tools_and_toolchain(tmp_path: Path) -> None:
    """A PATH in `env` is where `needs` is looked for and the compiler asked its version."""
    tool = tmp_path / "bin" / "go"
    tool.parent.mkdir()
    tool.write_text('#!/bin/sh\necho "go of our own $CHOICE"\n')
    tool.chmod(0o755)
    path = f"{tool.parent}:/usr/bin:/bin"
    server = arm(tmp_path / "s", needs=["go"], env={"PATH": path, "CHOICE": "7"})

    assert missing(server) is None
    assert toolchain(server).runtime == "go of our own 7"


def test_run_gets_the_interpreter_where_it_names_it(tmp_path: Path) -> None:
    """`{python}` in `run` and in `env` is the one that the build used."""
    server = arm(
        tmp_path / "s",
        python=">=3.11",
        run=["{python}", "app.py", "{port}"],
        env={"PYTHON_HERE": "{python}"},
    )
    split = CpuSplit(
        server=(0,),
        load=(0,),
        housekeeping=(),
        server_count=1,
        load_count=1,
        pinning=Pinning(state="none", reason="a test"),
    )
    with SupervisorClient() as supervisor:
        started = RunningServer(server, split, supervisor, random.Random(1), tmp_path / "log")
        started._draw_port()  # what is started is put together with the port
        started._fill()

    assert started.argv[0] == started.own_env["PYTHON_HERE"] == toolchain(server).python


def compiled(folder: Path, build: list[list[str]], **keys: Any) -> Arm:
    """A server whose program is machine code, or looks like it, beside a source of it."""
    server = arm(folder, build=build, run=["target/release/app", "{port}"], **keys)
    (folder / "target" / "release").mkdir(parents=True)
    (folder / "main.rs").write_text("fn main() {}")
    return server


def test_a_program_older_than_its_sources(tmp_path: Path) -> None:
    """A build that puts its program elsewhere leaves the old one there: said each time."""
    server = compiled(tmp_path / "s", [["true"]])
    program = tmp_path / "s" / "target" / "release" / "app"
    program.write_bytes(b"\x7fELF of long ago")
    os.utime(program, (1, 1))
    with SupervisorClient() as supervisor:
        first, again = (build(server, supervisor, tmp_path / "log") for _ in range(2))
        unbuilt = server.model_copy(
            update={"config": server.config.model_copy(update={"build": []})}
        )
        by_hand = build(unbuilt, supervisor, tmp_path / "log")
        # Cargo's own list of sources decides where there is one.
        (tmp_path / "s" / "old.rs").touch()
        os.utime(tmp_path / "s" / "old.rs", (1, 1))
        program.with_name("app.d").write_text(f"{program}: {tmp_path}/s/old.rs\n")
        listed = build(server, supervisor, tmp_path / "log")

    assert (first.stale, again.stale, by_hand.stale) == ("main.rs", "main.rs", "main.rs")
    assert not first.cached
    assert not again.cached
    assert listed.stale is None
    assert [item.code for item in stale_program(server, first)] == ["stale-program"]
    assert "although it was just built" in text_of(stale_program(server, first)[0])
    assert "just built" not in text_of(stale_program(unbuilt, by_hand)[0])
    assert stale_program(server, listed) == []


def test_a_program_that_a_build_does_not_make(tmp_path: Path) -> None:
    """The build says so, and where cargo was sent; one that was deleted is built again."""
    make = [["cp", "main.rs", "target/release/app"]]
    server = compiled(tmp_path / "s", [["true"]], env={"CARGO_TARGET_DIR": "/elsewhere"})
    good = compiled(tmp_path / "g", make)
    with SupervisorClient() as supervisor:
        with pytest.raises(BuildError, match="no program target/release/app") as caught:
            build(server, supervisor, tmp_path / "log")
        build(good, supervisor, tmp_path / "log")
        (tmp_path / "g" / "target" / "release" / "app").unlink()
        assert not build(good, supervisor, tmp_path / "log").cached

    assert "CARGO_TARGET_DIR is /elsewhere" in caught.value.advice


def test_a_target_folder_of_all_projects(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The user's own is left out where `run` names the server's; one of server.yaml is kept."""
    monkeypatch.setenv("CARGO_TARGET_DIR", "/shared")
    own = compiled(tmp_path / "a", [])
    kept = compiled(tmp_path / "b", [], env={"CARGO_TARGET_DIR": "mine"})

    assert "CARGO_TARGET_DIR" not in build_environment(own, {})
    assert build_environment(kept, {})["CARGO_TARGET_DIR"] == "mine"
    assert build_environment(arm(tmp_path / "c"), {})["CARGO_TARGET_DIR"] == "/shared"


def test_what_uv_installs_is_compiled(tmp_path: Path) -> None:
    """Where no start of the server may write it; the user's own choice is kept."""
    folder, name = tmp_path / "s", "one-1.0-py3-none-any.whl"
    server = arm(
        folder,
        run=[".venv/bin/python", "-m", "one", "{port}"],
        build=[
            ["uv", "venv", "--offline", "--python", sys.executable, ".venv"],
            [
                "uv",
                "pip",
                "install",
                "--offline",
                "--python",
                ".venv",
                "./one-1.0-py3-none-any.whl",
            ],
        ],
    )
    with zipfile.ZipFile(folder / name, "w") as wheel:
        about = "one-1.0.dist-info"
        wheel.writestr("one.py", "")
        wheel.writestr(f"{about}/METADATA", "Metadata-Version: 2.1\nName: one\nVersion: 1.0\n")
        wheel.writestr(f"{about}/WHEEL", "Wheel-Version: 1.0\nTag: py3-none-any\n")
        wheel.writestr(f"{about}/RECORD", "")
    with SupervisorClient() as supervisor:
        build(server, supervisor, tmp_path / "log")
    own = arm(folder, env={"UV_COMPILE_BYTECODE": "0"})

    (compiled_file,) = folder.glob(".venv/lib/*/site-packages/__pycache__/one.*.pyc")
    assert compiled_file.read_bytes()[4] == 3  # checked by its source's hash (PEP 552)
    assert build_environment(own, {})["UV_COMPILE_BYTECODE"] == "0"
