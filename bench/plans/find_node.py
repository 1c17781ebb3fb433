"""A server in JavaScript: run by node, bun or deno, at the top or in one of the workspaces."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, Final

from bench.plans.found_server import UP, FoundServer, matching, text_of

if TYPE_CHECKING:
    from pathlib import Path

_STEMS: Final = ("server", "index", "app", "src/index", "main", "src/server", "src/main")
_UNKNOWN: Final = "THE-SCRIPT"
_BUN: Final = ("bun.lock", "bun.lockb", "bunfig.toml")
_DENO: Final = ("deno.json", "deno.jsonc", "deno.lock")
_START: Final = re.compile(r"(?:node|bun(?: run)?) (?:--?[\w-]+(?:=\S+)? )*(\S+)")
_LOOK: Final = "is this the script that listens, and how is it given its port?"


def find_node(folder: Path, _name: str) -> FoundServer | None:
    """The script of a package, of the one workspace that has one, or of a Deno project."""
    data = json_of(folder / "package.json")
    if any((folder / name).is_file() for name in _DENO) and not (data or {}).get("dependencies"):
        return _deno(folder)
    if data is None:
        return None
    bun = any((folder / name).is_file() for name in _BUN)
    members = _members(folder, data)
    script, look = _script(folder, data, typed=bun), _LOOK
    if members and not (folder / script).is_file():
        script, look = _of_members(folder, members, typed=bun)
    return FoundServer(
        kind="package.json",
        language="TypeScript" if script.endswith(("ts", "tsx")) else "JavaScript",
        needs="bun" if bun else "node",
        build=_install(folder, data, bun=bun, whole=bool(members)),
        run=["bun" if bun else "node", f"{UP}/{script}"],
        look=look,
        unknown=_UNKNOWN if script == _UNKNOWN else "",
        settings={"NODE_ENV": "production"},
    )


def json_of(path: Path) -> dict[str, Any] | None:
    """A JSON object in a file; {} where it is there and cannot be read."""
    if not path.is_file():
        return None
    try:
        data = json.loads(text_of(path))
    except (ValueError, RecursionError):
        return {}
    return data if isinstance(data, dict) else {}


def _install(folder: Path, data: dict[str, Any], *, bun: bool, whole: bool) -> list[list[str]]:
    depends = isinstance(data.get("dependencies"), dict) and data["dependencies"]
    if not whole and not depends:
        return []
    if bun:
        return [["bun", "install", "--cwd", UP]]
    install = "ci" if (folder / "package-lock.json").is_file() else "install"
    return [["npm", install, "--prefix", UP]]


def _members(folder: Path, data: dict[str, Any]) -> list[Path]:
    """Folders of the workspaces with a package.json."""
    listed = data.get("workspaces")
    if isinstance(listed, dict):
        listed = listed.get("packages")
    found: list[Path] = []
    for pattern in listed if isinstance(listed, list) else ():
        if isinstance(pattern, str) and pattern and not pattern.startswith(("/", "..", "!")):
            fit = [one for one in matching(folder, pattern) if one != folder]
            found += [one for one in fit if (one / "package.json").is_file()]
    return list(dict.fromkeys(found))[:200]


def _of_members(folder: Path, members: list[Path], *, typed: bool) -> tuple[str, str]:
    """The script of the only workspace that has one, and what to look at."""
    found = {one: _script(one, json_of(one / "package.json") or {}, typed=typed) for one in members}
    able = [
        f"{one.relative_to(folder)}/{name}" for one, name in found.items() if (one / name).is_file()
    ]
    if len(able) == 1:
        return able[0], f"{able[0]} is the only script of a workspace: how is it given its port?"
    said = f"several workspaces have one ({', '.join(able)})" if able else "no workspace has one"
    return _UNKNOWN, f"name the script that listens for {_UNKNOWN}: {said}"


def _script(folder: Path, data: dict[str, Any], *, typed: bool) -> str:
    """What `npm start` runs, or `main`, which `npm init` writes whether it is there or not."""
    scripts = data.get("scripts")
    start = str(scripts.get("start", "")) if isinstance(scripts, dict) else ""
    begins = _START.fullmatch(start.strip())
    named = [begins[1]] if begins else []
    named += [data["main"]] if isinstance(data.get("main"), str) else []
    endings = (".ts", ".tsx", ".js", ".mjs") if typed else (".js", ".mjs", ".cjs")
    usual = [stem + ending for stem in _STEMS for ending in endings]
    there = (name for name in (*named, *usual) if (folder / name).is_file())
    return next(there, named[0] if named else "server.js")


def _deno(folder: Path) -> FoundServer:
    usual = [stem + ending for stem in _STEMS for ending in (".ts", ".tsx", ".js", ".mjs")]
    script = next((name for name in usual if (folder / name).is_file()), _UNKNOWN)
    config = next(name for name in _DENO if (folder / name).is_file())
    command = ["deno", "run", "--allow-all"]
    if config != "deno.lock":
        command += ["--config", f"{UP}/{config}"]
    known = script != _UNKNOWN
    return FoundServer(
        kind=config,
        language="TypeScript",
        needs="deno",
        build=[],
        run=[*command, f"{UP}/{script}"],
        look=_LOOK if known else f"no script was found: name the one that listens for {_UNKNOWN}",
        unknown="" if known else _UNKNOWN,
    )
