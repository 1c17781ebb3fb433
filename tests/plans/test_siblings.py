"""`bench init` in checkouts of frameworks, monorepos, and projects of bun, deno and gradle."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from bench.plans.starter import InitOptions, Proposal, propose
from bench.plans.validation import warnings

if TYPE_CHECKING:
    from pathlib import Path


def proposed(folder: Path, files: dict[str, str]) -> tuple[Proposal, str]:
    """What is proposed for these files, and the server.yaml of it."""
    for place, text in files.items():
        (folder / place).parent.mkdir(parents=True, exist_ok=True)
        (folder / place).write_text(text)
    made = propose(folder, InitOptions("mine", path="/hi"))
    return made, next(text for place, text in made.files.items() if place.name == "server.yaml")


@pytest.mark.parametrize(
    ("files", "program", "imports"),
    [
        ({"package.json": '{"name": "koa"}'}, "app.cjs", 'require("../..")'),
        ({"package.json": '{"name": "hono"}'}, "app.mjs", '"../../dist/index.js"'),
        ({"pyproject.toml": '[project]\nname = "Flask"\n'}, "app.py", "from flask import"),
        ({"go.mod": "module github.com/go-chi/chi/v5\n"}, "main.go", "chi/v5"),
        ({"go.mod": "module github.com/gofiber/fiber/v2\n"}, "main.go", "*fiber.Ctx"),
        ({"go.mod": "module github.com/gofiber/fiber/v3\n"}, "main.go", "(c fiber.Ctx)"),
        ({"Cargo.toml": "[workspace]\n", "axum/Cargo.toml": '[package]\nname = "axum"\n'},
         "main.rs", "use axum"),
        ({"Cargo.toml": '[package]\nname = "hyper"\n'}, "main.rs", "hyper::server"),
    ],
)  # fmt: skip
def test_a_library_gets_a_server(
    tmp_path: Path, files: dict[str, str], program: str, imports: str
) -> None:
    """It imports the checkout, serves the path that was named, and its answer is known."""
    made, _ = proposed(tmp_path, files)
    text = next(text for place, text in made.files.items() if place.name == program)
    workload = next(text for place, text in made.files.items() if "workloads" in place.parts)

    assert imports in text
    assert "/hi" in text or program == "main.rs"
    assert 'text: "Hello, World!"' in workload
    assert "library" in made.kind
    assert made.unknown == ""


def test_one_workspace_with_a_script_and_several(tmp_path: Path) -> None:
    """The only one is taken; of several the name is asked for."""
    files = {
        "package.json": json.dumps({"workspaces": ["apps/*"]}),
        "apps/ui/package.json": "{}",
        "apps/api/package.json": json.dumps({"scripts": {"start": "node web.js"}}),
        "apps/api/web.js": "",
    }
    assert '"../../apps/api/web.js"' in proposed(tmp_path, files)[1]

    made, text = proposed(tmp_path, {"apps/ui/server.js": ""})
    assert made.unknown == "THE-SCRIPT"
    assert "THE-SCRIPT" in text
    assert "apps/api/web.js, apps/ui/server.js" in made.look[0]


@pytest.mark.parametrize(
    ("files", "needs", "run"),
    [
        ({"package.json": "{}", "bun.lock": "", "app.ts": ""}, "bun", '["bun", "../../app.ts"]'),
        ({"deno.json": "{}", "main.ts": ""}, "deno", '"../../deno.json", "../../main.ts"]'),
        ({"deno.json": "{}"}, "deno", "THE-SCRIPT"),
        ({"build.gradle": "plugins { id 'application' }", "gradlew": "",
          "settings.gradle": "rootProject.name = 'shop'"}, "java", "install/shop/bin/shop"),
        ({"build.gradle.kts": 'id("org.springframework.boot")'}, "java, gradle", "THE-JAR"),
    ],
)  # fmt: skip
def test_bun_deno_gradle(tmp_path: Path, files: dict[str, str], needs: str, run: str) -> None:
    """Each is run by its own program, which `needs` names; what is not known is asked for."""
    made, text = proposed(tmp_path, files)

    assert f"needs: [{needs}]" in text
    assert run in text
    assert bool(made.unknown) == ("THE-" in run)


def test_a_program_that_nothing_makes(tmp_path: Path) -> None:
    """Neither there nor built is a warning; one that a build may make is none."""
    for name, build in (("a", ""), ("b", "build: [[make]]\n")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "server.yaml").write_text(f'{build}run: [./web, "{{port}}"]\n')
    (found,) = warnings([tmp_path / "a", tmp_path / "b"])

    assert "there is no program ./web" in found.message
