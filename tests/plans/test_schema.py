"""What editors are told accepts what `bench validate` accepts and refuses what is misshapen."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

import pytest
from jsonschema import Draft7Validator

from bench.model.config import Exclude, ProfileConfig, ServerRef, Variant
from bench.model.server_config import Stop
from bench.model.workload_config import BodyConfig, Expect, Generator, RequestConfig
from bench.plans.project import find_project
from bench.plans.schema import FILES, FOLDER, descriptions, schema_files, schema_text
from bench.plans.starter import InitOptions, propose
from bench.plans.yaml.reader import read_document
from tests.plans.helpers import BAD, ROOT

if TYPE_CHECKING:
    from pathlib import Path

    from bench.model.base import Model

MODELS: Final = (
    *FILES.values(),
    *(Exclude, ProfileConfig, ServerRef, Variant),
    *(BodyConfig, Expect, Generator, RequestConfig, Stop),
)
MATRIX: Final = {"servers": ["axum"], "workloads": ["plaintext"]}
REQUEST: Final = {"path": "/"}
SERVER: Final = {"run": ["app", "{port}"]}


def validator(kind: str) -> Draft7Validator:
    return Draft7Validator(json.loads(schema_text(kind)))


def faults(kind: str, data: Any) -> list[str]:
    return [f"{error.json_path}: {error.message}" for error in validator(kind).iter_errors(data)]


def kind_of(path: Path) -> str:
    if path.name == "server.yaml":
        return "server"
    return "workload" if path.parent.name == "workloads" else "matrix"


def files(root: Path) -> list[Path]:
    patterns = ("configs/*.yaml", "configs/workloads/*.yaml", "servers/*/server.yaml")
    return sorted(path for pattern in patterns for path in root.glob(pattern))


@pytest.mark.parametrize("kind", FILES)
def test_is_a_schema(kind: str) -> None:
    """Each is valid by the draft that it names, and the same text each time."""
    Draft7Validator.check_schema(json.loads(schema_text(kind)))

    assert schema_text(kind) == schema_text(kind)
    assert schema_files()[FOLDER / f"{kind}.json"] == schema_text(kind)


def test_accepts_what_is_committed() -> None:
    """Every server, workload and matrix that comes with bench, and the good ones among the bad."""
    good = [path for path in files(BAD) if "good" in (path.stem, path.parent.name)]
    paths = [*files(ROOT), *good]

    assert len(paths) >= 18
    assert len(good) == 3
    for path in paths:
        assert faults(kind_of(path), read_document(path).data) == [], path


def test_refuses_what_is_misshapen() -> None:
    """Of the bad files that YAML can read, all are refused but those that are listed.

    Those need what JSON Schema does not know: other files, sums, two values that must agree.
    """
    said = (BAD / "expected.txt").read_text()
    accepted = []
    for path in files(BAD):
        name = path.relative_to(BAD).as_posix()
        document = read_document(path)
        if f"{name}:" not in said or document.problems or not document.readable:
            continue
        if not faults(kind_of(path), document.data):
            accepted.append(name)

    assert accepted == (BAD / "beyond-schema.txt").read_text().splitlines()


@pytest.mark.parametrize(
    "more",
    [
        {"profiles": [{"warmup": "0s", "duration": " 2.5m ", "rate": "50%", "processes": "auto"}]},
        {"profiles": [{"rate": 2000, "processes": 2, "tool": "oha", "loop": "open"}]},
        {"server_cpus": "auto", "load_cpus": [0, 1], "precision": "0.5 %", "seed": 7},
        {"servers": [{"id": "axum", "as": "b", "env": {"A": "1"}}, {"url": "http://[::1]:80"}]},
        {"variants": [{"id": "a", "ref": "v1"}, {"id": "a", "env": {"A": "1"}}]},
        {"exclude": [{"server": "a*"}], "ceiling": True, "design": "duet"},
    ],
)
def test_accepts_each_form(more: dict[str, Any]) -> None:
    """Values that have more than one form are right in each, for the model and the schema."""
    data = {**MATRIX, **more}

    FILES["matrix"].model_validate(data, by_alias=True, by_name=False)
    assert faults("matrix", data) == []


@pytest.mark.parametrize(
    ("kind", "data", "place"),
    [
        ("matrix", {**MATRIX, "round": 3}, "$"),
        ("matrix", {**MATRIX, "rounds": "3"}, "$.rounds"),
        ("matrix", {**MATRIX, "title": None}, "$.title"),
        ("matrix", {**MATRIX, "margin": 2}, "$.margin"),
        ("matrix", {**MATRIX, "profiles": [{"duration": 10}]}, "$.profiles[0].duration"),
        ("matrix", {**MATRIX, "profiles": [{"tool": "ab"}]}, "$.profiles[0].tool"),
        ("matrix", {**MATRIX, "profiles": [{"rate": 0}]}, "$.profiles[0].rate"),
        ("matrix", {**MATRIX, "server_cpus": "all"}, "$.server_cpus"),
        ("matrix", {"workloads": ["plaintext"]}, "$"),
        ("matrix", {**MATRIX, "servers": [{"as": "b"}]}, "$.servers[0]"),
        ("matrix", {**MATRIX, "variants": [{"id": "a"}]}, "$.variants[0]"),
        ("workload", {"requests": []}, "$.requests"),
        ("workload", {"requests": [{**REQUEST, "body": {}}]}, "$.requests[0].body"),
        ("workload", {"requests": [{**REQUEST, "method": "get"}]}, "$.requests[0].method"),
        ("server", {}, "$"),
        ("server", {**SERVER, "run": "app {port}"}, "$.run"),
        ("server", {**SERVER, "memory_limit": "4GiB"}, "$.memory_limit"),
        ("server", {**SERVER, "stop": {"signal": "TERM"}}, "$.stop.signal"),
    ],
)
def test_points_at_the_fault(kind: str, data: dict[str, Any], place: str) -> None:
    """A wrong key or value is underlined where it stands, and nothing else is."""
    assert {error.json_path for error in validator(kind).iter_errors(data)} == {place}


def test_null_is_a_value_in_json_only() -> None:
    """A key without a value is a slip, but null is JSON."""
    request = {**REQUEST, "body": {"json": None}, "expect": {"json": {"a": None}}}

    assert faults("workload", {"requests": [request]}) == []
    assert faults("workload", {"requests": [{**REQUEST, "expect": None}]}) != []


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
def test_each_key_is_described(model: type[Model]) -> None:
    """The docstring of a model says something about each of its fields and of no other."""
    assert list(descriptions(model)) == list(model.model_fields)


@pytest.mark.parametrize("kind", FILES)
def test_defaults_can_be_written(kind: str) -> None:
    """What editors insert as a default is a value that may stand there."""
    schema = json.loads(schema_text(kind))
    found = 0
    for part in (schema, *schema.get("$defs", {}).values()):
        for name, about in part.get("properties", {}).items():
            if "default" in about:
                found += 1
                inner = {**about, "$defs": schema.get("$defs", {})}
                assert Draft7Validator(inner).is_valid(about["default"]), name

    assert found >= 3


def test_init_names_the_schema(tmp_path: Path) -> None:
    """The first line of what `init` writes leads from the file to the schema of its kind."""
    for place, text in propose(tmp_path, InitOptions("mine")).files.items():
        (tmp_path / place).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / place).write_text(text)

    written = files(tmp_path)
    assert [kind_of(path) for path in written] == ["matrix", "workload", "server"]
    for path in written:
        mark, _, link = path.read_text().splitlines()[0].partition("$schema=")
        assert mark == "# yaml-language-server: "
        assert (path.parent / link).resolve() == tmp_path / FOLDER / f"{kind_of(path)}.json"
        assert (path.parent / link).read_text() == schema_text(kind_of(path))
        assert faults(kind_of(path), read_document(path).data) == []
    assert set(find_project(tmp_path).matrices) >= {"first"}
