"""`bench init` in checkouts of frameworks, monorepos, and projects of bun, deno and gradle."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from bench.plans.ab import Duration, plan_ab
from bench.plans.arms import ArmOptions
from bench.plans.project import find_project
from bench.plans.starter import InitOptions, Proposal, propose
from bench.plans.validation import warnings

if TYPE_CHECKING:
    from pathlib import Path


def write(folder: Path, files: dict[str, str]) -> None:
    """Write files, with their folders."""
    for place, text in files.items():
        (folder / place).parent.mkdir(parents=True, exist_ok=True)
        (folder / place).write_text(text)


def proposed(folder: Path, files: dict[str, str]) -> tuple[Proposal, str]:
    """What is proposed for these files, and the server.yaml of it."""
    write(folder, files)
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


def test_a_library_that_is_compiled(tmp_path: Path) -> None:
    """A checkout is built by what its own script calls; a published package is built already."""
    manifest = {"name": "hono", "scripts": {"build": "bun ./build.ts"}}
    published = proposed(tmp_path, {"package.json": json.dumps(manifest)})[1]
    checkout = proposed(tmp_path, {"src/index.ts": ""})[1]

    assert "needs: [node]" in published
    assert '"run", "build"' not in published
    assert "needs: [node, bun]" in checkout
    assert '"run", "build"' in checkout


def test_companions_of_a_crate_use_the_checkout_too(tmp_path: Path) -> None:
    """Of two copies of hyper neither has the traits of the other: nothing would compile."""
    made, _ = proposed(tmp_path, {"Cargo.toml": '[package]\nname = "hyper"\n'})
    manifest = next(text for place, text in made.files.items() if place.name == "Cargo.toml")

    assert manifest.endswith('[patch.crates-io]\nhyper = { path = "../.." }\n')


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
        write(tmp_path, {f"servers/{name}/server.yaml": f'{build}run: [./web, "{{port}}"]\n'})
    (found,) = warnings(find_project(tmp_path), [tmp_path / "servers/a", tmp_path / "servers/b"])

    assert "there is no program ./web" in found.message


@pytest.mark.parametrize(
    ("build", "run", "said"),
    [
        ('[["npm", "ci"]]', "[node, gone.js]", "there is no file gone.js, which `run` names, and"),
        ('[["npm", "ci"]]', "[node, app.js]", ""),
        ('[["npm", "ci"], [npm, run, build]]', "[node, gone.js]", ""),
        ("[[python3, -m, pip, install, x]]", "[.venv/bin/python, gone.py]", "gone.py"),
        ("[[uv, venv], [uv, pip, install, x]]", "[.venv/bin/python, -m, gone]", ""),
        ("[[cargo, build]]", "[target/release/THE-PROGRAM]", "still says THE-PROGRAM"),
        ("[[cargo, build]]", "[target/release/web]", ""),
    ],
)  # fmt: skip
def test_a_script_that_an_installation_does_not_bring(
    tmp_path: Path, build: str, run: str, said: str
) -> None:
    """Dependencies are no program: what only they are built from is seen before the build."""
    write(tmp_path, {"servers/a/server.yaml": f"build: {build}\nrun: {run[:-1]}, '{{port}}']\n"})
    write(tmp_path, {"servers/a/package.json": "{}", "servers/a/app.js": ""})
    found = warnings(find_project(tmp_path), [tmp_path / "servers/a"])

    assert [said in one.message for one in found] == [True] * bool(said)


def test_npm_may_make_a_script_itself(tmp_path: Path) -> None:
    """A package whose own hooks run when it is installed may make anything."""
    write(tmp_path, {"package.json": '{"scripts": {"prepare": "tsc"}}'})
    build = '[["npm", "install", "--prefix", "../.."]]'
    run = "[node, ../../web.js, '{port}']"
    write(tmp_path, {"servers/a/server.yaml": f"build: {build}\nrun: {run}\n"})

    assert warnings(find_project(tmp_path), [tmp_path / "servers/a"]) == ()


def test_an_id_that_hides_a_server_of_ours(tmp_path: Path) -> None:
    """It is right, and it is said: `axum` then is not the axum that comes with bench."""
    for name in ("axum", "mine"):
        write(tmp_path, {f"servers/{name}/server.yaml": "run: [python3, -c, '{port}']\n"})
    found = warnings(find_project(tmp_path), [tmp_path / "servers/axum", tmp_path / "servers/mine"])

    assert ["the server axum that comes with bench is hidden" in one.message for one in found] == [
        True
    ]


def test_a_comparison_says_which_server_it_takes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`bench ab axum` of a project that has an axum of its own says so before it measures."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    for name in ("axum", "mine"):
        write(tmp_path, {f"servers/{name}/server.yaml": "run: [python3, -c, '{port}']\n"})
    effort = Duration(workloads=("json-small",), paced=False)
    notes = {
        name: plan_ab(find_project(tmp_path), ArmOptions((name,), env=("A=1", "A=2")), effort).notes
        for name in ("axum", "mine")
    }

    assert "axum that comes with bench is hidden" in " ".join(notes["axum"])
    assert "hidden" not in " ".join(notes["mine"])
