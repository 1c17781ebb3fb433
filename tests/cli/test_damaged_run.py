"""A run whose files somebody changed is refused or shown without them, never a traceback."""

from __future__ import annotations

import json
import re
import shutil
from typing import TYPE_CHECKING, Any

import pytest

from tests.cli.test_import_command import run
from tests.loadtools.recorded import WRK

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def recorded(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Path:
    """A run of two servers in three rounds."""
    text = (WRK / "good.txt").read_text()
    words = []
    for number in range(6):
        file = tmp_path / f"{number}.txt"
        file.write_text(re.sub(r"[0-9]+ requests in", f"{7000 + number} requests in", text))
        words.append(f"{'ab'[number // 3]}={file}")
    code, _, err = run(capsys, "import", "wrk", *words, "--output", tmp_path / "run")
    assert code == 0, err
    return tmp_path / "run"


@pytest.mark.parametrize("words", [("check",), ("report",), ("compare", "{run}")])
def test_a_plan_without_the_profile_of_its_cells(
    capsys: pytest.CaptureFixture[str], recorded: Path, words: tuple[str, ...]
) -> None:
    """plan.json is what cannot be read."""
    plan = recorded / "plan.json"
    document = json.loads(plan.read_text())
    document["profiles"][0]["id"] = "other"
    plan.write_text(json.dumps(document))
    copy = shutil.copytree(recorded, recorded.with_name("copy"))
    more = [word.format(run=copy) for word in words[1:]]
    code, _, err = run(capsys, words[0], *more, recorded)

    assert code == 2
    assert re.search(r"plan\.json cannot be read: the cell a\.\S+ is of a profile", err), err


@pytest.mark.parametrize("used", [(1e308, 1.0, 1.1), (1e299, 1.0, 1.1), (1e308,)])
def test_cpu_time_that_no_computer_has(
    capsys: pytest.CaptureFixture[str], recorded: Path, used: tuple[float, ...]
) -> None:
    """What cannot be calculated with it is not a figure."""
    file = recorded / "trials.jsonl"
    records: list[dict[str, Any]] = [json.loads(line) for line in file.read_text().splitlines()]
    for number, record in enumerate(records):
        record["resources"]["server_cpu_s"] = used[number % len(used)]
    file.write_text("".join(f"{json.dumps(record)}\n" for record in records))

    copy = shutil.copytree(recorded, recorded.with_name("copy"))
    assert run(capsys, "report", recorded)[0] == 0
    assert run(capsys, "compare", copy, recorded)[0] == 0
    code, out, _ = run(capsys, "check", recorded)
    assert (code, "differs from its line in trials.jsonl" in out) == (1, True)
