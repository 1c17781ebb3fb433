"""A server in Python: which application, in which file, and who serves it; nothing is imported."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING, Final, NamedTuple

from bench.plans.found_server import UP, FoundServer, table_of, text_of, toml_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_NAMES: Final = ("app.py", "main.py", "server.py", "asgi.py", "wsgi.py", "api.py", "__init__.py")
_ASGI: Final = frozenset(
    {"FastAPI", "Starlette", "Litestar", "Quart", "BlackSheep", "get_asgi_application"}
)
_WSGI: Final = frozenset({"Flask", "get_wsgi_application", "Bottle"})
_FACTORIES: Final = re.compile(r"(create|make|get|build)_(app|application|api)")
_READS_PORT: Final = re.compile(r"environ|getenv|argv|argparse|click|typer|BaseSettings")
_VERSION: Final = re.compile(r"3\.\d{1,2}(\.\d{1,2})?")
_SCRIPT: Final = "THE-SCRIPT.py"
_FILES_MAX: Final = 300


class _App(NamedTuple):
    """An application: where it is, what it is called, who can serve it."""

    root: str
    file: str
    module: str
    name: str
    asgi: bool
    factory: bool


def find_python(folder: Path, _name: str) -> FoundServer | None:
    """A server of a folder with Python in it; None where there is none."""
    files = _files(folder)
    packaged = (folder / "pyproject.toml").is_file()
    listed = (folder / "requirements.txt").is_file()
    if not packaged and not listed and not files:
        return None
    app = next((app for path in files for app in _apps(folder, path)), None)
    script = next((path for path in files if _is_script(path)), None)
    if app and script == folder / app.file and _READS_PORT.search(text_of(script)):
        app = None  # it serves itself, on the port that it is told
    run, argument, look = _run(folder, app, script)
    build = [["uv", "venv", "--allow-existing", "--python", "{python}", ".venv"]]
    wanted = _needs(folder, alone=app is not None or script is not None or bool(files))
    if app and app.asgi and "uvicorn" not in _requirements(folder):
        wanted.append("uvicorn")
    if wanted:
        build.append(["uv", "pip", "install", "--python", ".venv", *wanted])
    kind = "pyproject.toml" if packaged else "requirements.txt" if listed else files[0].name
    return FoundServer(
        kind=kind,
        language="Python",
        needs="uv",
        build=build,
        run=run,
        look=look,
        python=_versions(folder),
        port_argument=argument,
        unknown="" if app or script else _SCRIPT,
    )


def _files(folder: Path) -> list[Path]:
    """Files where an application may be: at the top, in a package, in one below src."""
    skipped = ("tests", "test", "docs", "servers", "configs", "node_modules", "venv")
    found: list[Path] = []
    for pattern in ("", "*/", "src/*/"):
        for name in _NAMES:
            places = sorted(folder.glob(pattern + name))
            inside = (
                path for path in places if not set(path.relative_to(folder).parts) & set(skipped)
            )
            found += [path for path in inside if not path.parent.name.startswith(".")]
    at_top = folder / "__init__.py"
    return [path for path in found if path != at_top and path.is_file()][:_FILES_MAX]


def _apps(folder: Path, path: Path) -> Iterator[_App]:
    """Applications of a file: `app = FastAPI()`, with or without a type, or made by a function."""
    try:
        body = ast.parse(text_of(path)).body
    except (SyntaxError, ValueError, RecursionError):
        return
    place = path.relative_to(folder)
    root = "src" if place.parts[0] == "src" else ""
    parts = place.with_suffix("").parts[1 if root else 0 :]
    module = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
    for node in body:
        name, kind = _assigned(node)
        factory = isinstance(node, ast.FunctionDef) and _FACTORIES.fullmatch(node.name) is not None
        if factory and isinstance(node, ast.FunctionDef):
            made = {_called(inner) for inner in ast.walk(node) if isinstance(inner, ast.Call)}
            name, kind = node.name, next(iter(sorted(made & (_ASGI | _WSGI))), "")
        if kind in _ASGI | _WSGI:
            yield _App(root, str(place), module, name, asgi=kind in _ASGI, factory=factory)


def _assigned(node: ast.stmt) -> tuple[str, str]:
    """Name and called class of `name = Class(...)` or `name: Type = Class(...)`."""
    targets = node.targets if isinstance(node, ast.Assign) else []
    if isinstance(node, ast.AnnAssign):
        targets = [node.target]
    value = node.value if isinstance(node, ast.Assign | ast.AnnAssign) else None
    if len(targets) == 1 and isinstance(targets[0], ast.Name) and isinstance(value, ast.Call):
        return targets[0].id, _called(value)
    return "", ""


def _called(call: ast.Call) -> str:
    if isinstance(call.func, ast.Name):
        return call.func.id
    return call.func.attr if isinstance(call.func, ast.Attribute) else ""


def _is_script(path: Path) -> bool:
    """Whether running the file does more than define things: `__main__`, or a call at its end."""
    text = text_of(path)
    try:
        body = ast.parse(text).body
    except (SyntaxError, ValueError, RecursionError):
        return False
    last = body[-1] if body else None
    acts = isinstance(last, ast.While | ast.With) or (
        isinstance(last, ast.Expr) and isinstance(last.value, ast.Call | ast.Await)
    )
    return "__main__" in text or acts


def _run(folder: Path, app: _App | None, script: Path | None) -> tuple[list[str], bool, str]:
    """The command, whether it takes its port as an argument, and what to look at."""
    python = ".venv/bin/python"
    if app is None and script is not None:
        place = script.relative_to(folder)
        return [python, f"{UP}/{place}"], False, f"is {place} what listens, given its port?"
    if app is None:
        look = f"no application was found: name what starts the server for {_SCRIPT}"
        return [python, f"{UP}/{_SCRIPT}"], False, look
    top = f"{UP}/{app.root}" if app.root else UP
    look = f"{app.name} of {app.file} is served: is it the right one?"
    if app.asgi:
        words = ["--factory"] if app.factory else []
        serve = ["uvicorn", *words, "--app-dir", top, f"{app.module}:{app.name}"]
        return [python, "-m", *serve, "--no-access-log", "--port", "{port}"], True, look
    if "gunicorn" in _requirements(folder):
        target = f"{app.module}:{app.name}{'()' if app.factory else ''}"
        bind = ["-b", "127.0.0.1:{port}"]
        return [python, "-m", "gunicorn", "--chdir", top, *bind, target], True, look
    flask = ["-m", "flask", "--app", f"{UP}/{app.file}:{app.name}", "run", "--port", "{port}"]
    return (
        [python, *flask],
        True,
        f"{look} (by Flask's own server; gunicorn among the requirements is used)",
    )


def _requirements(folder: Path) -> str:
    """What is installed, as text; `fastapi[standard]` brings uvicorn."""
    text = text_of(folder / "requirements.txt") + text_of(folder / "pyproject.toml")
    brings = re.search(r"fastapi\[(standard|all)", text)
    return text.lower() + (" uvicorn" if brings else "")


def _needs(folder: Path, *, alone: bool) -> list[str]:
    """What `uv pip install` is given, or nothing.

    What is found by its path needs the dependencies only. Installing such a project would fail:
    to setuptools configs/ and servers/ look like packages of it.
    """
    if (folder / "requirements.txt").is_file():
        return ["-r", f"{UP}/requirements.txt"]
    data = toml_of(folder / "pyproject.toml") or {}
    if "project" in data and alone:
        return ["-r", f"{UP}/pyproject.toml"]
    return ["-e", UP] if {"project", "build-system"} & set(data) else []


def _versions(folder: Path) -> str:
    """Versions of Python that the project itself names, else what bench needs."""
    asked = table_of(toml_of(folder / "pyproject.toml"), "project").get("requires-python")
    if isinstance(asked, str) and re.fullmatch(r"[<>=!~., 0-9*]+", asked):
        return asked.replace(" ", "")
    pinned = _VERSION.fullmatch(text_of(folder / ".python-version").strip())
    return f"=={'.'.join(pinned[0].split('.')[:2])}.*" if pinned else ">=3.11"
