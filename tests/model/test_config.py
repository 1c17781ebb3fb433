"""What users may write, as models: defaults, ranges, and dumps that can be read again."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from pydantic import BaseModel, ValidationError

from bench.model.config import Exclude, MatrixConfig, ProfileConfig, ServerRef, Variant, url_arm
from bench.model.fields import Rate, is_identifier
from bench.model.server_config import ServerConfig
from bench.model.workload_config import BodyConfig, Expect, Generator, RequestConfig, WorkloadConfig

MATRIX = {"servers": ["a"], "workloads": ["b"]}
KEYS: dict[type[BaseModel], str] = {
    MatrixConfig: (
        "title servers variants workloads profiles rounds precision max_rounds baseline margin"
        " max_time cost promise tolerance server_cpus load_cpus seed design exclude ceiling sweep"
        " allow_remote"
    ),
    Variant: "id as ref worktree with env",
    ProfileConfig: (
        "id tool loop connections rate rates of arrivals keepalive protocol resume processes"
        " warmup duration timeout"
    ),
    ServerRef: "id as env protocol url",
    Exclude: "server workload profile",
    WorkloadConfig: "title requests lua",
    RequestConfig: "weight method path headers body values expect then",
    BodyConfig: "file text json lines",
    Expect: ("status json text sha256 contains events headers has_headers min_time min_stream"),
    Generator: "int choice random",
    ServerConfig: (
        "title language style needs python build run env ready ready_headers ready_timeout version"
        " stop"
        " memory_limit source workloads cannot port services protocols"
    ),
}


@pytest.mark.parametrize("model", list(KEYS))
def test_keys_are_those_of_the_formats(model: type[BaseModel]) -> None:
    """Each file has exactly the keys that the formats name."""
    fields = model.model_fields.items()

    assert {field.alias or name for name, field in fields} == set(KEYS[model].split())


def test_every_key_is_documented() -> None:
    """Every key of every file stands in docs/formats.md."""
    text = (Path(__file__).parents[2] / "docs" / "formats.md").read_text(encoding="utf-8")

    absent = [
        key for keys in KEYS.values() for key in keys.split() if not re.search(rf"\b{key}\b", text)
    ]
    assert not absent


def test_matrix_defaults() -> None:
    """The defaults are those of the formats."""
    config = MatrixConfig.model_validate(MATRIX)

    assert (config.rounds, config.precision, config.max_rounds, config.margin) == (
        5,
        None,
        None,
        0.02,
    )
    assert (config.design, config.ceiling, config.allow_remote) == ("blocks", False, False)
    assert config.profiles == [ProfileConfig()]


@pytest.mark.parametrize(
    ("key", "value", "expected"),
    [
        ("precision", "0.5%", 0.005),
        ("margin", "2 %", 0.02),
        ("server_cpus", "auto", None),
        ("server_cpus", 2, 2),
        ("load_cpus", [0, 1], [0, 1]),
        ("seed", 2**53, 2**53),
        ("rounds", 100, 100),
    ],
)
def test_matrix_values(key: str, value: object, expected: object) -> None:
    """Units and choices become numbers."""
    assert getattr(MatrixConfig.model_validate({**MATRIX, key: value}), key) == expected


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("rounds", 101),
        ("rounds", "5"),
        ("rounds", True),
        ("ceiling", 1),
        ("seed", 2**53 + 1),
        ("server_cpus", []),
        ("server_cpus", [True]),
        ("load_cpus", 10**6),
        ("servers", [None]),
        ("workloads", ["a" * 65]),
        ("workloads", ["a..b"]),
        ("margin", "1" * 40 + "%"),
    ],
)
def test_matrix_refuses(key: str, value: object) -> None:
    """Nothing is bent into another type, and every number has its range."""
    with pytest.raises(ValidationError):
        MatrixConfig.model_validate({**MATRIX, key: value})


def test_names_of_programs_are_no_keys() -> None:
    """A file uses the names of the formats, not those of the program."""
    with pytest.raises(ValidationError):
        Expect.model_validate({"json_value": 1}, by_alias=True, by_name=False)


def test_server_in_a_matrix() -> None:
    """A bare id is short for a mapping; `as` gives the arm its name."""
    config = MatrixConfig.model_validate(
        {**MATRIX, "servers": ["a", {"id": "a", "as": "b"}, {"url": "http://[::1]:80"}]}
    )

    assert [ref.arm for ref in config.servers] == ["a", "b", "1-80"]
    assert config.servers[0] == ServerRef(id="a")
    assert MatrixConfig(servers=[ServerRef(id="a")], workloads=["b"]).servers[0].arm == "a"


@pytest.mark.parametrize(
    ("url", "name"),
    [("http://127.0.0.1:3000", "127.0.0.1-3000"), ("http://LOCALHOST", "localhost")],
)
def test_arm_of_an_address(url: str, name: str) -> None:
    """An address becomes an id."""
    assert url_arm(url) == name
    assert is_identifier(name)


@pytest.mark.parametrize(
    "url", ["http://a:99999", "http://a b", "ftp://a", "http://u@a", "a:80", ""]
)
def test_addresses_that_are_none(url: str) -> None:
    """Only http, a host and a port."""
    with pytest.raises(ValidationError):
        ServerRef.model_validate({"url": url})


def test_rates_can_be_given_by_programs() -> None:
    """A profile that a program builds takes a rate as it is."""
    profile = ProfileConfig(tool="oha", loop="open", rate=Rate(rps=10.0))

    assert profile.name == "oha-c50-r10"


@pytest.mark.parametrize(("written", "processes"), [("auto", None), (3, 3), (None, None)])
def test_processes(written: object, processes: int | None) -> None:
    """`auto` is no number."""
    assert ProfileConfig.model_validate({"processes": written}).processes == processes


@pytest.mark.parametrize("written", [0, 1025, "2", True, 1.0])
def test_processes_out_of_range(written: object) -> None:
    """Processes are 1 to 1024."""
    with pytest.raises(ValidationError):
        ProfileConfig.model_validate({"processes": written})


@pytest.mark.parametrize(
    "data",
    [
        {"run": ["a", "-c", "line\n\tline"], "stop": {"grace": "250us"}},
        {"run": ["a", ""], "memory_limit": "1.5GB", "ready_timeout": "0.1s"},
        {"run": ["a"], "workloads": ["b"], "python": ">=3.11,<3.14", "env": {"A": ""}},
    ],
)
def test_server_survives_a_dump(data: dict[str, object]) -> None:
    """A dumped server reads back equal, from JSON as from Python."""
    config = ServerConfig.model_validate(data)

    assert ServerConfig.model_validate(config.model_dump()) == config
    assert ServerConfig.model_validate_json(config.model_dump_json(by_alias=True)) == config


@pytest.mark.parametrize("data", [{}, {"json": None}, {"json": "same-as-body"}, {"text": ""}])
def test_expectation_survives_a_dump(data: dict[str, object]) -> None:
    """A JSON null that is expected stays apart from no expectation."""
    expect = Expect.model_validate(data)

    for again in (
        Expect.model_validate(expect.model_dump()),
        Expect.model_validate_json(expect.model_dump_json(by_alias=True)),
    ):
        assert again.has_json is expect.has_json is ("json" in data)
        assert again == expect


def test_body_survives_a_dump() -> None:
    """Of a body only what was written is dumped."""
    assert BodyConfig.model_validate({"text": "a"}).model_dump(exclude_unset=True) == {"text": "a"}
    assert BodyConfig.model_validate({"json": None}).model_dump(exclude_unset=True) == {
        "json_value": None
    }


def test_serves() -> None:
    """A server answers all workloads, or those it lists."""
    assert ServerConfig(run=["a"]).serves("x")
    assert not ServerConfig(run=["a"], workloads=["y"]).serves("x")
