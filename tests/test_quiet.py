"""Second tries: for measurements that others disturbed, and for nothing else."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.quiet import Reading, noise, read

_ROOT = Path(__file__).parents[1]
_CONFTEST = """
import os
import pytest
import tests.quiet
from tests.quiet import (
    pytest_report_teststatus, pytest_runtest_protocol, pytest_terminal_summary,
)

said = iter(os.environ["NOISE"].split(","))
tests.quiet.PAUSE_S = 0
tests.quiet.noise = lambda *_: next(said) or None
"""
_TEST = """
import pytest

tries = []

@pytest.fixture(scope="module")
def measured():
    return len(tries)

@pytest.mark.MARK
def test_it(measured):
    assert measured == len(tries)  # measured anew for each try
    tries.append(1)
    assert len(tries) >= GOOD, f"try {len(tries)} of it"

def test_next():
    pass
"""


def outcome(folder: Path, mark: str, good: int, *said: str) -> tuple[int, list[str]]:
    """Exit status and output of a test that is good from that try on, and what disturbed each."""
    (folder / "conftest.py").write_text(_CONFTEST)
    test = _TEST.replace("MARK", mark).replace("GOOD", str(good))
    (folder / "test_one.py").write_text(test)
    (folder / "pytest.ini").write_text("[pytest]\nmarkers =\n  alone\n  real\n")
    argv = ("-q", "-p", "no:cacheprovider", "--rootdir", str(folder))
    env = {**os.environ, "PYTHONPATH": str(_ROOT), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *argv, str(folder)],
        capture_output=True,
        text=True,
        check=False,
        cwd=folder,
        env={**env, "NOISE": ",".join(said)},
        timeout=120,
    )
    return done.returncode, done.stdout.splitlines()


def test_a_disturbed_measurement_is_made_again(tmp_path: Path) -> None:
    """It passes at the third try, and the summary names what disturbed the others."""
    status, lines = outcome(tmp_path, "alone", 3, "stolen", "others")

    assert status == 0
    assert "AGAIN test_one.py::test_it: stolen; others" in lines
    assert lines[-1].startswith("2 passed")


def test_what_was_never_quiet_is_not_shown(tmp_path: Path) -> None:
    """Neither failed nor passed nor skipped: counted apart, with what disturbed it."""
    status, lines = outcome(tmp_path, "alone", 9, "stolen", "others", "both")

    assert status == 0
    assert "NOT SHOWN test_one.py::test_it: stolen; others; both" in lines
    assert any("try 3 of it" in line for line in lines)
    assert lines[-1].startswith("1 passed, 1 not shown")


@pytest.mark.parametrize(
    ("mark", "said"),
    [("alone", ("",)), ("alone", ("stolen", "")), ("real", ()), ("alone(again=False)", ())],
)
def test_other_failures_are_failures(tmp_path: Path, mark: str, said: tuple[str, ...]) -> None:
    """On a quiet machine, and where nothing is measured: no second try."""
    status, lines = outcome(tmp_path, mark, 9, *said)

    assert status == 1
    assert lines[-1].startswith("1 failed, 1 passed")
    assert any(f"try {max(len(said), 1)} of it" in line for line in lines)


QUIET = Reading(total_s=20, busy_s=8, stolen_s=0.1, own_s=7.5, slowed=0.0)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({}, None),
        ({"stolen_s": 2.0}, "20% of a CPU stolen"),
        ({"busy_s": 17.5}, "100% of a CPU used by others"),
        ({"busy_s": 17.5, "stolen_s": 2.0}, "20% of a CPU stolen, 100% of a CPU used by others"),
        ({"busy_s": 7.0}, None),  # the kernel's ticks missed some of ours
        ({"slowed": 0.2}, None),
        ({"slowed": 0.6}, "cores took 1.6 times as long as at best"),
    ],
)
def test_what_is_noise(changes: dict[str, float], said: str | None) -> None:
    """On two CPUs, in ten seconds."""
    before = Reading(100, 50, 5, 1, 1.0)
    after = Reading(*(a + b for a, b in zip(before, QUIET._replace(**changes), strict=True)))

    assert noise(before, after, 2) == said


def test_a_stranger_is_seen_and_a_child_is_not() -> None:
    """Half a second of a process that nobody here started, and as much of our own."""
    burn = "import time\nwhile time.process_time() < 0.5: pass"
    before = read()
    subprocess.run([sys.executable, "-c", burn], check=True, timeout=60)
    ours = read()
    away = f"import os\nif os.fork(): os._exit(0)\nos.setsid()\n{burn}\nprint()"
    # Its output is closed when it ends: nobody waits for it.
    subprocess.run([sys.executable, "-c", away], check=True, timeout=60, capture_output=True)
    after = read()

    # The kernel rounds to its ticks.
    assert ours.own_s - before.own_s >= 0.45
    assert after.own_s - ours.own_s < 0.45
    assert after.busy_s - ours.busy_s >= 0.4
