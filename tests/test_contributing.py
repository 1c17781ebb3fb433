"""What a code host reads from .github/ is well formed, pinned, and names what exists."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from ruamel.yaml import YAML

_ROOT = Path(__file__).parents[1]
_WORKFLOWS = [*(_ROOT / ".github" / "workflows").glob("*.yml"), *(_ROOT / "docs").rglob("*.yml")]
_FORMS = sorted((_ROOT / ".github" / "ISSUE_TEMPLATE").glob("*.yml"))


@pytest.mark.parametrize("file", _WORKFLOWS, ids=lambda path: path.name)
def test_actions_are_pinned(file: Path) -> None:
    """A tag can be moved, a commit cannot; the comment says which version it is."""
    used = re.findall(r"uses: (.+)", file.read_text())

    assert used
    assert [
        one for one in used if not re.fullmatch(r"\S+@[0-9a-f]{40} # v\d+\.\d+\.\d+", one)
    ] == []


@pytest.mark.parametrize("file", _FORMS, ids=lambda path: path.name)
def test_forms_can_be_shown(file: Path) -> None:
    """Each form has a name, a description, and fields with ids of their own."""
    form = YAML(typ="safe", pure=True).load(file.read_text())
    if file.name == "config.yml":
        assert form == {"blank_issues_enabled": True}
        return
    ids = [field["id"] for field in form["body"] if field["type"] != "markdown"]

    assert form["name"]
    assert form["description"]
    assert len(set(ids)) == len(ids) > 0


def test_bug_report_asks_for_the_machine() -> None:
    """Without it most reports about measurements cannot be judged."""
    text = (_ROOT / ".github" / "ISSUE_TEMPLATE" / "bug_report.yml").read_text()

    assert "bench doctor --json" in text
    assert "bench host --capture" in text


def test_updates_are_looked_for_where_pins_are() -> None:
    """dependabot.yml names every folder with a file that pins something, and no other."""
    config = YAML(typ="safe", pure=True).load((_ROOT / ".github" / "dependabot.yml").read_text())
    named = {
        (one["package-ecosystem"], folder)
        for one in config["updates"]
        for folder in one.get("directories", [one.get("directory")])
    }
    marks = {"requirements.txt": "pip", "Cargo.lock": "cargo", "package-lock.json": "npm"}
    marks["go.mod"] = "gomod"
    there = {
        (kind, f"/servers/{path.parent.name}")
        for mark, kind in marks.items()
        for path in (_ROOT / "servers").glob(f"*/{mark}")
    }

    assert named == there | {("pip", "/requirements"), ("github-actions", "/")}


def test_the_life_of_a_run_names_files_that_exist() -> None:
    """Each file that CONTRIBUTING follows a run through is in the package."""
    text = (_ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    life = text.partition("## The life of a run")[2].partition("\n## ")[0]
    named = re.findall(r"`([a-z]+/[a-z_]+\.py)`", life)

    assert len(named) > 10
    assert [name for name in named if not (_ROOT / "bench" / name).is_file()] == []
