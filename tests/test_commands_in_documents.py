"""What documents tell the reader to type exists: commands, options, matrices, files."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import click
import pytest
from ruamel.yaml import YAML

from bench.cli import COMMANDS, LazyGroup
from bench.model.config import MatrixConfig

ROOT = Path(__file__).resolve().parents[1]
DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
WORKFLOW = ROOT / "docs" / "examples" / "bench-ab.yml"
OWN_SERVER = ROOT / "docs" / "own-server.md"

_BLOCK = re.compile(r"^```(\w+)\n(.*?)^```", re.MULTILINE | re.DOTALL)
_INLINE = re.compile(r"`((?:\.venv/bin/)?bench [^`\n]+)`")
_LINK = re.compile(r"\]\(([^)#\s]+)(?:#[\w-]+)?\)")


def blocks(text: str, language: str) -> list[str]:
    """Code blocks of one language."""
    return [code for kind, code in _BLOCK.findall(text) if kind == language]


def typed(text: str) -> list[str]:
    """Lines that call `bench`, in blocks for a shell and between backticks."""
    lines = [line for code in blocks(text, "sh") for line in code.splitlines()]
    return [
        *(line for line in lines if re.match(r"(\.venv/bin/)?bench ", line)),
        *_INLINE.findall(text),
    ]


def unknown(line: str) -> list[str]:
    """What in a line is no command or option of `bench`."""
    words = shlex.split(line, comments=True)
    words = words[1 : words.index("--")] if "--" in words else words[1:]
    if words[0].startswith("-"):
        return []
    if words[0] not in COMMANDS:
        return [words[0]]
    command = LazyGroup().get_command(click.Context(click.Group()), words[0])
    assert command is not None
    if isinstance(command, click.Group) and len(words) > 1:
        command = command.commands.get(words[1], command)
    known = {name for parameter in command.params for name in parameter.opts} | {"--help", "--and"}
    return [word for word in words if word.startswith("--") and word.partition("=")[0] not in known]


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_commands_and_options_exist(document: Path) -> None:
    """Every call of `bench` in a document names a command and options that there are."""
    wrong = {line: found for line in typed(document.read_text()) if (found := unknown(line))}

    assert wrong == {}


def test_slips_are_found() -> None:
    """The check itself tells a wrong command and a wrong option."""
    assert unknown("bench ba mine") == ["ba"]
    assert unknown("bench ab mine --reff main --ref=x") == ["--reff"]
    assert unknown("bench history add RUN --last 3") == ["--last"]
    assert unknown("bench try --path / -- node --port 1") == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_links_lead_somewhere(document: Path) -> None:
    """A link to a file of this repository names one that is there."""
    links = [link for link in _LINK.findall(document.read_text()) if "://" not in link]

    assert [link for link in links if not (document.parent / link).exists()] == []


def test_the_matrix_with_variants_is_one() -> None:
    """The matrix of the guide can be read, and has the arms that it speaks of."""
    (text,) = blocks(OWN_SERVER.read_text(), "yaml")
    matrix = MatrixConfig.model_validate(YAML(typ="safe", pure=True).load(text), by_alias=True)

    assert [arm.arm for arm in matrix.arms] == ["v1", "main", "worktree"]


def test_the_workflow_calls_what_exists() -> None:
    """The example for a hosted CI is YAML, calls real options and tells apart the exit codes."""
    steps = YAML(typ="safe", pure=True).load(WORKFLOW.read_text())["jobs"]["ab"]["steps"]
    scripts = "\n".join(step.get("run", "") for step in steps).replace("\\\n", " ")
    calls = [line.strip() for line in scripts.splitlines() if line.strip().startswith("bench ")]
    calls = [re.split(r"\s(?:>|\|\|)", call)[0] for call in calls]

    assert len(calls) == 3
    assert [unknown(call) for call in calls] == [[], [], []]
    assert steps[0]["with"]["fetch-depth"] == 2
    assert {"0)", "4)", "*)"} <= set(scripts.split())
