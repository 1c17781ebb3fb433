"""`bench schema` prints one schema or writes all of them into the project."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click
import pytest
from click.testing import CliRunner

from bench.cli.schema_command import command
from bench.errors import StoreError, UsageError
from bench.plans.schema import FILES, KINDS, schema_files

if TYPE_CHECKING:
    from pathlib import Path


def test_choices_are_all_kinds() -> None:
    """The command offers every kind of file that there is a schema of."""
    (kind,) = [one for one in command.params if one.name == "kind"]

    assert isinstance(kind.type, click.Choice)
    assert tuple(kind.type.choices) == tuple(KINDS)


@pytest.mark.parametrize("kind", FILES)
def test_prints_one(kind: str) -> None:
    """Stdout holds the schema and nothing else."""
    printed = CliRunner().invoke(command, [kind], catch_exceptions=False)

    assert json.loads(printed.stdout)["title"].lower() == kind


def test_writes_all(tmp_path: Path) -> None:
    """--write renews what an earlier version wrote, in the project and nowhere else."""
    (tmp_path / "configs").mkdir()
    old = tmp_path / ".bench" / "schema" / "matrix.json"
    old.parent.mkdir(parents=True)
    old.write_text("old")

    done = CliRunner().invoke(
        command, ["--write", "--project", str(tmp_path)], catch_exceptions=False
    )

    for place, text in schema_files().items():
        assert (tmp_path / place).read_text() == text
        assert f"wrote {place}" in done.stdout
    assert {path.name for path in tmp_path.iterdir()} == {"configs", ".bench"}


@pytest.mark.parametrize("words", [[], ["matrix", "--write"]])
def test_one_of_both(words: list[str]) -> None:
    """Neither or both of a kind and --write is a slip, and the advice says what is meant."""
    with pytest.raises(UsageError, match="either a kind of file or --write"):
        CliRunner().invoke(command, words, catch_exceptions=False)


def test_a_file_in_the_way(tmp_path: Path) -> None:
    """Where .bench is a file, the place is named."""
    (tmp_path / "configs").mkdir()
    (tmp_path / ".bench").write_text("")

    with pytest.raises(StoreError, match="cannot be written"):
        CliRunner().invoke(command, ["--write", "--project", str(tmp_path)], catch_exceptions=False)
