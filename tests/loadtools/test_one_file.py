"""A load tool is one file: a made-up one is met wherever tools are, with nothing else changed."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.run.helpers import Project

pytestmark = [pytest.mark.real, pytest.mark.untraced]

ROOT = Path(__file__).parents[2]
MADE_UP = Path(__file__).with_name("made_up")


class House(Project):
    """A project, measured by a copy of bench that has one file more."""

    def __init__(self, root: Path) -> None:
        super().__init__(root, path=root / "bin")
        (root / "bin").mkdir()
        self.program = root / "bin" / "tiny"
        house = root / "house"
        # With what is compiled, but for what another test is writing there.
        shutil.copytree(ROOT / "bench", house / "bench", ignore=shutil.ignore_patterns("*.pyc.*"))
        shutil.copytree(ROOT / "configs", house / "configs")
        for name in ("scripts", "servers"):
            (house / name).symlink_to(ROOT / name)
        shutil.copy(MADE_UP / "tiny.py", house / "bench" / "loadtools")
        self.env["PYTHONPATH"] = os.pathsep.join(map(str, (house, ROOT)))

    def install(self) -> None:
        program = MADE_UP / "tiny_program.py"
        self.program.write_text(f"#!{sys.executable}\n{program.read_text()}")
        self.program.chmod(0o755)

    def words(self, *words: str, project: bool = True) -> subprocess.CompletedProcess[str]:
        """A command that does not take --project, or does."""
        argv = self.argv(*words)
        return self.run(argv if project else argv[:-2])

    def run(self, argv: list[str]) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            argv, capture_output=True, text=True, timeout=900, check=False, env=self.env,
            cwd=self.root,
        )  # fmt: skip


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(tmp_path)


def test_setup_and_doctor_know_it(house: House) -> None:
    """Missing: how it would come, and what is lost without it. There: its version."""
    absent = house.bench("setup", "--tool", "tiny", "--dry-run", "--json")
    planned = json.loads(absent.stdout)

    assert planned["tools"] == [{"tool": "tiny", "state": "missing", "version": None, "path": None}]
    ways = [" ".join(step["command"]) for step in planned["steps"]]
    assert any("tiny" in way for way in ways) or planned["blocked"][0]["tool"] == "tiny"
    assert "tiny is missing" in absent.stderr
    missed = house.bench("doctor")
    assert "tool-missing: tiny is not installed" in missed.stdout
    assert "Nothing is as small." in missed.stdout

    house.install()

    there = json.loads(house.bench("setup", "--tool", "tiny", "--dry-run", "--json").stdout)
    assert (there["tools"][0]["state"], there["tools"][0]["version"]) == ("found", "2.1.3")
    assert "tiny 2.1.3" in house.bench("doctor").stdout


def test_validate_says_what_it_cannot_do(house: House) -> None:
    """Its name is known and spelled right; its own reasons are told with their line."""
    house.server("one")
    house.matrix("one", profiles=[{"tool": "tiny"}])
    assert house.bench("validate").returncode == 0

    house.matrix("one", profiles=[{"tool": "tny"}])
    wrong = house.bench("validate")
    assert wrong.returncode == 2
    assert "profiles[0].tool: there is no load tool tny (did you mean tiny?)" in wrong.stdout

    house.matrix("one", workloads=["mixed"], profiles=[{"tool": "tiny"}])
    assert "tiny sends one kind of request" in house.bench("validate").stdout


@pytest.mark.needs("wrk")
def test_it_measures(house: House) -> None:
    """Planned, run, reported; its output is parsed and imported again."""
    house.install()
    house.server("one")
    window = {"connections": 2, "warmup": "0s", "duration": "1s"}
    profiles = [{"tool": "tiny", **window}, {"loop": "open", "rate": 100, "processes": 2, **window}]
    house.matrix("one", profiles=profiles)
    plan = house.bench("plan", "faults")
    assert "tiny-c2-r100" in plan.stdout, plan.stdout + plan.stderr

    done = house.bench("run", "faults")
    assert done.returncode == 0, done.stderr
    closed, opened = sorted(house.believed(), key=lambda trial: trial["profile"])

    assert {closed["load"]["tool"], opened["load"]["tool"]} == {"tiny"}
    assert opened["load"]["requests"] == 100
    assert closed["load"]["latency_us"]["count"] == closed["load"]["requests"] > 10
    assert_together(opened["commands"])
    report = house.words("report", str(house.runs()[0]), project=False)
    assert "tiny" in report.stdout
    raw = next(house.runs()[0].glob("trials/*r100*/load-0/stdout.txt"))
    assert_read_again(house, raw)


def assert_together(commands: list[dict[str, Any]]) -> None:
    """Each process knows its number, how many there are, and when all begin."""
    two = [command["argv"] for command in commands if command["argv"][2] == "1.0"][-2:]

    assert [argv[4:6] for argv in two] == [["0", "2"], ["1", "2"]]
    assert len({argv[6] for argv in two}) == 1


def assert_read_again(house: House, raw: Path) -> None:
    parsed = house.words("parse", "tiny", str(raw), "--loop", "open", project=False)
    assert json.loads(parsed.stdout)["requests"] == 50
    refused = house.words("parse", "tiny", str(raw), "--db", str(raw), project=False)
    assert refused.returncode == 2
    assert "--db is not for tiny" in refused.stderr

    imported = house.bench("import", "tiny", f"One={raw}", "--loop", "open")
    assert imported.returncode == 0, imported.stderr
    told = house.words("report", imported.stdout.strip(), project=False)
    assert "tiny" in told.stdout
    plan = json.loads((Path(imported.stdout.strip()) / "plan.json").read_text())
    assert plan["profiles"][0]["id"] == "tiny-c1"
