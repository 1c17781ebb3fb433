"""machines.yaml: which file is read, what it may say, and where it is wrong."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from jsonschema import Draft7Validator

from bench.errors import ConfigError, UsageError
from bench.model.machines import LoadMachine, MachineGroup, ServerMachine
from bench.plans.machine_files import choose_machines
from bench.plans.schema import descriptions, schema_files, schema_text

if TYPE_CHECKING:
    from pathlib import Path

GOOD = """lab:
  server: {ssh: server-box, address: 10.0.0.2}
  load: [{ssh: load-1}, {ssh: me@load-2}]
desk:
  server: {ssh: "ssh://root@[fe80::1]:2222", address: "fe80::1"}
  load: [{ssh: local}]
"""


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    (tmp_path / "bench").mkdir()
    return tmp_path / "bench" / "machines.yaml"


def test_name_in_the_users_file(home: Path) -> None:
    """A name alone is looked up in the user's configuration folder."""
    home.write_text(GOOD)
    chosen = choose_machines("lab")

    assert chosen.file == home
    assert chosen.group.server == ServerMachine(ssh="server-box", address="10.0.0.2")
    assert [one.ssh for one in chosen.group.load] == ["load-1", "me@load-2"]
    assert choose_machines("desk").group.server.ssh == "ssh://root@[fe80::1]:2222"


def test_file_and_name(tmp_path: Path) -> None:
    """`FILE:NAME` is for a file that lies elsewhere."""
    path = tmp_path / "my machines.yaml"
    path.write_text(GOOD)

    assert choose_machines(f"{path}:lab").name == "lab"


def test_no_file(home: Path) -> None:
    """The message shows what to write, and where."""
    with pytest.raises(UsageError, match="there is no file") as caught:
        choose_machines("lab")

    assert str(home) in caught.value.message
    assert "server: {ssh: server-box" in caught.value.advice


def test_unknown_name(home: Path) -> None:
    """The nearest one is named."""
    home.write_text(GOOD)
    with pytest.raises(UsageError, match="no machines") as caught:
        choose_machines("lap")

    assert caught.value.advice == "did you mean lab?"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("lab: {load: [{ssh: a}]}\n", ":1: lab.server: this key is required and missing"),
        ("lab:\n  server: {ssh: a}\n  load: []\n", ":3: lab.load: expected at least one entry"),
        (
            "lab:\n  server: {ssh: a}\n  laod: [{ssh: b}]\n  load: [{ssh: b}]\n",
            ":3: lab.laod: unknown key (did you mean load?)",
        ),
        (
            "lab:\n  server: {ssh: a, adress: 1.2.3.4}\n  load: [{ssh: b}]\n",
            ":2: lab.server.adress: unknown key (did you mean address?)",
        ),
        (
            "lab:\n  server: {ssh: -oProxyCommand=x}\n  load: [{ssh: b}]\n",
            ":2: lab.server.ssh: expected one word that `ssh` understands, such as server-box, ",
        ),
        (
            "lab:\n  server: {ssh: a b}\n  load: [{ssh: b}]\n",
            ":2: lab.server.ssh: expected one word",
        ),
        (
            'lab:\n  server: {ssh: a, address: "1.2.3.4:80"}\n  load: [{ssh: b}]\n',
            ":2: lab.server.address: expected an address without port",
        ),
        (
            "lab:\n  server: {ssh: local}\n  load: [{ssh: b}]\n",
            ":2: lab.server: the address is missing at which the load machines reach this machine",
        ),
        ("Lab:\n  server: {ssh: a}\n  load: [{ssh: b}]\n", ":1: Lab"),
        ("- lab\n", ":1: expected keys"),
    ],
)
def test_faults_have_their_place(home: Path, text: str, said: str) -> None:
    """Line, key, what was expected and what to do, as in every other file."""
    home.write_text(text)
    with pytest.raises(ConfigError) as caught:
        choose_machines("lab")

    assert f"machines.yaml{said}" in str(caught.value)
    assert len(caught.value.problems) == 1


def test_schema() -> None:
    """Editors accept the good file, point at slips, and no project gets the schema."""
    schema = json.loads(schema_text("machines"))
    Draft7Validator.check_schema(schema)
    check = Draft7Validator(schema)
    server, load = {"ssh": "a", "address": "10.0.0.2"}, [{"ssh": "b"}]

    assert list(check.iter_errors({"lab": {"server": server, "load": load}})) == []
    assert list(check.iter_errors({"lab": {"server": server, "load": []}})) != []
    assert list(check.iter_errors({"lab": {"server": {"ssh": "-x"}, "load": load}})) != []
    assert list(check.iter_errors({"lab": {"server": server, "load": load, "x": 1}})) != []
    assert not [path for path in schema_files() if path.stem == "machines"]


@pytest.mark.parametrize("model", [MachineGroup, ServerMachine, LoadMachine])
def test_each_key_is_described(model: type[MachineGroup]) -> None:
    """The docstring of a model says something about each of its fields and of no other."""
    assert list(descriptions(model)) == list(model.model_fields)
