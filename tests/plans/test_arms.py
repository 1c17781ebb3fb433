"""Arms: git refs, other dependencies and settings, and what is said when one cannot be made."""

from __future__ import annotations

import json
import signal
import subprocess
import tomllib
import zipfile
from typing import TYPE_CHECKING, Any

import pytest

from bench.errors import UsageError
from bench.model.plan import Arm
from bench.plans.arms import ArmOptions, BuiltArms, make_arms
from bench.plans.cargo_manifest import required
from bench.plans.dependencies import declared_in, with_dependency
from bench.plans.project import find_project
from bench.plans.releases import newest
from bench.plans.server_files import load_server
from bench.process import SupervisorClient
from bench.servers import build
from tests.run.helpers import Project, wait_until

if TYPE_CHECKING:
    from pathlib import Path


# -- dependencies ---------------------------------------------------------------------------

_VENV = ["uv", "venv", ".venv"]
_PIN = ["-r", "requirements.txt"]


@pytest.mark.parametrize(
    ("commands", "text", "expected"),
    [
        (
            [_VENV, ["uv", "pip", "install", "--python", "env", *_PIN]],
            "Foo_Bar[extra]==1.0",
            (2, ["uv", "pip", "install", "--python", "env", "Foo_Bar[extra]==1.0"]),
        ),
        (
            [["uv", "sync", "--frozen"]],
            "foo@1.0rc1",
            (1, ["uv", "pip", "install", "--python", ".venv", "foo==1.0rc1"]),
        ),
        (
            [["python3", "-m", "venv", "e"], ["e/bin/pip", "install", "-q", *_PIN]],
            "foo==1.0",
            (2, ["e/bin/pip", "install", "foo==1.0"]),
        ),
        (
            [["e/bin/python", "-m", "pip", "install", *_PIN]],
            "foo==1.0",
            (1, ["e/bin/python", "-m", "pip", "install", "foo==1.0"]),
        ),
        (
            [["npm", "ci"]],
            "@scope/foo@1.0.0",
            (
                1,
                "npm install --no-save --no-package-lock --no-audit --no-fund @scope/foo@1.0.0",
            ),
        ),
        (
            [["cargo", "build", "--locked"]],
            "foo==1.0.0",
            (0, ["cargo", "update", "--precise", "1.0.0", "foo"]),
        ),
        (
            [["go", "build", "."]],
            "example.org/foo/v2==2.1.0",
            (0, ["go", "get", "example.org/foo/v2@v2.1.0"]),
        ),
        (
            [["go", "build", "."]],
            "example.org/foo@v1.0.0",
            (0, ["go", "get", "example.org/foo@v1.0.0"]),
        ),
        (
            [["go", "build", "-C", "../..", "-o", "x"]],
            "example.org/foo@v1.0.0",
            (0, ["go", "get", "-C", "../..", "example.org/foo@v1.0.0"]),
        ),
        (
            [["npm", "ci", "-C", ".."]],
            "foo==1.0.0",
            (
                1,
                "npm install --no-save --no-package-lock --no-audit --no-fund -C .. foo@1.0.0",
            ),
        ),
        (
            [["uv", "sync", "--project", "../.."]],
            "foo==1.0",
            (1, ["uv", "pip", "install", "--python", "../../.venv", "foo==1.0"]),
        ),
        (
            [["poetry", "install", "-C", "../.."]],
            "foo==1.0",
            (1, ["poetry", "-C", "../..", "run", "pip", "install", "foo==1.0"]),
        ),
    ],
)
def test_a_build_with_another_version(
    commands: list[list[str]], text: str, expected: tuple[int, list[str] | str]
) -> None:
    """One command comes to the build: after what installs the pinned one, or before a compiler."""
    place, command = expected
    words = command.split() if isinstance(command, str) else command
    before = {"title": "x", "build": [*commands]}
    made = with_dependency(before, text)

    assert made["build"] == [*commands[:place], words, *commands[place:]]
    assert made["title"] == "x"
    assert before["build"] == commands


@pytest.mark.parametrize(
    ("commands", "text", "said"),
    [
        ([["npm", "ci"]], "nonsense", "expected NAME==VERSION"),
        ([["npm", "ci"]], "-rf==1", "expected NAME==VERSION"),
        ([["make"]], "foo==1.0", "none of uv, pip, poetry, npm, cargo, go"),
        ([_VENV], "foo==1.0", "none of uv, pip, poetry, npm, cargo, go"),
        ([], "foo==1.0", "none of uv, pip, poetry, npm, cargo, go"),
        ([["npm", "ci"]], "fastfy==1.0", "did you mean fastify?"),
        ([["npm", "ci"]], "zzz==1.0", "does not depend on it"),
    ],
)
def test_a_version_that_means_nothing(commands: list[list[str]], text: str, said: str) -> None:
    """A wrong form, a build of unknown tools and a name that nothing imports are refused."""
    with pytest.raises(UsageError) as error:
        with_dependency({"build": commands}, text, frozenset({"fastify", "ajv"}))

    assert said in str(error.value)


_LOCK = '{"packages": {"": {}, "node_modules/a": {}, "node_modules/a/node_modules/@s/b": {}}}'


@pytest.mark.parametrize(
    ("file", "text", "expected"),
    [
        ("requirements.txt", "# note\n-r more.txt\nFoo_Bar[x]==1 \\\n  --hash=a\n", {"foo-bar"}),
        ("requirements-dev.in", "a.b>=1\n", {"a-b"}),
        ("pyproject.toml", '[project]\ndependencies = ["foo[x]>=1", "bar"]\n', {"foo", "bar"}),
        ("pyproject.toml", "[tool.x]\n", set()),
        ("uv.lock", '[[package]]\nname = "foo"\n', {"foo"}),
        ("Cargo.toml", '[dependencies]\na_b = "1"\n[dev-dependencies]\nc = "1"\n', {"a-b", "c"}),
        ("package.json", '{"dependencies": {"@s/b": "1"}}', {"@s/b"}),
        ("package-lock.json", _LOCK, {"a", "@s/b"}),
        ("package.json", "[]", set()),
        ("Cargo.lock", "not TOML", set()),
        (
            "go.mod",
            "module me\ngo 1.22\nrequire a.org/x v1.0.0\nrequire (\n\tb.org/y v2.0.0\n)",
            {"a-org/x", "b-org/y"},
        ),
        ("README.md", "foo==1\n", set()),
    ],
)
def test_what_a_server_depends_on(tmp_path: Path, file: str, text: str, expected: set[str]) -> None:
    """Manifests and lock files name it; one that cannot be read says nothing."""
    (tmp_path / file).write_text(text)

    assert declared_in(tmp_path) == expected


def _wheel(folder: Path, version: str) -> None:
    """A package of one module that knows its version, as pip installs it."""
    info = f"tiny-{version}.dist-info"
    with zipfile.ZipFile(folder / f"tiny-{version}-py3-none-any.whl", "w") as wheel:
        wheel.writestr("tiny.py", f"VERSION = {version!r}\n")
        wheel.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: tiny\nVersion: {version}")
        wheel.writestr(
            f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any"
        )
        wheel.writestr(f"{info}/RECORD", "")


@pytest.mark.real
@pytest.mark.needs("uv")
def test_two_versions_are_built_and_then_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each arm has the version it is named after, in a folder of its own; the second build of an
    unchanged arm starts nothing, and the user's folder stays as it was."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("UV_OFFLINE", "1")
    monkeypatch.setenv("UV_NO_INDEX", "1")
    monkeypatch.setenv("UV_FIND_LINKS", str(tmp_path))
    for version in ("1.0", "2.0"):
        _wheel(tmp_path, version)
    project = Project(tmp_path)
    install = ["uv", "pip", "install", "-q", "--python", ".venv", "-r", "requirements.txt"]
    project.server(
        "mine",
        needs=["uv"],
        python=">=3.11",
        build=[["uv", "venv", "-q", "--python", "{python}", ".venv"], install],
        version=[".venv/bin/python", "-c", "import tiny; print(tiny.VERSION)"],
    )
    (project.root / "servers/mine/requirements.txt").write_text("tiny==1.0\n")
    before = {path for path in project.root.rglob("*") if path.is_file()}
    asked = ("tiny==1.0", "tiny==2.0")
    made = _make(project, "mine", dependencies=asked)
    records = [_build(arm, tmp_path) for arm in made]
    again = [_build(arm, tmp_path) for arm in _make(project, "mine", dependencies=asked)]

    assert [arm.name for arm in made] == ["tiny-1.0", "tiny-2.0"]
    assert [record.version for record in records] == ["1.0", "2.0"]
    assert [record.cached for record in records] == [False, False]
    assert [record.cached for record in again] == [True, True]
    assert [record.hash for record in again] == [record.hash for record in records]
    assert {path for path in project.root.rglob("*") if path.is_file()} == before


def _make(project: Project, server: str, **asked: Any) -> tuple[BuiltArms, ...]:
    return make_arms(find_project(project.root, project.root), ArmOptions((server,), **asked))


def _build(made: BuiltArms, scratch: Path) -> Any:
    config = load_server(made.file)
    arm = Arm(name=made.name, server=made.name, folder=str(made.file.parent), config=config)
    with SupervisorClient() as supervisor:
        return build(arm, supervisor, scratch / f"{made.name}.log")


# -- git ------------------------------------------------------------------------------------


def git(folder: Path, *words: str) -> None:
    """Git with a name of its own."""
    who = ["-c", "user.name=t", "-c", "user.email=t@example.org", "-c", "init.defaultBranch=main"]
    subprocess.run(["git", *who, *words], cwd=folder, check=True, capture_output=True)


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    """A project whose server `mine` is committed on main; `none` is a branch without it."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    made = Project(tmp_path)
    (made.root / "README").write_text("none")
    git(made.root, "init", "-q")
    git(made.root, "checkout", "-qb", "none")
    git(made.root, "add", ".")
    git(made.root, "commit", "-qm", "none")
    git(made.root, "checkout", "-qb", "main")
    made.server("mine", "--burn-us=50")
    git(made.root, "add", ".")
    git(made.root, "commit", "-qm", "one")
    return made


@pytest.mark.parametrize(
    ("refs", "said"),
    [
        (("main", "mian"), "did you mean main?"),
        (("main", "--all"), "there is no ref '--all'"),
        (("main", "main:README"), "there is no ref 'main:README'"),
    ],
)
def test_a_ref_that_cannot_be_an_arm(project: Project, refs: tuple[str, ...], said: str) -> None:
    """It is named with what would do; the working tree is not touched."""
    with pytest.raises(UsageError) as error:
        _make(project, "mine", refs=refs)

    assert said in str(error.value)
    assert not (project.root / "reports").exists()


def test_a_repository_without_a_commit(tmp_path: Path) -> None:
    """There is nothing to compare with; the message says that a commit is missing."""
    made = Project(tmp_path)
    made.server("mine")
    git(made.root, "init", "-q")
    with pytest.raises(UsageError, match="no commit"):
        _make(made, "mine", worktree=True)


def test_what_lies_uncommitted_is_an_arm_of_its_own(project: Project) -> None:
    """A changed and an untracked file are in it, and git still sees both as they were."""
    folder = project.root / "servers" / "mine"
    (folder / "new.txt").write_text("untracked")
    project.server("mine", "--burn-us=60")
    head, worktree = _make(project, "mine", worktree=True)
    status = subprocess.run(
        ["git", "status", "--short"], cwd=project.root, capture_output=True, text=True, check=True
    ).stdout

    assert (head.name, worktree.name) == ("head", "worktree")
    assert "--burn-us=50" in head.file.read_text()
    assert "--burn-us=60" in worktree.file.read_text()
    assert (worktree.file.parent / "new.txt").read_text() == "untracked"
    assert not worktree.file.is_relative_to(project.root)
    assert sorted(status.split("\n")) == [
        "",
        " M servers/mine/server.yaml",
        "?? servers/mine/new.txt",
    ]


def test_arms_of_one_repository_that_lies_beside_the_server(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`source` may name a repository of its own: its refs are checked out, the server is copied
    as it lies, and both keep their places to each other."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    project = Project(tmp_path)
    project.server("mine", source="../../framework")
    framework = project.root / "framework"
    framework.mkdir()
    git(framework, "init", "-q")
    for number in ("1", "2"):
        (framework / "version").write_text(number)
        git(framework, "add", ".")
        git(framework, "commit", "-qm", number)
    old, new = _make(project, "mine", refs=("HEAD~1", "main"))

    for arm, number in ((old, "1"), (new, "2")):
        assert (arm.file.parent / "../../framework/version").read_text() == number
        assert not arm.file.is_relative_to(project.root)
    assert old.what != new.what


@pytest.mark.parametrize("ignored", [True, False])
def test_a_ref_without_the_server_gets_the_folder_of_the_working_tree(
    project: Project, *, ignored: bool
) -> None:
    """All that lies in it, tracked, untracked or ignored; it is said, and what changes there
    makes another arm. The user's repository knows of no worktree."""
    folder = project.root / "servers" / "mine"
    (folder / "app.js").write_text("one")
    if ignored:
        (folder / ".gitignore").write_text("*\n")
    old, new = _make(project, "mine", refs=("none", "main"))
    (folder / "app.js").write_text("two")
    again, _ = _make(project, "mine", refs=("none", "main"))
    listed = subprocess.run(
        ["git", "worktree", "list"], cwd=project.root, capture_output=True, text=True, check=True
    ).stdout

    assert "--burn-us=50" in old.file.read_text()
    assert (old.file.parent / "app.js").read_text() == "one"
    assert (again.file.parent / "app.js").read_text() == "two"
    assert (old.file.parents[2] / "README").read_text() == "none"
    assert old.note == (
        "none has no servers/mine/server.yaml: the folder of the working tree is used there"
    )
    assert new.note == ""
    assert len({old.what, new.what, again.what}) == 3
    assert listed.count("\n") == 1


def test_another_version_in_a_copy_of_the_project_that_source_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The requirement is edited in the copy, across majors; the user's files stay as they were."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    project = Project(tmp_path)
    manifest = project.root / "Cargo.toml"
    manifest.write_text('[package]\nname = "mine"\n\n[dependencies]\naxum = "0.8"\n')
    (project.root / "src").mkdir()
    (project.root / "src/main.rs").write_text("fn main() {}")
    build = ["cargo", "build", "--locked", "--manifest-path", "../../Cargo.toml"]
    project.server("mine", build=[build], source="../..")
    before = {path: path.read_bytes() for path in project.root.rglob("*") if path.is_file()}
    (old, new) = _make(project, "mine", dependencies=("axum==0.7.9", "axum==0.8.1"))

    for arm, version in ((old, "0.7.9"), (new, "0.8.1")):
        top = arm.file.parents[2]
        assert f'axum = "={version}"' in (top / "Cargo.toml").read_text()
        assert (top / "src/main.rs").read_text() == "fn main() {}"
        lock, own = load_server(arm.file).build
        assert lock == ["cargo", "update", "--manifest-path", "../../Cargo.toml", "--workspace"]
        assert own == build
    assert {path: path.read_bytes() for path in before} == before


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('axum = "0.8"', {"axum": "=0.7.9"}),
        (
            'axum = {version = "0.8", features = ["ws"]}',
            {"axum": {"version": "=0.7.9", "features": ["ws"]}},
        ),
        ('axum.version = "0.8"', {"axum": {"version": "=0.7.9"}}),
        (
            'web = {package = "axum", version = "0.8"}',
            {"web": {"package": "axum", "version": "=0.7.9"}},
        ),
        ('axum = {path = "../axum"}', {"axum": {"version": "=0.7.9"}}),
        ("axum.workspace = true", None),
        ('axum-core = "0.8"', None),
        ("not TOML", None),
    ],
)
def test_a_crate_of_another_major(text: str, expected: dict[str, Any] | None) -> None:
    """Plain and inline requirements, renamed ones and paths; a workspace's is edited there."""
    made = required(f'[package]\nname = "m"\n[dependencies]\n{text}\n', "axum", "0.7.9")
    shared = required(f"[workspace.dependencies]\n{text}\n", "axum", "0.7.9")

    assert (made and tomllib.loads(made)) == (
        expected and {"package": {"name": "m"}, "dependencies": expected}
    )
    assert (shared and tomllib.loads(shared)) == (
        expected and {"workspace": {"dependencies": expected}}
    )


def test_a_manifest_keeps_its_meaning() -> None:
    """Whatever else stands in it is the same after it was written anew."""
    text = (
        'cargo-features = ["a\\"b"]\n[package]\nname = "é"\npublish = false\n'
        '[[bin]]\nname = "x"\npath = "a.rs"\n[[bin]]\nname = "y"\n'
        "[target.'cfg(unix)'.dependencies]\naxum = \"0.8\"\n"
        "[profile.release]\nlto = true\nopt-level = 3\n[features]\ndefault = []\n"
    )
    made = required(text, "axum", "1.0.0") or ""
    wanted = tomllib.loads(text)
    wanted["target"]["cfg(unix)"]["dependencies"]["axum"] = "=1.0.0"

    assert tomllib.loads(made) == wanted


def test_uv_run_does_not_bring_the_old_version_back() -> None:
    """`uv run` syncs with the lock file unless it is told not to."""
    run = ["uv", "run", "app.py", "{port}"]
    made = with_dependency({"build": [["uv", "sync"]], "run": run}, "foo==1.0")

    assert made["run"] == ["uv", "run", "--no-sync", "app.py", "{port}"]


# -- releases -------------------------------------------------------------------------------


def _tool(folder: Path, name: str, said: str, code: int = 0) -> None:
    """An executable that prints what a registry's tool once printed."""
    folder.mkdir(exist_ok=True)
    (folder / "said").write_text(said)
    (folder / name).write_text(f'#!/bin/sh\necho "$@" >&2\ncat {folder}/said\nexit {code}\n')
    (folder / name).chmod(0o755)


_PIP = (
    "starlette (1.0.1)\nAvailable versions: 1.0.1, 1.0.0, 0.52.1, 0.52.0\n"
    "  INSTALLED: 0.48.0\n  LATEST:    1.0.1\n"
)
_NPM = '["4.29.1","5.0.0-alpha.3","5.9.0","5.10.0","4.29.2"]'
_GO = "example.org/gin v1.9.0 v1.10.0 v1.9.1 v1.11.0-rc.1\n"


@pytest.mark.parametrize(
    ("build", "tool", "said", "name", "expected"),
    [
        (["pip", "install", "x"], "python3", _PIP, "starlette", ("1.0.0", "1.0.1")),
        (["npm", "ci"], "npm", _NPM, "fastify", ("5.9.0", "5.10.0")),
        (["go", "build"], "go", _GO, "example.org/gin", ("1.9.1", "1.10.0")),
    ],
)
def test_the_newest_releases_of_a_registry(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    *,
    build: list[str],
    tool: str,
    said: str,
    name: str,
    expected: tuple[str, ...],
) -> None:
    """The tool of the build is asked; in order of versions, the oldest first, none before 1.0."""
    _tool(tmp_path / "bin", tool, said)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:/bin:/usr/bin")
    found = newest(2, {"build": [build]}, (tmp_path, tmp_path), [name])

    assert found.dependencies == tuple(f"{name}=={version}" for version in expected)


def test_the_newest_releases_of_a_crate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`cargo info` names one version; those of its index entry count, but for yanked ones."""
    _tool(tmp_path / "bin", "cargo", "axum\nversion: 0.8.9\n")
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:/bin:/usr/bin")
    monkeypatch.setenv("CARGO_HOME", str(tmp_path / "home"))
    place = tmp_path / "home/registry/index/x/.cache/ax/um/axum"
    place.parent.mkdir(parents=True)
    rows = [("0.7.9", False), ("0.8.0-alpha.1", False), ("0.8.1", False), ("0.8.2", True)]
    entries = [json.dumps({"name": "axum", "vers": v, "yanked": y}).encode() for v, y in rows]
    place.write_bytes(
        b"\x03\x02\0\0\0etag: x\0" + b"\0".join(p for e in entries for p in (b"v", e)) + b"\0"
    )
    (tmp_path / "Cargo.toml").write_text('[dependencies]\naxum = "0.8"\n')
    found = newest(2, {"build": [["cargo", "build"]]}, (tmp_path, tmp_path), [])

    assert found.dependencies == ("axum==0.7.9", "axum==0.8.1")


def test_the_newest_releases_are_tags_in_the_order_of_versions(project: Project) -> None:
    """A repository's own tags go before what it depends on; the oldest is the baseline."""
    for tag in ("v5.9.0", "v5.10.0", "v5.11.0-rc.1", "nightly", "v5.2.0", "other-v9.0.0"):
        git(project.root, "tag", tag)
    made = _make(project, "mine", releases=2)
    with pytest.raises(UsageError, match="there are only 3 tags"):
        _make(project, "mine", releases=4)

    assert [arm.name for arm in made] == ["v5.9.0", "v5.10.0"]


@pytest.mark.parametrize(
    ("manifest", "later", "expected"),
    [
        ('axum = { path = "../axum" }', "axum-v0.8.9 axum-extra-v0.12.6", "axum-v0.8.9"),
        ('actix-web = { path = "../actix-web" }', "web-v4.15.0 http-v3.13.3", "web-v4.15.0"),
        ('tokio = "1"', "axum-v0.8.9 web-v4.15.0", "v0.4.0"),
        ('axum = { path = "../axum" }', "v1.0.0", "v1.0.0"),
    ],
)
def test_releases_of_a_workspace_are_those_of_the_package(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, manifest: str, later: str, expected: str
) -> None:
    """A workspace tags each package; that which the server requires counts, if tagged later."""
    git(tmp_path, "init", "-q")
    (tmp_path / "Cargo.toml").write_text(f"[dependencies]\n{manifest}\n")
    monkeypatch.setenv("GIT_COMMITTER_DATE", "2020-01-01T00:00:00Z")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-q", "-m", "all")
    git(tmp_path, "tag", "axum-v0.3.0")
    for year, tags in (("2021", "v0.4.0"), ("2026", later)):
        monkeypatch.setenv("GIT_COMMITTER_DATE", f"{year}-01-01T00:00:00Z")
        for tag in tags.split():
            git(tmp_path, "tag", "-a", "-m", tag, tag)
    found = newest(1, {"build": [["cargo", "build"]]}, (tmp_path, tmp_path), [])

    assert found.refs == (expected,)


@pytest.mark.parametrize(
    ("manifest", "code", "said"),
    [
        ('{"dependencies": {"a": "1", "b": "1"}}', 0, "of which dependency? there are a, b"),
        ("{}", 0, "there is no dependency"),
        ('{"dependencies": {"a": "1"}}', 1, "`npm view a versions --json` gives no versions"),
        ('{"dependencies": {"a": "1"}}', 0, "only 1 published versions of a"),
    ],
)
def test_releases_that_cannot_be_known(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, manifest: str, code: int, said: str
) -> None:
    """What is missing is named with what to write."""
    _tool(tmp_path / "bin", "npm", '"1.0.0"', code)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:/bin:/usr/bin")
    (tmp_path / "package.json").write_text(manifest)
    with pytest.raises(UsageError) as error:
        newest(2, {"build": [["npm", "ci"]]}, (tmp_path, tmp_path), [])

    assert said in str(error.value)


def test_arms_of_equal_content_are_equal(project: Project) -> None:
    """Two names of one commit are one thing; names in the table differ."""
    git(project.root, "tag", "v1")
    one, two = _make(project, "mine", refs=("main", "v1"))
    plain, again = _make(project, "mine", env=("A=1", "A=1"))

    assert one.what == two.what
    assert (plain.what, plain.name, again.name) == (again.what, "a-1", "a-1-2")


_SHORT = ("--workloads", "json-small", "--duration", "400ms", "--warmup", "0s")
_ROUGH = ("--connections", "8", "--detect", "50%", "--max-time", "2s", "--design", "blocks")


def _usable(project: Project) -> list[str]:
    return [one["trial"] for one in project.trials() if one["status"] in ("valid", "suspect")]


@pytest.mark.real
@pytest.mark.needs("oha")
def test_ab_goes_on_after_ctrl_c_and_tells_of_an_arm_that_does_not_build(project: Project) -> None:
    """The others are measured and exit 1 names the broken one; what was measured before Ctrl-C
    is kept."""
    git(project.root, "checkout", "-qb", "broken")
    project.server("mine", build=[["false"]])
    git(project.root, "commit", "-qam", "broken")
    git(project.root, "checkout", "-q", "main")
    refs = ("--ref", "main", "--ref", "broken", "--ref", "HEAD")
    with project.running("ab", "mine", *refs, *_SHORT, *_ROUGH) as process:
        # Beside other work a first trial of 400 ms can fail, and a failed one is measured again.
        begun = wait_until(lambda: _usable(project) or process.poll() is not None, 100)
        process.send_signal(signal.SIGINT)
        said = process.communicate(timeout=100)
    kept = _usable(project)
    resumed = project.bench("run", "--resume", "latest")
    summary = json.loads((project.runs()[-1] / "summary.json").read_text())

    assert (begun, process.returncode) == (True, 130), said
    assert "`bench run --resume latest" in said[1]
    assert resumed.returncode == 1, resumed.stderr
    assert kept, [(trial["status"], trial["reasons"]) for trial in project.trials()]
    assert [trial["trial"] for trial in project.trials()].count(kept[0]) == 1
    assert [one["server"] for one in summary["skipped"]] == ["broken"]
    assert {cell["server"] for cell in summary["cells"] if cell["trials"]["failed"] == 0} >= {
        "main"
    }
    assert len(project.runs()) == 1
    assert project.nothing_left()
