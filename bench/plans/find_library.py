"""A framework's own checkout: a library, for which a small server that imports it is written."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from bench.plans.find_node import json_of
from bench.plans.found_server import UP, FoundServer, table_of, text_of, toml_of
from bench.plans.library_programs import GO, GO_OLDER, HELLO, NODE, PYTHON, RUST

if TYPE_CHECKING:
    from pathlib import Path

_MODULE: Final = re.compile(r"^module\s+(\S+)", re.MULTILINE)


def find_library(folder: Path, name: str) -> FoundServer | None:
    """The small server for a framework that is known; None for anything else."""
    finders = (_node, _python, _go, _rust)
    return next((server for find in finders if (server := find(folder, name))), None)


def _node(folder: Path, _name: str) -> FoundServer | None:
    data = json_of(folder / "package.json") or {}
    library = str(data.get("name"))
    if library not in NODE:
        return None
    program, compiled = NODE[library]
    builds = compiled and (folder / "src").is_dir()  # a published package is built already
    script = str(table_of(data, "scripts").get("build")) if builds else ""
    needs = "node, bun" if re.search(r"\bbun\b", script) else "node"
    # Without a lock file: nothing is left in the checkout that git does not ignore.
    install = ["npm", "install", "--prefix", UP, "--no-package-lock", "--no-audit", "--no-fund"]
    build = (
        [install, ["npm", "run", "build", "--prefix", UP]]
        if builds
        else [[*install, "--omit=dev", "--ignore-scripts"]]
    )
    file = "app.mjs" if compiled else "app.cjs"
    made = FoundServer("package.json", "JavaScript", needs, build, ["node", file], library)
    return _told(made, {file: program})


def _python(folder: Path, _name: str) -> FoundServer | None:
    data = toml_of(folder / "pyproject.toml") or {}
    project = table_of(data, "project")
    library = project.get("name") or table_of(data, "tool", "poetry").get("name")
    if not library:
        found = re.search(r"^name\s*=\s*(\S+)", text_of(folder / "setup.cfg"), re.MULTILINE)
        library = found[1] if found else ""
    if str(library).lower() not in PYTHON:
        return None
    program, packages, words, look = PYTHON[str(library).lower()]
    venv = ["uv", "venv", "--allow-existing", "--python", "{python}", ".venv"]
    install = ["uv", "pip", "install", "--python", ".venv", "-e", UP, *packages]
    asked = str(project.get("requires-python") or "")
    made = FoundServer(
        kind="pyproject.toml",
        language="Python",
        needs="uv",
        build=[venv, install],
        run=[".venv/bin/python", *words],
        look=str(library),
        python=asked.replace(" ", "") if re.fullmatch(r"[<>=!~., 0-9*]+", asked) else ">=3.11",
        port_argument="{port}" in "".join(words),
    )
    return _told(made, {"app.py": program}, look)


def _go(folder: Path, name: str) -> FoundServer | None:
    found = _MODULE.search(text_of(folder / "go.mod"))
    path = found[1] if found else ""
    known = GO.get(re.sub(r"/v\d+$", "", path))
    if known is None:
        return None
    program = known[0] if path.endswith(GO_OLDER) else known[1]
    output = f"servers/{name}/.build/{name}"
    build = ["go", "build", "-C", UP, "-buildvcs=false", "-o", output, f"./servers/{name}"]
    made = FoundServer("go.mod", "Go", "go", [build], [f".build/{name}"], path)
    return _told(made, {"main.go": program.replace("MODULE", path)})


def _rust(folder: Path, _name: str) -> FoundServer | None:
    for crate, (home, program, needs) in RUST.items():
        for path in (home, "."):
            manifest = toml_of(folder / path / "Cargo.toml")
            if table_of(manifest, "package").get("name") != crate:
                continue
            build = ["cargo", "build", "--release", "--target-dir", "target"]
            run = ["target/release/bench-server"]
            made = FoundServer("Cargo.toml", "Rust", "cargo", [build], run, crate)
            own = _manifest(crate, UP if path == "." else f"{UP}/{path}", needs)
            return _told(made, {"Cargo.toml": own, "src/main.rs": program})
    return None


def _manifest(crate: str, path: str, needs: dict[str, str]) -> str:
    """A package of its own: `[workspace]` keeps it out of the one around it."""
    lines = ["[package]", 'name = "bench-server"', 'version = "0.0.0"', 'edition = "2021"']
    lines += ["publish = false", "", "[workspace]", "", "[dependencies]"]
    lines.append(f'{crate} = {{ path = "{path}"{needs.get(crate, "")} }}')
    lines += [f"{name} = {wanted}" for name, wanted in needs.items() if name != crate]
    if any(name.startswith(f"{crate}-") for name in needs):
        # Its companions use it too: of two copies, neither has the traits of the other.
        lines += ["", "[patch.crates-io]", f'{crate} = {{ path = "{path}" }}']
    return "\n".join(lines) + "\n"


def _told(made: FoundServer, files: dict[str, str], remark: str = "") -> FoundServer:
    """The server with its program; `look` held the library's name until now."""
    said = f"{made.look} is a library: {' and '.join(sorted(files))} imports this checkout"
    look = f"{said}; change it to what is to be asked{f'; {remark}' if remark else ''}"
    kind = f"{made.kind} of the library {made.look}"
    return made._replace(kind=kind, look=look, files=files, answer=HELLO)
