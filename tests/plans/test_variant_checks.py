"""Variants in a matrix: names, what they become, and how they are chosen."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bench.errors import ConfigError
from bench.model.config import Variant
from bench.plans.matrix_files import load_matrix
from bench.plans.overrides import Overrides
from bench.plans.variant_checks import variant_error
from bench.plans.yaml.reader import read_document
from tests.plans.helpers import plan_of, write_project

if TYPE_CHECKING:
    from pathlib import Path

MATRIX = """workloads: [small]
variants:
  - {id: one, ref: main}
  - {id: one, ref: Feature/X, as: mine}
  - {id: two, with: lib==1.2}
  - {id: two, env: {THREADS: "2"}}
"""


@pytest.mark.parametrize(
    ("written", "arm", "place"),
    [
        ({"id": "one", "ref": "Feature/X"}, "feature-x", "one.feature-x"),
        ({"id": "one", "ref": "Feature/X", "as": "mine"}, "mine", "one.mine"),
        ({"id": "one", "worktree": True}, "worktree", "one.worktree"),
        ({"id": "one", "with": "@a/lib@1.2"}, "a-lib-1.2", "one.a-lib-1.2"),
        ({"id": "one", "env": {"A": "1", "B": "2"}}, "a-1-b-2", "one"),
        ({"id": "one", "ref": "main", "env": {"A": "1"}}, "main", "one.main"),
    ],
)
def test_a_variant_has_a_name_and_a_place(written: dict[str, object], arm: str, place: str) -> None:
    """`as` first, else what makes it another one; variables alone need no other folder."""
    variant = Variant.model_validate(written, by_alias=True, by_name=False)

    assert (variant.arm, variant.place) == (arm, place)


def test_servers_may_be_missing_beside_variants(tmp_path: Path) -> None:
    """A matrix of variants alone is whole; the first variant is the baseline."""
    plan, _ = plan_of(write_project(tmp_path, matrix=MATRIX))

    assert [arm.name for arm in plan.arms] == ["main", "mine", "lib-1.2", "threads-2"]
    assert plan.baseline == "main"


def test_servers_come_first(tmp_path: Path) -> None:
    """Servers and variants stand in one table, the servers first."""
    plan, _ = plan_of(write_project(tmp_path, matrix=f"servers: [two]\n{MATRIX}"))

    assert [arm.name for arm in plan.arms][:2] == ["two", "main"]
    assert plan.baseline == "two"


def test_a_variant_not_made_is_planned_as_its_server(tmp_path: Path) -> None:
    """Without a folder of its own it is checked as the server that it is a variant of."""
    plan, _ = plan_of(write_project(tmp_path, matrix=MATRIX))

    assert [arm.server for arm in plan.arms] == ["one", "one", "two", "two"]
    assert plan.arms[3].env == {"THREADS": "2"}


def test_a_variant_that_was_made_is_planned_in_its_folder(tmp_path: Path) -> None:
    """Once a project has the variant's server, that one is taken."""
    project = write_project(tmp_path, matrix=MATRIX)
    there = tmp_path / "elsewhere" / "server.yaml"
    there.parent.mkdir()
    there.write_text('title: Other\nrun: [app, "{port}"]\n')
    servers = {**project.servers, "one.main": there}
    project = project._replace(servers=servers, roots=(there.parent,))

    arm = plan_of(project)[0].arms[0]

    assert (arm.name, arm.server, arm.config.title) == ("main", "one.main", "Other")
    assert arm.folder == str(there.parent.resolve())


def test_the_command_line_chooses_variants(tmp_path: Path) -> None:
    """--servers knows variants by their names in tables."""
    chosen = Overrides(servers=("mine", "threads-2"))
    plan, _ = plan_of(write_project(tmp_path, matrix=MATRIX), chosen)

    assert [arm.name for arm in plan.arms] == ["mine", "threads-2"]


def test_exclude_and_baseline_know_variants(tmp_path: Path) -> None:
    """Their names count as names of servers everywhere in the matrix."""
    matrix = f"{MATRIX}baseline: mine\nexclude: [{{server: lib-1.2}}]\n"
    plan, _ = plan_of(write_project(tmp_path, matrix=matrix))

    assert plan.baseline == "mine"
    assert [skipped.server for skipped in plan.skipped] == ["lib-1.2"]


def test_a_written_matrix_is_read_as_it_is(tmp_path: Path) -> None:
    """Keys that are words of Python are read under their names in the file."""
    config = load_matrix(write_project(tmp_path, matrix=MATRIX).matrices["m"])

    assert [variant.key for variant in config.variants] == ["ref", "ref", "with", ""]
    assert config.variants[2].dependency == "lib==1.2"


def test_an_error_names_the_line_of_the_variant(tmp_path: Path) -> None:
    """What goes wrong later than reading is told with file, line and key all the same."""
    path = write_project(tmp_path, matrix=MATRIX).matrices["m"]

    with pytest.raises(ConfigError, match=r"m\.yaml:4: variants\[1\]\.ref: gone \(look\)$"):
        raise variant_error(read_document(path), 1, "ref", "gone", "look")
