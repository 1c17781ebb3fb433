"""`bench init` names the program that will be there, or says which name it lacks."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bench.plans.starter import InitOptions, propose

if TYPE_CHECKING:
    from pathlib import Path

_PACKAGE = '[package]\nname = "{}"\nversion = "1.0.0"\n'
_FLASK = "from flask import Flask\nweb = Flask(__name__)\n"


def proposed(folder: Path, files: dict[str, str]) -> tuple[str, str, str]:
    """build and run of the server.yaml for these files, and what to look at."""
    for place, text in files.items():
        (folder / place).parent.mkdir(parents=True, exist_ok=True)
        (folder / place).write_text(text)
    made = propose(folder, InitOptions("mine"))
    server = next(text for place, text in made.files.items() if place.name == "server.yaml")
    run = next(line for line in server.splitlines() if line.startswith("run:"))
    return server, run, made.look[0]


def test_the_only_program_of_a_workspace(tmp_path: Path) -> None:
    """It is found among the members, by its own name, and only it is built."""
    server, run, look = proposed(
        tmp_path,
        {
            "Cargo.toml": '[workspace]\nmembers = ["parts/*"]\n',
            "parts/core/Cargo.toml": _PACKAGE.format("core"),
            "parts/core/src/lib.rs": "",
            "parts/web/Cargo.toml": _PACKAGE.format("web") + '[[bin]]\nname = "shopd"\n'
            'path = "src/main.rs"\n',
            "parts/web/src/main.rs": "",
        },
    )

    assert run == 'run: ["../../target/release/shopd"]'
    assert '"--package", "web", "--bin", "shopd"' in server
    assert "shopd is the only program" in look


@pytest.mark.parametrize(
    "target", ['"riscv64gc-unknown-linux-gnu"', '["riscv64gc-unknown-linux-gnu"]']
)
def test_a_target_of_cargos_configuration(tmp_path: Path, target: str) -> None:
    """The program lies below the target's folder, whatever CARGO_TARGET_DIR says."""
    server, run, _ = proposed(
        tmp_path,
        {
            "Cargo.toml": _PACKAGE.format("web"),
            "src/main.rs": "",
            ".cargo/config.toml": f"[build]\ntarget = {target}\n",
        },
    )

    assert run == 'run: ["../../target/riscv64gc-unknown-linux-gnu/release/web"]'
    assert '"--target-dir", "../../target"' in server


def test_several_programs_and_none(tmp_path: Path) -> None:
    """The others are named; where there is none, the name is asked for."""
    files = {"Cargo.toml": _PACKAGE.format("a"), "src/main.rs": "", "src/bin/tool.rs": ""}
    (tmp_path / "library").mkdir()

    assert "is it a and not tool?" in proposed(tmp_path, files)[2]
    only = {"Cargo.toml": _PACKAGE.format("b"), "src/lib.rs": ""}
    _, run, look = proposed(tmp_path / "library", only)
    assert "THE-PROGRAM" in run
    assert "no program was found" in look


@pytest.mark.parametrize(
    ("files", "command"),
    [
        (
            {"main.py": "from fastapi import FastAPI\nweb: FastAPI = FastAPI()\n"},
            '"uvicorn", "--app-dir", "../..", "main:web"',
        ),
        (
            {"shop/__init__.py": "", "shop/main.py": "import fastapi\nx = fastapi.FastAPI()\n"},
            '"--app-dir", "../..", "shop.main:x"',
        ),
        (
            {"src/shop/__init__.py": "", "src/shop/api.py": "api = Starlette()\n"},
            '"--app-dir", "../../src", "shop.api:api"',
        ),
        (
            {"app.py": "def make_app():\n    return Litestar()\n"},
            '"uvicorn", "--factory", "--app-dir", "../..", "app:make_app"',
        ),
        ({"app.py": _FLASK}, '"flask", "--app", "../../app.py:web", "run", "--port", "{port}"'),
        (
            {"app.py": _FLASK, "requirements.txt": "flask\ngunicorn\n"},
            '"gunicorn", "--chdir", "../..", "-b", "127.0.0.1:{port}", "app:web"',
        ),
        (
            {"main.py": "app = FastAPI()\nif __name__ == '__main__':\n    run(app, port=8000)\n"},
            '"main:app"',
        ),
        (
            {"main.py": "import os\napp = FastAPI()\nif __name__ == '__main__':\n"
             "    run(app, port=int(os.environ['PORT']))\n"},
            '".venv/bin/python", "../../main.py"]',
        ),
        ({"main.py": "def f():\n    pass\n"}, "THE-SCRIPT.py"),
        ({"app.py": "import web\nweb.serve()\n"}, '".venv/bin/python", "../../app.py"]'),
    ],
)  # fmt: skip
def test_the_application_of_a_python_project(
    tmp_path: Path, files: dict[str, str], command: str
) -> None:
    """At the top, in a package, with a type, made by a function; never a script that only ends."""
    server, run, look = proposed(tmp_path, {"requirements.txt": "", **files})

    assert command in run
    assert ("uvicorn" in run) == ('"uvicorn"]' in server)
    assert ("no application was found" in look) == ("THE-SCRIPT" in command)


@pytest.mark.parametrize(
    ("files", "versions"),
    [
        (
            {"pyproject.toml": '[project]\nname = "x"\nrequires-python = ">=3.12, <3.14"\n'},
            ">=3.12,<3.14",
        ),
        ({".python-version": "3.13.2\n"}, "==3.13.*"),
        ({".python-version": "pypy3.10\n"}, ">=3.11"),
    ],
)  # fmt: skip
def test_versions_of_python_are_the_projects_own(
    tmp_path: Path, files: dict[str, str], versions: str
) -> None:
    """requires-python first, then .python-version."""
    server, _, _ = proposed(tmp_path, {"app.py": _FLASK, **files})

    assert f'python: "{versions}"' in server


def test_a_workspace_that_is_its_own_member(tmp_path: Path) -> None:
    """ "." is the package at the top, beside the others; to Python's glob it is an error."""
    cargo = _PACKAGE.format("top") + '[workspace]\nmembers = [".", "sub", "./"]\n'
    files = {"Cargo.toml": cargo, "src/main.rs": "", "sub/Cargo.toml": _PACKAGE.format("sub")}
    (tmp_path / "node").mkdir()
    node = {"package.json": '{"workspaces": ["."], "main": "index.js"}', "index.js": ""}

    assert '"../../target/release/top"' in proposed(tmp_path, files)[1]
    server, run, _ = proposed(tmp_path / "node", node)
    assert run == 'run: ["node", "../../index.js"]'
    assert "build:" not in server


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("package.json", '{"workspaces": ["packages/**lib"]}'),
        ("package.json", '{"workspaces": ["a\\u0000b", "./", "**"]}'),
        ("Cargo.toml", '[workspace]\nmembers = ["parts/**lib", "./."]\n'),
        ("Cargo.toml", f"number = {'1' * 5000}\n"),
        ("pyproject.toml", f"number = {'1' * 5000}\n"),
        ("pyproject.toml", f"nested = {'[' * 100_000}\n"),
    ],
)
def test_a_file_that_cannot_be_used(tmp_path: Path, name: str, text: str) -> None:
    """A pattern or a value that Python refuses counts as not there."""
    assert "run: [" in proposed(tmp_path, {name: text})[1]
