"""`bench bisect`: what it refuses, what it says, and how it is gone on with; nothing is started."""

from __future__ import annotations

import json
import math
import random
import subprocess
from typing import TYPE_CHECKING

import pytest

from bench.model.bisect import BisectAsked, BisectLook
from bench.plans.bisect_plan import plan_look
from bench.plans.project import find_project
from bench.run.bisecting import BisectMeasuring
from tests.servers.ground_truth import write_server

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cli.conftest import Bench, Said


def git(folder: Path, *words: str) -> str:
    """Git with a name of its own."""
    who = ["-c", "user.name=t", "-c", "user.email=t@example.org", "-c", "init.defaultBranch=main"]
    done = subprocess.run(
        ["git", *who, *words], cwd=folder, check=True, capture_output=True, text=True
    )
    return done.stdout.strip()


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Six commits on main; `side` parted at the third and has one of its own."""
    root = tmp_path / "project"
    (root / "configs").mkdir(parents=True)
    write_server(root, "mine", workloads=["json-small"])
    git(root, "init", "-q")
    (root / ".gitignore").write_text("reports\n")
    for number in range(1, 7):
        (root / "note").write_text(str(number))
        git(root, "add", ".")
        git(root, "commit", "-qm", f"change {number}")
    git(root, "checkout", "-q", "-b", "side", "main~3")
    git(root, "commit", "-q", "--allow-empty", "-m", "aside")
    git(root, "checkout", "-q", "main")
    return root


class Costs:
    """Measures nothing: commits cost what a test says."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, costs: dict[str, float]) -> None:
        self.costs = costs
        self.asked: list[str] = []
        self.stop_after = 1000
        self._random = random.Random(1)
        monkeypatch.setattr(
            BisectMeasuring,
            "_measured",
            lambda _, commit, against, pairs: self.look(commit, against, pairs),
        )

    def look(self, commit: str, against: tuple[str, ...], pairs: int) -> BisectLook:
        if len(self.asked) == self.stop_after:
            raise KeyboardInterrupt
        self.asked.append(commit)
        ratios = {
            other: tuple(
                self.costs[commit] / self.costs[other] * math.exp(self._random.gauss(0, 0.01))
                for _ in range(8)
            )
            for other in against
            if commit in self.costs
        }
        return BisectLook(
            commit=commit,
            against=against,
            pairs=pairs,
            ratios=ratios,
            failure="" if ratios else "no such file",
            seconds=10.0,
            run="",
        )


def costs(root: Path, monkeypatch: pytest.MonkeyPatch, *each: float | None) -> Costs:
    """The costs of the commits of main, oldest first; None = it does not build."""
    commits = git(root, "rev-list", "--reverse", "main").split()
    known = zip(commits, each, strict=True)
    return Costs(monkeypatch, {name: cost for name, cost in known if cost is not None})


def bisect(bench: Bench, root: Path, *words: str) -> Said:
    return bench("bisect", *words, "--project", str(root))


_ALL = ("mine", "--good", "main~5", "--bad", "main")


def test_the_answer_is_one_line(
    bench: Bench, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Commit, author date, subject, ratio with interval, files changed; each step on stderr."""
    costs(project, monkeypatch, 1, 1, 1, 1.1, 1.1, 1.1)
    said = bisect(bench, project, *_ALL)
    culprit = git(project, "rev-parse", "main~2")
    date = git(project, "show", "-s", "--format=%as", culprit)

    assert said.code == 0
    assert said.out.count("\n") == 1
    assert said.out.startswith(f"{culprit[:12]} {date} change 4: a request costs 1.")
    assert said.out.endswith("of what it costs in the parent; 1 file changed: note\n")
    assert f"{culprit[:12]} costs more than its parent: 1." in said.err
    assert "commits left" in said.err


def test_json_has_the_keys_of_the_formats(
    bench: Bench, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The object holds hashes in full, and what was passed over with the reason."""
    costs(project, monkeypatch, 1, 1, None, 1.1, 1.1, 1.1)
    said = bisect(bench, project, *_ALL, "--json")
    found = json.loads(said.out)
    third, fourth = git(project, "rev-list", "--reverse", "main").split()[2:4]

    assert said.code == 1
    assert list(found) == [
        "schema_version",
        "culprit",
        "candidates",
        "ratio",
        "low",
        "high",
        "steps",
        "skipped",
    ]
    assert (found["culprit"], found["candidates"]) == (None, [third, fourth])
    assert found["skipped"] == [{"commit": third, "reason": "no such file"}]
    assert set(found["steps"][0]) == {"commit", "against", "word", "ratio", "low", "high"}
    assert {step["word"] for step in found["steps"]} <= {"more", "less", "equivalent"}


def test_an_interrupted_bisect_is_gone_on_with(
    bench: Bench, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After Ctrl-C finished steps are read, not measured again, though refs have moved."""
    world = costs(project, monkeypatch, 1, 1, 1, 1.1, 1.1, 1.1)
    world.stop_after = 2
    broken = bisect(bench, project, *_ALL)
    git(project, "commit", "-q", "--allow-empty", "-m", "later")
    world.stop_after, first = 1000, list(world.asked)
    said = bisect(bench, project, "--resume", "latest")

    assert broken.code == 130
    assert "`bench bisect --resume latest --project" in broken.err
    assert (said.code, " change 4: " in said.out) == (0, True)
    assert len(first) == 2
    assert world.asked[:2] == first
    assert not set(first) & set(world.asked[2:-1])


@pytest.mark.parametrize(
    ("bad", "said"),
    [
        (1.0, "no difference of 5 %: bad costs "),
        (0.8, "bad costs less than good: 0."),
        (None, "bad cannot be measured: no such file"),
    ],
)
def test_nothing_to_search_for(
    bench: Bench, project: Path, monkeypatch: pytest.MonkeyPatch, bad: float | None, said: str
) -> None:
    """Equal, cheaper or unusable: one line says so, after one step, and the exit code is 1."""
    world = costs(project, monkeypatch, 1, 1, 1, 1, 1, bad)
    done = bisect(bench, project, *_ALL)

    assert (done.code, done.out.startswith(said), len(world.asked)) == (1, True, 1), done.out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("mine", "--good", "main", "--bad", "main~5"), "it is the other way round"),
        (("mine", "--good", "side", "--bad", "main"), "they parted at "),
        (("mine", "--good", "main", "--bad", "main"), "are the same commit"),
        (("mine", "--good", "mian", "--bad", "main"), "did you mean main?"),
        (("mine", "--good", "main~50", "--bad", "main"), "of main does not go back that far"),
        (("mine", "--good", "both", "--bad", "main"), "heads/both for the branch or tags/both"),
        (("mien", "--good", "main~1", "--bad", "main"), "mine"),
        (("mine", "--good", "main~1"), "needs SERVER, --good REF and --bad REF"),
        ((*_ALL, "--detect", "0.1%"), "--detect: expected a percentage from 0.5%"),
        ((*_ALL, "--max-time", "0s"), "--max-time: expected a duration above 0s"),
        ((*_ALL, "--warmup", "soon"), "--warmup 'soon': "),
        (("--resume", "latest"), "there is no bisect 'latest'"),
        (("mine", "--resume", "latest", "--detect", "2%"), "mine, --detect cannot change it"),
    ],
)
def test_each_mistake_is_one_message(
    bench: Bench, project: Path, words: tuple[str, ...], said: str
) -> None:
    """Exit 2, nothing measured, no traceback, no folder."""
    git(project, "branch", "both", "main~2")
    git(project, "tag", "both", "main~3")
    done = bisect(bench, project, *words)

    assert (done.code, said in done.err) == (2, True), done.err
    assert not list(project.glob("reports/*"))


@pytest.mark.parametrize("good", ["main~5", "v1"])
def test_a_shallow_clone_says_how_to_get_the_rest(
    bench: Bench, project: Path, tmp_path: Path, good: str
) -> None:
    """Whether the ref itself or the way to it is missing."""
    clone = tmp_path / "clone"
    git(project, "tag", "v1", "main~5")
    git(tmp_path, "clone", "-q", "--depth=2", "--no-tags", project.as_uri(), str(clone))
    if good == "v1":
        git(clone, "fetch", "-q", "--depth=1", "origin", "tag", "v1")
    done = bisect(bench, clone, "mine", "--good", good, "--bad", "main")

    assert (done.code, "git fetch --unshallow --tags" in done.err) == (2, True), done.err


def test_several_workloads_are_named(bench: Bench, project: Path) -> None:
    """Which one is searched with is not guessed."""
    write_server(project, "mine")
    done = bisect(bench, project, *_ALL)

    assert (done.code, "name one: --workload W" in done.err) == (2, True), done.err


@pytest.mark.parametrize(
    ("file", "damage"), [("bisect.json", "{"), ("looks.jsonl", '{"commit": 1}')]
)
def test_a_damaged_file_is_one_message(
    bench: Bench, project: Path, monkeypatch: pytest.MonkeyPatch, file: str, damage: str
) -> None:
    """It is named with what to do; nothing is measured on top of it."""
    world = costs(project, monkeypatch, 1, 1, 1, 1, 1, 1)
    bisect(bench, project, *_ALL)
    (path,) = project.glob(f"reports/*/{file}")
    path.write_text(damage)
    measured = len(world.asked)
    done = bisect(bench, project, "--resume", "latest")

    assert (done.code, f"{path} cannot be read: " in done.err) == (2, True), done.err
    assert "start a new bisect" in done.err
    assert len(world.asked) == measured


def test_a_commit_that_was_rebased_away(
    bench: Bench, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As long as git has it the search goes on; then it is named with what it was called."""
    costs(project, monkeypatch, 1, 1, 1, 1.1, 1.1, 1.1).stop_after = 1
    bisect(bench, project, *_ALL)
    old = git(project, "rev-parse", "main")
    git(project, "reset", "-q", "--hard", "main~2")
    still = bisect(bench, project, "--resume", "latest")
    git(project, "reflog", "expire", "--expire=now", "--all")
    git(project, "gc", "-q", "--prune=now")
    gone = bisect(bench, project, "--resume", "latest")

    assert still.code == 130
    assert (gone.code, f"main was {old[:12]} when this bisect began" in gone.err) == (2, True)
    assert "was it rebased away?" in gone.err


def test_a_bisect_is_listed_and_cleaned(
    bench: Bench, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Among the runs, by the name that --resume takes; removed with its runs, the newest kept."""
    costs(project, monkeypatch, 1, 1, 1, 1, 1, 1)
    bisect(bench, project, *_ALL)
    (folder,) = project.glob("reports/*")
    (folder / "runs" / "one").mkdir(parents=True)
    listed = bench("list", "runs", "--project", str(project))
    kept = bench("clean", "--runs", "--yes", "--project", str(project))
    there = folder.exists()
    bench("clean", "--runs", "--keep", "0", "--yes", "--project", str(project))

    assert f"{folder.name}  bisect mine: main~5..main, 1 measurement kept" in listed.out
    assert str(folder) not in kept.out
    assert there
    assert not folder.exists()


VERSIONS = ["5.0.0", "5.1.0", "5.2.0-rc.1", "5.2.0", "5.10.0", "5.11.0"]


@pytest.fixture
def depending(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A server that npm gets fastify for, and an npm that knows its versions."""
    root = tmp_path / "project"
    (root / "configs").mkdir(parents=True)
    file = write_server(root, "mine", workloads=["json-small"], build=[["npm", "ci"]])
    (file.parent / "package.json").write_text('{"dependencies": {"fastify": "^5.0.0"}}')
    tools = tmp_path / "bin"
    tools.mkdir()
    (tools / "npm").write_text(f"#!/bin/sh\necho '{json.dumps(VERSIONS)}'\n")
    (tools / "npm").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tools}:/bin:/usr/bin")
    return root


_WITH = ("mine", "--with", "fastify", "--good", "5", "--bad", "5.11.0")


def test_versions_of_a_dependency_are_searched(
    bench: Bench, depending: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In the order of versions, none before a release; gone on with, no registry is asked."""
    known = {"5.0.0": 1, "5.1.0": 1, "5.2.0": 1, "5.10.0": 1.1, "5.11.0": 1.1}
    world = Costs(monkeypatch, dict(known))
    world.stop_after = 1
    broken = bisect(bench, depending, *_WITH)
    (depending.parent / "bin" / "npm").unlink()
    world.stop_after = 1000
    listed = bench("list", "runs", "--project", str(depending))
    said = bisect(bench, depending, "--resume", "latest")
    data = json.loads(bisect(bench, depending, "--resume", "latest", "--json").out)

    assert broken.code == 130
    assert "5..5.11.0: 4 versions, about 3 steps" in broken.err
    assert "bisect mine --with fastify: 5..5.11.0, 1 measurement kept" in listed.out
    assert (said.code, said.out.count("\n")) == (0, 1)
    assert said.out.startswith("fastify 5.10.0: a request costs 1.")
    assert said.out.endswith("of what it costs with 5.2.0\n")
    assert "versions left" in said.err
    assert (data["culprit"], data["candidates"]) == ("5.10.0", ["5.10.0"])


def test_a_version_that_does_not_build_is_passed_over(
    bench: Bench, depending: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The shortest range is told in words of versions."""
    Costs(monkeypatch, {"5.0.0": 1, "5.1.0": 1, "5.10.0": 1.1, "5.11.0": 1.1})
    said = bisect(bench, depending, *_WITH)

    assert (said.code, "passed over 5.2.0: no such file" in said.err) == (1, True)
    assert said.out == (
        "the versions that are left cannot be told apart; the first that costs more is one of 2: "
        "5.2.0 5.10.0\n"
    )


def test_each_version_is_an_arm_with_its_own_build(depending: Path) -> None:
    """The look that is planned installs what it is about, each in a copy of the server."""
    asked = BisectAsked(
        server="mine",
        good="5.0.0",
        bad="5.11.0",
        named=("5", "5.11.0"),
        workload="json-small",
        detect=0.05,
        max_time_s=60,
        connections=8,
        duration="1s",
        warmup="0s",
        dependency="fastify",
        versions=("5.0.0", "5.1.0", "5.11.0"),
    )
    project = find_project(depending, depending)
    plan = plan_look(project, asked, "5.1.0", ("5.0.0", "5.11.0"), 2).planned.plan

    assert [arm.name for arm in plan.arms] == ["fastify-5.1.0", "fastify-5.0.0", "fastify-5.11.0"]
    assert [arm.config.build[-1][-1] for arm in plan.arms] == [
        *("fastify@5.1.0", "fastify@5.0.0", "fastify@5.11.0"),
    ]
    assert plan.baseline == "fastify-5.1.0"
    assert [(trial.round, trial.cell.server) for trial in plan.trials[:2]] == [
        (1, trial.cell.server) for trial in plan.trials[:2]
    ]
    assert len(plan.trials) == 4


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("fastify", "4.0.0", "5.11.0"), "fastify 4.0.0 is not among the 5 versions"),
        (("fastify", "5.2.0-rc.1", "5.11.0"), "fastify 5.2.0-rc.1 is not among the 5 versions"),
        (("fastify", "new", "5.11.0"), "fastify new is not among the 5 versions"),
        (("fastify", "5.11", "5.2.0"), "good (5.11) is newer than bad (5.2.0)"),
        (("fastify", "5.1.0", "5.1"), "good and bad are the same version"),
        (("fastify@5.1.0", "5.0.0", "5.1.0"), "--with 'fastify@5.1.0': expected a name alone"),
        (("koa", "1.0.0", "2.0.0"), "the server does not depend on it"),
    ],
)
def test_each_mistake_with_versions_is_one_message(
    bench: Bench, depending: Path, words: tuple[str, str, str], said: str
) -> None:
    """Exit 2, nothing measured, no traceback, no folder."""
    name, good, bad = words
    done = bisect(bench, depending, "mine", "--with", name, "--good", good, "--bad", bad)

    assert (done.code, said in done.err) == (2, True), done.err
    assert not list(depending.glob("reports/*"))
