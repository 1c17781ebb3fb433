"""The command line: help, unknown names, and errors as one message with an exit code."""

from __future__ import annotations

import errno
import os
import resource
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from bench.cli import COMMANDS

if TYPE_CHECKING:
    from tests.cli.conftest import Bench


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help(bench: Bench, name: str) -> None:
    """Each command says what it does in more than its line in the list."""
    said = bench(name, "--help")

    assert said.code == 0
    assert len(said.out.splitlines()) > 5
    assert name in bench("--help").out


def test_a_misspelled_command(bench: Bench) -> None:
    """An unknown command is exit 2 and names the nearest."""
    said = bench("rnu")

    assert said.code == 2
    assert "Did you mean 'run'?" in said.err


def test_version(bench: Bench) -> None:
    """--version prints name and version."""
    assert bench("--version").out.startswith("bench, version ")


def test_output_that_knows_latin_letters_only() -> None:
    """What it has not becomes a question mark; no traceback."""
    done = subprocess.run(
        [sys.executable, "-m", "bench", "r\u00fcn-\u65e5\u672c"],
        capture_output=True,
        env={**os.environ, "PYTHONIOENCODING": "latin-1", "PYTHONPATH": str(Path.cwd())},
        check=False,
    )

    assert done.returncode == 2
    assert b"Traceback" not in done.stderr
    assert b"'r\xfcn-??'" in done.stderr


def test_the_current_folder_was_removed(
    bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Exit 2, and the message says so."""
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    said = bench("list", "runs")

    assert said.code == 2
    assert "the current folder cannot be read" in said.err


@pytest.mark.parametrize(
    ("number", "code"), [(errno.ENAMETOOLONG, 2), (errno.EISDIR, 2), (errno.EIO, 1)]
)
def test_a_file_that_no_command_expected(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, number: int, code: int
) -> None:
    """The file is named; what the user gave is exit 2, what the disk does is exit 1."""

    def fails(*_: object) -> None:
        raise OSError(number, os.strerror(number), "some/file")

    monkeypatch.setattr("bench.plans.project.find_project", fails)
    said = bench("list", "runs")

    assert said.code == code
    assert "some/file" in said.err


def test_a_run_with_an_endless_name(bench: Bench, tmp_path: Path) -> None:
    """There is none: exit 2, in a few words."""
    (tmp_path / "configs").mkdir()
    said = bench("report", "a" * 3000, "--project", str(tmp_path))

    assert said.code == 2
    assert "no run 'aaa" in said.err
    assert len(said.err) < 1000


def test_no_arguments(bench: Bench) -> None:
    """Without a command the help is shown, with exit code 2 as click has it."""
    assert bench().code == 2


def test_help_is_fast() -> None:
    """`bench --help` imports no heavy library: at most three times the CPU time of click."""

    def best(*argv: str) -> float:
        times = []
        for _ in range(7):
            before = resource.getrusage(resource.RUSAGE_CHILDREN)
            subprocess.run(argv, check=True, capture_output=True)
            after = resource.getrusage(resource.RUSAGE_CHILDREN)
            times.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
        return min(times)

    bare = best(sys.executable, "-c", "import click")
    ours = best(sys.executable, "-m", "bench", "--help")

    assert ours < max(0.15, 3 * bare)


def test_help_imports_nothing_heavy() -> None:
    """The libraries that take long are not imported for --help."""
    program = (
        "import sys\n"
        "from bench.cli import main\n"
        "try:\n    main(['--help'])\nexcept SystemExit:\n    pass\n"
        "heavy = {'pydantic', 'rich', 'scipy', 'jinja2', 'vl_convert', 'psutil', 'ruamel'}\n"
        "print(sorted(heavy & set(sys.modules)))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], check=True, capture_output=True, text=True
    )

    assert done.stdout.splitlines()[-1] == "[]"


_ROOT = Path(__file__).resolve().parents[2]
_INTERRUPTED = """
import os, signal, sys
from bench.errors import INTERRUPTIONS
signal.signal(signal.SIGINT, INTERRUPTIONS)
try:
    exec("import os, signal, time; os.kill(os.getpid(), signal.SIGINT); time.sleep(9)")
except KeyboardInterrupt:
    sys.exit(130)
"""


_WHILE_WRITING = """
import os, signal, sys, threading, time
from pydantic import model_serializer
from bench.errors import INTERRUPTIONS
from bench.model.base import Model
signal.signal(signal.SIGINT, INTERRUPTIONS)
threading.Thread(target=time.sleep, args=(9,), daemon=True).start()
class Interrupted(Model):
    @model_serializer(mode="wrap")
    def dump(self, dump):
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(0.1)
        print("written whole")
        return dump(self)
try:
    Interrupted().HOW()
except KeyboardInterrupt:
    sys.exit(130)
"""


@pytest.mark.parametrize("how", ["model_dump", "model_dump_json"])
def test_an_interruption_waits_until_a_model_is_written(tmp_path: Path, how: str) -> None:
    """pydantic turns what is raised in a serializer into an error of its own: exit code 1."""
    (tmp_path / "writing.py").write_text(_WHILE_WRITING.replace("HOW", how))
    argv, env = [sys.executable, "-m", "writing"], {**os.environ, "PYTHONPATH": str(_ROOT)}
    done = subprocess.run(
        argv, cwd=tmp_path, env=env, check=False, capture_output=True, text=True, timeout=60
    )

    assert done.returncode == 130, done.stderr
    assert done.stdout == "written whole\n"


def test_what_is_held_back_comes_at_the_end_and_the_second_at_once(tmp_path: Path) -> None:
    """Blocks lie in blocks; other threads hold nothing back; who presses twice waits no longer."""
    program = """
import os, signal, sys, threading
from bench.errors import INTERRUPTIONS
def press():
    os.kill(os.getpid(), signal.SIGTERM)
def held():
    with INTERRUPTIONS:
        there.set(); over.wait()
there, over = threading.Event(), threading.Event()
signal.signal(signal.SIGTERM, INTERRUPTIONS)
threading.Thread(target=held, daemon=True).start()
there.wait()
try:
    with INTERRUPTIONS:
        with INTERRUPTIONS:
            press()
        print("inner over", flush=True)
    print("not reached", flush=True)
except BaseException as error:
    print(type(error).__name__, flush=True)
with INTERRUPTIONS:
    press()
    print("not reached", flush=True)
"""
    (tmp_path / "held.py").write_text(program)
    argv, env = [sys.executable, "-m", "held"], {**os.environ, "PYTHONPATH": str(_ROOT)}
    done = subprocess.run(
        argv, cwd=tmp_path, env=env, check=False, capture_output=True, text=True, timeout=60
    )

    assert done.stdout.split("\n") == ["inner over", "TerminatedError", ""]
    assert "stopped at once" in done.stderr
    assert done.returncode == 143


def test_an_interruption_that_ends_nothing_is_an_exit_in_the_end(tmp_path: Path) -> None:
    """Whatever hangs while it unwinds: it says where it stood, and ends with the signal's code."""
    program = """
import os, signal, threading
from bench import cli
from bench.cli import ending
ending.END_WITHIN_S = 0.5
def hangs(**_):
    try:
        os.kill(os.getpid(), signal.SIGINT)
    finally:
        lock = threading.Lock()
        lock.acquire()
        lock.acquire()
cli.bench.main = hangs
cli.main([])
"""
    (tmp_path / "hanging.py").write_text(program)
    argv, env = [sys.executable, "-m", "hanging"], {**os.environ, "PYTHONPATH": str(_ROOT)}
    done = subprocess.run(
        argv, cwd=tmp_path, env=env, check=False, capture_output=True, text=True, timeout=60
    )

    assert done.returncode == 130
    assert "not ended 0.5 s after the interruption" in done.stderr
    assert "in hangs" in done.stderr


def test_an_interruption_ends_with_its_exit_code_wherever_it_falls(tmp_path: Path) -> None:
    """In code that was made from text, as of a class that is imported just then, too."""
    (tmp_path / "interrupted.py").write_text(_INTERRUPTED)
    argv, env = [sys.executable, "-m", "interrupted"], {**os.environ, "PYTHONPATH": str(_ROOT)}
    done = subprocess.run(argv, cwd=tmp_path, env=env, check=False)

    assert done.returncode == 130
