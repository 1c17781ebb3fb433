"""The command line: help, unknown names, and errors as one message with an exit code."""

from __future__ import annotations

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
from bench.cli import _Signals
signal.signal(signal.SIGINT, _Signals())
try:
    exec("import os, signal, time; os.kill(os.getpid(), signal.SIGINT); time.sleep(9)")
except KeyboardInterrupt:
    sys.exit(130)
"""


def test_an_interruption_ends_with_its_exit_code_wherever_it_falls(tmp_path: Path) -> None:
    """In code that was made from text, as of a class that is imported just then, too."""
    (tmp_path / "interrupted.py").write_text(_INTERRUPTED)
    argv, env = [sys.executable, "-m", "interrupted"], {**os.environ, "PYTHONPATH": str(_ROOT)}
    done = subprocess.run(argv, cwd=tmp_path, env=env, check=False)

    assert done.returncode == 130
