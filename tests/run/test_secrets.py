"""Secrets stand in no JSON, no copy of a matrix and no recorded command line."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from bench.model.plan import Arm
from bench.model.secrets import hidden_words
from bench.model.server_config import ServerConfig
from bench.plans.matrix_files import load_matrix, read_matrix
from bench.run.secret_values import kept_matrix, same_config

if TYPE_CHECKING:
    from pathlib import Path

_PLAIN = "title: A  # a comment\nservers: [one]\nworkloads: [w]\n"
_WITH = """title: A
servers: [one, {id: one, as: two, env: {API_KEY: "a: b", WORKERS: "2"}}]
variants: [{id: one, as: three, env: {DB_PASSWORD: hunter2}}]
workloads: [w]
"""


def test_a_matrix_without_secrets_is_kept_as_it_is(tmp_path: Path) -> None:
    """Comments and spelling stay."""
    path = tmp_path / "plain.yaml"
    path.write_text(_PLAIN)

    assert kept_matrix(read_matrix(path)) == _PLAIN.encode()


def test_a_matrix_with_secrets_is_kept_without_them(tmp_path: Path) -> None:
    """Every other value stays, and the copy of the copy is the same."""
    path = tmp_path / "secret.yaml"
    path.write_text(_WITH)
    kept = kept_matrix(read_matrix(path))
    copy = tmp_path / "matrix.yaml"
    copy.write_bytes(kept)
    config = load_matrix(copy)

    assert b"a: b" not in kept
    assert b"hunter2" not in kept
    assert config.servers[1].env == {"API_KEY": "***", "WORKERS": "2"}
    assert config.variants[0].env == {"DB_PASSWORD": "***"}
    assert kept_matrix(read_matrix(copy)) == kept


def test_json_of_a_plan_has_none() -> None:
    """Whole in memory, `***` in JSON; other variables are there."""
    config = ServerConfig(run=["x"], env={"AUTH_TOKEN": "abc", "PORT": "{port}"})
    arm = Arm(name="a", server="a", folder="/a", config=config, env={"SECRET": "def", "N": "1"})
    data = json.loads(arm.model_dump_json())

    assert set(arm.env.values()) == {"def", "1"}
    assert set(arm.config.env.values()) == {"abc", "{port}"}
    assert data["env"] == {"SECRET": "***", "N": "1"}
    assert data["config"]["env"] == {"AUTH_TOKEN": "***", "PORT": "{port}"}


@pytest.mark.parametrize(
    ("word", "shown"),
    [
        ("API_TOKEN=abc", "API_TOKEN=***"),
        ("--api-key=abc", "--api-key=***"),
        ("--rounds=5", "--rounds=5"),
        ("WORKERS=2", "WORKERS=2"),
        ("json-small", "json-small"),
    ],
)
def test_recorded_words(word: str, shown: str) -> None:
    """Only the value of a setting that is named like a secret is hidden."""
    assert hidden_words(["run", word]) == ("run", shown)


def test_a_renewed_secret_is_no_change() -> None:
    """server.yaml counts as edited when another variable changed, not when a secret did."""
    one, renewed, other = (
        ServerConfig(run=["x"], env=env)
        for env in ({"TOKEN": "a", "N": "1"}, {"TOKEN": "b", "N": "1"}, {"TOKEN": "a", "N": "2"})
    )

    assert same_config(one, renewed)
    assert not same_config(one, other)
