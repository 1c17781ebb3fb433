"""The action and the workflow that `bench init --ci` writes, run as a runner would."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from ruamel.yaml import YAML

from tests.cli.test_bisect_command import git
from tests.test_commands_in_documents import unknown

if TYPE_CHECKING:
    from tests.cli.conftest import Bench

_ROOT = Path(__file__).parents[2]
_ACTION: dict[str, Any] = YAML(typ="safe", pure=True).load((_ROOT / "action.yml").read_text())
_STEPS = {step["name"]: step for step in _ACTION["runs"]["steps"]}


class Runner:
    """Runs shell steps of the action, with programs that only write down how they were called."""

    def __init__(self, folder: Path, code: int) -> None:
        self.folder = folder
        self.calls = folder / "calls"
        self.output = folder / "output"
        self.summary = folder / "summary"
        (folder / "bin").mkdir()
        self.action = folder / "action"
        (self.action / "scripts").mkdir(parents=True)
        self._stub("just", "", self.action / "scripts")
        self._stub("gh", f'test "$1 $2" != "api --paginate" || cat {folder / "comments"}')
        (folder / "comments").write_text("")
        self._stub("bench", f'test "$1" != ab || {{ echo "the answer"; exit {code}; }}')

    def _stub(self, name: str, then: str, folder: Path | None = None) -> None:
        file = (folder or self.folder / "bin") / name
        file.write_text(f'#!/bin/sh\necho {name} "$@" >> {self.calls}\n{then}\n')
        file.chmod(0o755)

    def run(self, name: str, where: Path, **env: str) -> subprocess.CompletedProcess[str]:
        """One step, as GitHub runs `shell: bash`."""
        return subprocess.run(
            ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", _STEPS[name]["run"]],
            cwd=where,
            env={
                "PATH": f"{self.folder / 'bin'}{os.pathsep}{os.environ['PATH']}",
                "HOME": os.environ.get("HOME", "/"),
                "RUNNER_TEMP": str(self.folder),
                "GITHUB_OUTPUT": str(self.output),
                "GITHUB_PATH": str(self.folder / "path"),
                "GITHUB_STEP_SUMMARY": str(self.summary),
                "GITHUB_REPOSITORY": "owner/mine",
                **env,
            },
            capture_output=True,
            text=True,
            check=False,
        )


@pytest.fixture
def merged(tmp_path: Path) -> Path:
    """A repository with a commit and its parent."""
    root = tmp_path / "repository"
    root.mkdir()
    git(root, "init", "-q")
    for number in "12":
        git(root, "commit", "-q", "--allow-empty", "-m", number)
    return root


_PULL = {"NUMBER": "7", "FROM": "owner/mine", "MARKER": "<!-- bench ab mine -->"}
_ASKED = {"SERVER": "mine", "BASE": "HEAD^1", "CHANGE": "HEAD", "DETECT": "3%", "MAX_TIME": "10m"}


@pytest.mark.parametrize(
    ("code", "fail", "gate"), [(0, "true", 0), (4, "true", 4), (4, "false", 0), (1, "false", 1)]
)
def test_the_steps_compare_comment_and_gate(
    tmp_path: Path, merged: Path, code: int, fail: str, gate: int
) -> None:
    """Each ends as it should, calls options that exist, and the gate follows the exit code."""
    runner = Runner(tmp_path, code)
    found = runner.run("Find both arms", merged, **_ASKED)
    installed = runner.run(
        "Install bench and the load tools", merged, GITHUB_ACTION_PATH=str(runner.action)
    )
    compared = runner.run("Compare", merged, **_ASKED, WORKLOADS="a,b")
    outputs = dict(line.split("=", 1) for line in runner.output.read_text().splitlines())
    told = runner.run("Comment", merged, **_PULL, ANSWER=outputs["answer"])
    gated = runner.run("Gate", merged, CODE=outputs["code"], FAIL=fail)
    calls = runner.calls.read_text().splitlines()
    base, change = (git(merged, "rev-parse", ref) for ref in ("HEAD^1", "HEAD"))

    assert [each.returncode for each in (found, installed, compared, told, gated)] == [
        *(0, 0, 0, 0),
        gate,
    ], compared.stderr
    assert calls[0] == "just --prepare run"
    assert (tmp_path / "path").read_text() == f"{tmp_path}/bench-bin\n"
    assert (tmp_path / "bench-bin" / "bench").readlink() == runner.action / ".venv/bin/bench"
    assert [unknown(call) for call in calls if call.startswith("bench ")] == [[], [], []]
    assert f"bench ab mine --ref {base} --ref {change} --detect 3%" in calls[3]
    assert "--workloads a,b" in calls[3]
    assert calls[-1].startswith("gh pr comment 7 --repo owner/mine --body-file")
    assert runner.summary.read_text() == "the answer\n"
    assert "the answer" in compared.stdout
    assert (tmp_path / "bench-comment.md").read_text() == "<!-- bench ab mine -->\nthe answer\n"
    assert outputs["code"] == str(code)


def test_a_second_push_replaces_its_own_comment(tmp_path: Path, merged: Path) -> None:
    """Known by its first line, newest first; never "the last one", which may be another's."""
    runner = Runner(tmp_path, 0)
    (tmp_path / "comments").write_text("41\n42\n")
    (tmp_path / "answer").write_text("the answer\n")
    done = runner.run("Comment", merged, **_PULL, ANSWER=str(tmp_path / "answer"))
    asked, changed = runner.calls.read_text().split("gh api")[1:]

    assert (done.returncode, done.stdout) == (0, "")
    assert "repos/owner/mine/issues/7/comments --jq" in asked
    assert "startswith(env.MARKER)" in asked
    assert changed.split() == [
        *("--silent", "--method", "PATCH", "repos/owner/mine/issues/comments/42"),
        *("--field", f"body=@{tmp_path}/bench-comment.md"),
    ]


def test_a_fork_gets_a_notice_and_no_comment(tmp_path: Path, merged: Path) -> None:
    """Its token may only read: nothing is tried, and the job says where the answer is."""
    runner = Runner(tmp_path, 0)
    done = runner.run("Comment", merged, **_PULL | {"FROM": "stranger/mine"}, ANSWER="/none")

    assert (done.returncode, done.stdout.startswith("::notice::no comment: ")) == (0, True)
    assert not runner.calls.exists()


def test_a_comment_that_is_refused_is_a_warning(tmp_path: Path, merged: Path) -> None:
    """Without the permission the gate still decides."""
    runner = Runner(tmp_path, 0)
    (tmp_path / "comments").unlink()
    (tmp_path / "answer").write_text("the answer\n")
    done = runner.run("Comment", merged, **_PULL, ANSWER=str(tmp_path / "answer"))

    assert (done.returncode, "::warning::no comment" in done.stdout) == (0, True)


def test_a_clone_without_the_base_is_told(tmp_path: Path, merged: Path) -> None:
    """The usual mistake, a clone of one commit, ends before anything is installed."""
    clone = tmp_path / "clone"
    git(tmp_path, "clone", "-q", "--depth=1", merged.as_uri(), str(clone))
    done = Runner(tmp_path, 0).run("Find both arms", clone, **_ASKED)

    assert (done.returncode, "fetch-depth: 2" in done.stdout) == (1, True)


def test_no_input_is_put_into_a_script() -> None:
    """What a pull request can name reaches the shell by variables only; all inputs are used."""
    text = (_ROOT / "action.yml").read_text()

    assert not [step for step in _STEPS.values() if "${{" in step["run"]]
    assert [name for name in _ACTION["inputs"] if f"inputs.{name}" not in text] == []
    assert {step["shell"] for step in _STEPS.values()} == {"bash"}


def test_the_workflow_fits_the_action(bench: Bench, tmp_path: Path) -> None:
    """`bench init --ci` writes it with the server's id; its inputs are the action's."""
    said = bench(
        "init", str(tmp_path), "--name", "mine", "--no-try", "--ci", "--action", "me/bench@v1"
    )
    path = tmp_path / ".github" / "workflows" / "bench.yml"
    steps = YAML(typ="safe", pure=True).load(path.read_text())["jobs"]["bench"]["steps"]

    assert said.code == 0
    assert "wrote .github/workflows/bench.yml" in said.out
    assert steps[1]["uses"] == "me/bench@v1"
    assert steps[1]["with"]["server"] == "mine"
    assert set(steps[1]["with"]) <= set(_ACTION["inputs"])
    assert steps[0]["with"]["fetch-depth"] == 2
    assert "a tag or branch can be moved to other code" in said.out
    strangers = [step["uses"] for step in steps if step["uses"] != "me/bench@v1"]
    assert [each for each in strangers if not re.search("@[0-9a-f]{40}$", each)] == []


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--action", "me/bench@v1"), "--action is of use with --ci only"),
        (("--ci", "--action", "bench"), "expected OWNER/REPO@REF"),
    ],
)
def test_a_wrong_action_is_refused(
    bench: Bench, tmp_path: Path, words: tuple[str, ...], said: str
) -> None:
    """One message, exit 2, no file."""
    done = bench("init", str(tmp_path / "new"), *words)

    assert (done.code, said in done.err) == (2, True), done.err
    assert not (tmp_path / "new").exists()


def test_without_an_action_the_place_is_named(bench: Bench, tmp_path: Path) -> None:
    """What has to be put in is told, and stands in the file."""
    said = bench("init", str(tmp_path), "--no-try", "--ci")

    assert "put where bench comes from in place of OWNER/bench@COMMIT" in said.out
    assert "uses: OWNER/bench@COMMIT" in (tmp_path / ".github/workflows/bench.yml").read_text()


_ACTIONLINT = shutil.which("actionlint", path=f"{os.environ['PATH']}:{Path.home() / 'go' / 'bin'}")


@pytest.mark.skipif(
    _ACTIONLINT is None,
    reason="actionlint missing: go install github.com/rhysd/actionlint/cmd/actionlint@v1.7.7",
)
def test_actionlint_has_nothing_to_say(bench: Bench, tmp_path: Path) -> None:
    """Of the workflow that is written, with the action beside it, and of this project's own."""
    assert _ACTIONLINT is not None
    git(tmp_path, "init", "-q")
    bench("init", str(tmp_path), "--name", "mine", "--no-try", "--ci", "--action", "me/bench@v1")
    written = tmp_path / ".github" / "workflows" / "bench.yml"
    local = written.read_text().replace("uses: me/bench@v1", "uses: ./action")
    written.with_name("local.yml").write_text(local)
    (tmp_path / "action").mkdir()
    shutil.copy(_ROOT / "action.yml", tmp_path / "action" / "action.yml")
    own = sorted((_ROOT / ".github" / "workflows").glob("*.yml"))
    for where, files in ((tmp_path, []), (_ROOT, own)):
        done = subprocess.run(
            [_ACTIONLINT, "-no-color", *map(str, files)],
            cwd=where, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
