"""Arms: git refs, other dependencies and settings, and what is said when one cannot be made."""

from __future__ import annotations

import json
import signal
import subprocess
import zipfile
from typing import TYPE_CHECKING, Any

import pytest

from bench.errors import UsageError
from bench.model.plan import Arm
from bench.plans.arms import ArmOptions, BuiltArms, make_arms
from bench.plans.dependencies import declared_in, with_dependency
from bench.plans.project import find_project
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
        ([["make"]], "foo==1.0", "none of uv, pip, npm, cargo, go"),
        ([_VENV], "foo==1.0", "none of uv, pip, npm, cargo, go"),
        ([], "foo==1.0", "none of uv, pip, npm, cargo, go"),
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
        (("main", "none"), "none has no servers/mine/server.yaml"),
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


def test_arms_of_equal_content_are_equal(project: Project) -> None:
    """Two names of one commit are one thing; names in the table differ."""
    git(project.root, "tag", "v1")
    one, two = _make(project, "mine", refs=("main", "v1"))
    plain, again = _make(project, "mine", env=("A=1", "A=1"))

    assert one.what == two.what
    assert (plain.what, plain.name, again.name) == (again.what, "a-1", "a-1-2")


_SHORT = ("--workloads", "json-small", "--duration", "1s", "--warmup", "0s", "--connections", "8")
_ROUGH = ("--detect", "50%", "--max-time", "5s", "--design", "blocks")


@pytest.mark.real
@pytest.mark.needs("wrk")
def test_ab_goes_on_after_ctrl_c_and_tells_of_an_arm_that_does_not_build(project: Project) -> None:
    """The others are measured and exit 1 names the broken one; what was measured before Ctrl-C
    is kept."""
    git(project.root, "checkout", "-qb", "broken")
    project.server("mine", build=[["false"]])
    git(project.root, "commit", "-qam", "broken")
    git(project.root, "checkout", "-q", "main")
    refs = ("--ref", "main", "--ref", "broken", "--ref", "HEAD")
    with project.running("ab", "mine", *refs, *_SHORT, *_ROUGH) as process:
        begun = wait_until(lambda: project.trials() or process.poll() is not None, 100)
        process.send_signal(signal.SIGINT)
        said = process.communicate(timeout=100)
    kept = [trial["trial"] for trial in project.trials() if trial["status"] in ("valid", "suspect")]
    resumed = project.bench("run", "--resume", "latest")
    summary = json.loads((project.runs()[-1] / "summary.json").read_text())

    assert (begun, process.returncode) == (True, 130), said
    assert "`bench run --resume latest" in said[1]
    assert resumed.returncode == 1, resumed.stderr
    assert kept
    assert [trial["trial"] for trial in project.trials()].count(kept[0]) == 1
    assert [one["server"] for one in summary["skipped"]] == ["broken"]
    assert {cell["server"] for cell in summary["cells"] if cell["trials"]["failed"] == 0} >= {
        "main"
    }
    assert len(project.runs()) == 1
    assert project.nothing_left()
