"""`bench doctor` on this machine and on captured trees."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from click.testing import CliRunner

from bench.cli.doctor_command import command
from bench.host.measure import Clock, Measured, Steadiness
from tests.host.trees import DATA, linux_tree, write

if TYPE_CHECKING:
    from pathlib import Path

    import pytest
    from click.testing import Result


def call(*arguments: str) -> Result:
    return CliRunner().invoke(
        command, list(arguments), catch_exceptions=False, standalone_mode=False
    )


def mac(name: str, *arguments: str) -> Result:
    return call("--root", str(DATA / "darwin" / name), "--system", "darwin", *arguments)


def test_a_hot_mac_is_unfit() -> None:
    """Errors have evidence, reason and what mends, and the exit code is 3."""
    result = mac("m4-mini-heavy")

    errors = result.stdout.partition("\nErrors\n")[2]
    assert result.return_value == 3
    assert "1. thermal: the machine is slowed down by heat right now (pressure heavy)" in errors
    assert "   - why: Each trial would run at another speed." in errors
    assert "   - fix: Wait until it is cool" in errors
    assert result.stdout.rstrip().endswith("Unfit for measuring: 1 error.")


def test_a_mac_on_battery_is_fit_with_advice() -> None:
    """Advice has what mends and what undoes; without errors the exit code is 0."""
    result = mac("m4-pro-battery")

    advice = result.stdout.partition("\nAdvice\n")[2].partition("\nErrors\n")[0]
    assert result.return_value == 0
    assert "   - fix: Connect the charger.\n   - undo: Disconnect it." in advice
    assert "\nErrors\n------\n\nnone\n" in result.stdout
    assert result.stdout.rstrip().endswith("Fit for measuring.")


def test_the_budget_follows_the_connections() -> None:
    """More connections than a Mac has ports for is an error before any run."""
    few, many = mac("m1-pro-6p2e"), mac("m1-pro-6p2e", "--connections", "6000")

    assert (few.return_value, many.return_value) == (0, 3)
    assert "16,384 ephemeral ports" in many.stdout


def test_several_errors_are_counted(tmp_path: Path) -> None:
    """The last line counts the errors."""
    write(linux_tree("container-quota"), tmp_path)

    result = call("--root", str(tmp_path), "--system", "linux", "--connections", "100000", "--json")

    data = json.loads(result.stdout)
    assert data["schema_version"] == 1
    assert data["fit"] is False
    assert data["measured"] is None
    assert data["state"]["CPU split"] == "server 0, load 1, rest 2-3"


def test_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """Here the tools are looked for and the measurement is made; a quiet one has no error."""
    quiet = Measured(Clock(45.0, 60.0), (0.0,), (Steadiness(0, 9, 0.0, 1.0),), None, 0.1)
    asked: list[list[int]] = []

    def pretend(cpus: list[int]) -> Measured:
        asked.append(cpus)
        return quiet

    monkeypatch.setattr("bench.run.examining.measure", pretend)

    result = call("--json")

    data = json.loads(result.stdout)
    assert result.stderr == "measuring for 2 seconds ...\n"
    assert asked[0]
    assert data["measured"]["clock"]["cost_ns"] == 60.0
    assert result.return_value == (0 if data["fit"] else 3)


def test_tools_that_are_missing_or_old(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A PATH with an old oha and without wrk names both and the command that mends."""
    oha = tmp_path / "oha"
    oha.write_text("#!/bin/sh\necho oha 1.9.0\n")
    oha.chmod(0o755)
    monkeypatch.setattr("bench.loadtools.install.find.search_path", lambda: str(tmp_path))
    monkeypatch.setattr("bench.run.examining.search_path", lambda: str(tmp_path))
    monkeypatch.setattr("bench.run.examining.measure", lambda _cpus: None)

    result = call()

    assert result.return_value == 3
    assert "tool-missing: wrk is not installed" in result.stdout
    assert "tool-version: oha 1.9.0 is too old: 1.14 or newer is needed" in result.stdout
    assert "tool-missing: cargo is not installed" in result.stdout
