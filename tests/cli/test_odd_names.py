"""Links that lead nowhere, and names that are not text."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.cli.conftest import Bench


def test_links_that_lead_in_a_circle(bench: Bench, tmp_path: Path) -> None:
    """Wrong input, for `init` too, with the link that it is."""
    loop = tmp_path / "loop.yaml"
    loop.symlink_to(loop)

    for words in (("validate", str(loop)), ("init", "--no-try", str(loop))):
        done = bench(*words)
        assert (done.code, f"{loop}: symbolic links lead in a circle" in done.err) == (2, True)


def test_names_that_are_not_utf_8(
    bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """JSON is UTF-8 whatever a file or a folder is called: ? stands for such a byte."""
    folder = Path(os.fsdecode(os.fsencode(tmp_path) + b"/bad\xff"))
    try:
        folder.mkdir()
    except OSError:
        pytest.skip("names are UTF-8 on this system")
    bench("init", "--no-try", str(folder))
    monkeypatch.chdir(folder)

    odd = bench("validate", "--json", "x\udcff.yaml")
    plan = bench("plan", "first", "--json")

    assert (odd.code, json.loads(odd.out)["files"]) == (2, ["x?.yaml"])
    assert "/bad?/servers/" in json.loads(plan.out)["arms"][0]["folder"]
