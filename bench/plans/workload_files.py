"""Reads workload files, resolves bodies from disk and checks placeholders; sends nothing."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from bench.errors import ConfigError, UsageError
from bench.model.plan import RequestKind, Workload
from bench.model.workload_config import RequestConfig, WorkloadConfig
from bench.plans.request_checks import check_request
from bench.plans.yaml.checking import check
from bench.plans.yaml.file_rules import check_name
from bench.plans.yaml.files import MAX_BODY_BYTES, inside, read_limited
from bench.plans.yaml.reader import read_document

if TYPE_CHECKING:
    from bench.plans.project import Project
    from bench.plans.yaml.document import Loc, YamlDocument

MAX_LINES: Final = 100_000


def load_workload(path: Path, root: Path) -> Workload:
    """Read a workload with its bodies.

    Raises:
        ConfigError: all that is wrong with it.
    """
    workload, document = read_workload(path, root)
    if workload is None:
        raise ConfigError(sorted(document.problems))
    return workload


def workload_in(project: Project, name: str) -> Workload:
    """Read one of a project's workloads with its bodies.

    Raises:
        UsageError: there is none of that name.
        ConfigError: all that is wrong with it.
    """
    if name not in project.workloads:
        raise UsageError(
            f"there is no workload {name!r}", advice="`bench list workloads` shows them"
        )
    path = project.workloads[name]
    return load_workload(path, project.root_of(path))


def read_workload(path: Path, root: Path) -> tuple[Workload | None, YamlDocument]:
    """Read a workload; None where the document has problems."""
    document = read_document(path)
    config = check(WorkloadConfig, document)
    if document.data:
        check_name(document, path.stem, "file", "workload")
    bodies = _check_requests(document, root)
    lua = _lua(document, root)
    if config is None or document.problems:
        return None, document
    kinds = tuple(
        _kind(request, bodies.get(index, ())) for index, request in enumerate(config.requests)
    )
    title = config.title or path.stem
    return _with_hash(
        Workload(id=path.stem, title=title, kinds=kinds, lua=lua, sha256="")
    ), document


def _check_requests(document: YamlDocument, root: Path) -> dict[int, tuple[bytes, ...]]:
    requests = document.data.get("requests")
    bodies: dict[int, tuple[bytes, ...]] = {}
    if document.is_bad(("requests",)):
        return bodies
    for index, request in enumerate(requests if isinstance(requests, list) else ()):
        if isinstance(request, dict):
            loc = ("requests", index)
            bodies[index] = _bodies(document, loc, request, root)
            check_request(document, loc, request, bodies[index])
    return bodies


def _bodies(
    document: YamlDocument, loc: Loc, request: dict[str, Any], root: Path
) -> tuple[bytes, ...]:
    """The bodies of one request; empty where it has none or where they have problems."""
    body = request.get("body")
    if not isinstance(body, dict) or document.has_bad((*loc, "body")):
        return ()
    if "text" in body:
        return (body["text"].encode(),)
    if "json" in body:
        return (json_bytes(body["json"]),)
    key = "file" if "file" in body else "lines"
    where = (*loc, "body", key)
    data = read_named(document, where, body[key], root)
    if data is None:
        return ()
    return (data,) if key == "file" else _lines(document, where, data)


def json_bytes(value: Any) -> bytes:
    """A JSON value as it is sent: no blanks, keys in the order of the file."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def read_named(document: YamlDocument, loc: Loc, name: str, root: Path) -> bytes | None:
    """Read a file that the document names; None and a problem where that cannot be done."""
    path = document.path.parent / name
    if not inside(path, root):
        document.add(loc, "the path leaves the project")
        return None
    try:
        return read_limited(path, MAX_BODY_BYTES)
    except ValueError as error:
        document.add(loc, f"{name}: {error}", "paths are relative to the file they stand in")
        return None


def _lines(document: YamlDocument, loc: Loc, data: bytes) -> tuple[bytes, ...]:
    lines = data.replace(b"\r\n", b"\n").removesuffix(b"\n").split(b"\n")
    blank = next((number for number, line in enumerate(lines, start=1) if not line.strip()), None)
    if not data.strip():
        document.add(loc, "the file is empty: expected one body a line")
    elif blank is not None:
        document.add(loc, f"line {blank} of the file is blank: expected one body a line")
    elif len(lines) > MAX_LINES:
        document.add(loc, f"the file has {len(lines)} lines: at most {MAX_LINES} are read")
    else:
        return tuple(lines)
    return ()


def _lua(document: YamlDocument, root: Path) -> str | None:
    name = document.data.get("lua")
    if not isinstance(name, str) or document.is_bad(("lua",)):
        return None
    if read_named(document, ("lua",), name, root) is None:
        return None
    return str((document.path.parent / name).resolve())


def _kind(request: RequestConfig, bodies: tuple[bytes, ...]) -> RequestKind:
    return RequestKind(
        weight=request.weight,
        method=request.method,
        path=request.path,
        headers=request.headers,
        bodies=bodies,
        values=request.values,
        expect=request.expect,
        then=request.then,
    )


def _with_hash(workload: Workload) -> Workload:
    """Fill in the hash of everything that decides what is sent and what must come back."""
    digest = hashlib.sha256()
    for kind in workload.kinds:
        digest.update(kind.model_dump_json(exclude={"bodies"}).encode() + b"\0")
        for body in kind.bodies:
            digest.update(b"%d\0" % len(body) + body)
    if workload.lua is not None:
        digest.update(read_limited(Path(workload.lua), MAX_BODY_BYTES))
    return workload.replace(sha256=digest.hexdigest())
