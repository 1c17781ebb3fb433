"""Every key of every kind of file with values of every wrong kind: problems, never a traceback."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import pytest

from bench.plans.validation import check_files, warnings
from bench.plans.yaml.document import PROBLEMS_MAX, YamlDocument
from bench.plans.yaml.reader import read_document
from tests.plans.helpers import unsupported, write_project

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_SERVER: Final[dict[str, Any]] = {
    "title": "one",
    "language": "C",
    "style": "x",
    "needs": ["sh"],
    "python": ">=3.11",
    "build": [["sh", "-c", "true"]],
    "run": ["app", "{port}", "{protocol}", "{cert}"],
    "protocols": ["http", "https"],
    "port": 3000,
    "env": {"A": "{postgres_url}"},
    "ready": "/",
    "ready_headers": {"host": "x"},
    "ready_timeout": "5s",
    "version": ["app", "-v"],
    "stop": {"signal": "SIGINT", "grace": "1s"},
    "memory_limit": "4GB",
    "source": ".",
    "workloads": ["small"],
    "cannot": {"other": "why"},
    "services": {"postgres": ["small"]},
}
_WORKLOAD: Final[dict[str, Any]] = {
    "title": "small",
    "lua": "a.lua",
    "requests": [
        {
            "weight": 2,
            "method": "POST",
            "path": "/{id}",
            "headers": {"content-type": "application/json"},
            "body": {"json": {"id": "{id}"}},
            "values": {"id": {"int": [1, 5]}, "blob": {"random": "1KB"}},
            "expect": {
                "status": 200,
                "json": "same-as-body",
                "contains": ["x"],
                "headers": {"etag": "x"},
                "has_headers": ["date"],
                "min_time": "1ms",
                "min_stream": "1ms",
            },
            "then": {"path": "/{id}", "expect": {"text": "x"}},
        },
        {"path": "/", "values": {"a": {"choice": ["x", 1]}}, "body": {"text": "{a}"}},
        {"path": "/", "body": {"file": "a"}, "expect": {"events": ["x"]}},
        {"path": "/", "body": {"lines": "a"}, "expect": {"sha256": "x"}},
    ],
}
_OPEN: Final = {"id": "x", "tool": "paced", "loop": "open", "rates": ["10%"], "of": "own"}
_MATRIX: Final[dict[str, Any]] = {
    "title": "m",
    "servers": ["one", {"id": "two", "as": "b", "env": {"A": "1"}, "protocol": "http"},
                {"url": "http://127.0.0.1:3000"}],
    "variants": [{"id": "one", "as": "v", "ref": "main", "env": {"B": "1"}},
                 {"id": "one", "worktree": True}, {"id": "one", "with": "x==1"}],
    "workloads": ["small"],
    "profiles": [
        {"tool": "wrk", "loop": "closed", "connections": 8, "keepalive": False, "protocol": "https",
         "resume": False, "processes": 1, "warmup": "1s", "duration": "2s", "timeout": "1s"},
        _OPEN, {"tool": "oha", "loop": "open", "rate": "50%"},
        {"loop": "open", "arrivals": "even", "rate": 50},
    ],
    "rounds": 5,
    "precision": "2%",
    "max_rounds": 12,
    "max_time": "20m",
    "cost": True,
    "baseline": "one",
    "margin": "2%",
    "tolerance": "5%",
    "sweep": {"connections": [1, 8], "server_cpus": [1]},
    "server_cpus": 1,
    "load_cpus": [1],
    "seed": 1,
    "design": "blocks",
    "exclude": [{"server": "one", "workload": "small", "profile": "x"}],
    "ceiling": True,
    "allow_remote": True,
}  # fmt: skip
_PROMISED: Final[dict[str, Any]] = {
    "servers": ["one"],
    "workloads": ["small"],
    "profiles": [{"loop": "open", "timeout": "1s"}],
    "promise": "p99<10ms",
    "tolerance": "5%",
}
_ODD: Final[tuple[Any, ...]] = (
    None, 5, True, "", "x", [], {}, [5], [[]], [{"a": ["b"]}], {"a": {"b": ["c"]}},
    {"postgres": [{}]},
)  # fmt: skip
_ODD_INSIDE: Final = (None, 5, "x", [{"a": ["b"]}], {"a": 5})


def _changed(value: Any, odd: tuple[Any, ...] = _ODD) -> Iterator[Any]:
    """The value with one key or entry in it replaced, by each odd value in turn."""
    places = value.items() if isinstance(value, dict) else enumerate(value)
    for key, inner in list(places):
        inside = _changed(inner, _ODD_INSIDE) if isinstance(inner, dict | list) else ()
        for new in (*odd, *inside):
            copy = value.copy()
            copy[key] = new
            yield copy


@pytest.mark.parametrize(
    ("place", "good"),
    [
        ("servers/one/server.yaml", _SERVER),
        ("configs/workloads/small.yaml", _WORKLOAD),
        ("configs/m.yaml", _MATRIX),
        ("configs/m.yaml", _PROMISED),
    ],
)
def test_no_value_is_a_traceback(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str, good: dict[str, Any]
) -> None:
    """Whatever stands at a key, the answer is a list of problems."""
    project = write_project(tmp_path)
    read: dict[Path, dict[str, Any]] = {}
    for name in ("server", "workload", "matrix"):  # without the parser, the slow part
        module = f"bench.plans.{name}_files.read_document"
        monkeypatch.setattr(module, lambda path: _document(path, read))
    path = tmp_path / place
    failed: dict[str, Any] = {}
    for read[path] in _changed(good):
        try:
            check_files(project, [path], unsupported)
            warnings(project, [path])
        except Exception as error:  # noqa: BLE001 - all of them are shown at the end
            failed.setdefault(repr(error), read[path])
    assert failed == {}


def _document(path: Path, read: dict[Path, dict[str, Any]]) -> YamlDocument:
    if path not in read:
        read[path] = read_document(path).data
    document = YamlDocument(path)
    document.data, document.readable = read[path], True
    return document


@pytest.mark.parametrize(
    ("place", "text"),
    [
        ("servers/one/server.yaml", "run: 5\nenv: {A: {}}\nprotocols: 5\nbuild: BAD\nsource: 5\n"),
        (
            "configs/workloads/small.yaml",
            "requests:\n  - {path: /, expect: BAD}\n  - {path: 5, body: {text: 5}}\n",
        ),
        ("configs/m.yaml", "servers: BAD\nprofiles: [{loop: 5}]\npromise: 5\ncost: true\n"),
        ("configs/m.yaml", "servers: BAD\nprofiles: 5\nsweep: {connections: x}\ncost: true\n"),
    ],
)
def test_more_problems_than_are_told(tmp_path: Path, place: str, text: str) -> None:
    """Beyond the limit a value may be wrong without having a problem of its own."""
    project = write_project(tmp_path)
    (tmp_path / place).write_text(text.replace("BAD", f"[{', '.join(['[{a: {}}]'] * 300)}]"))
    if "workloads" in place:
        many = ", ".join(f"x{number}: 1" for number in range(300))
        (tmp_path / place).write_text(text.replace("BAD", f"{{{many}}}"))

    found = check_files(project, [tmp_path / place], unsupported).problems

    assert len(found) == PROBLEMS_MAX + 1
