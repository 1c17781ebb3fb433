"""What git refuses is told in git's words, with the command that mends it."""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING

import pytest

from bench.errors import BuildError, UsageError
from bench.servers.git import Commit, commit_of, repository_of, worktree

if TYPE_CHECKING:
    from pathlib import Path


def git(folder: Path, *words: str) -> str:
    """Git with a name of its own."""
    who = ["-c", "user.name=t", "-c", "user.email=t@example.org", "-c", "init.defaultBranch=main"]
    allow = ["-c", "protocol.file.allow=always"]
    done = subprocess.run(
        ["git", *who, *allow, *words], cwd=folder, check=True, capture_output=True, text=True
    )
    return done.stdout.strip()


def repository(folder: Path, text: str = "one") -> Path:
    """A repository with one commit."""
    folder.mkdir()
    git(folder, "init", "-q")
    (folder / "file").write_text(text)
    git(folder, "add", ".")
    git(folder, "commit", "-qm", text)
    return folder


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_a_checkout_of_another_user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As in a container: the words are git's, the advice is the command that trusts the folder."""
    monkeypatch.setenv("HOME", str(tmp_path))
    place = repository(tmp_path / "r")
    for path in (place, place / ".git"):
        os.chown(path, 1234, 1234)

    with pytest.raises(UsageError, match="dubious ownership") as error:
        repository_of(place)

    advice = error.value.advice or ""
    assert advice == f"git config --global --add safe.directory {place}"
    assert "git init" not in f"{error.value}{advice}"


def test_no_repository_and_a_bare_one(tmp_path: Path) -> None:
    """The first is advised to `git init`, the second is not."""
    (tmp_path / "plain").mkdir()
    git(tmp_path, "init", "-q", "--bare", "bare.git")

    with pytest.raises(UsageError, match="not in a git repository"):
        repository_of(tmp_path / "plain")
    with pytest.raises(UsageError) as error:
        repository_of(tmp_path / "bare.git")
    assert "git init" not in f"{error.value}{error.value.advice}"


def test_a_name_of_a_branch_and_a_tag(tmp_path: Path) -> None:
    """git would take the tag without a word that anybody sees."""
    place = repository(tmp_path / "r")
    git(place, "tag", "next")
    git(place, "checkout", "-qb", "next")
    git(place, "commit", "-q", "--allow-empty", "-m", "two")

    with pytest.raises(UsageError, match="a branch and a tag") as error:
        commit_of(place, "next")
    assert "heads/next" in (error.value.advice or "")
    assert commit_of(place, "heads/next").commit == git(place, "rev-parse", "HEAD")
    assert commit_of(place, "tags/next").commit == git(place, "rev-parse", "HEAD~1")


def test_a_ref_beyond_a_shallow_clone(tmp_path: Path) -> None:
    """The advice is to fetch the rest."""
    origin = repository(tmp_path / "r")
    first = git(origin, "rev-parse", "HEAD")
    git(origin, "commit", "-q", "--allow-empty", "-m", "two")
    git(tmp_path, "clone", "-q", "--depth=1", f"file://{origin}", "clone")

    with pytest.raises(UsageError, match="there is no ref") as error:
        commit_of(tmp_path / "clone", first)
    assert "git fetch --unshallow" in (error.value.advice or "")


def test_submodules_are_checked_out_too(tmp_path: Path) -> None:
    """A build finds them, at the commit that the ref names; one that is not here is named."""
    repository(tmp_path / "lib", "library")
    place = repository(tmp_path / "r")
    git(place, "submodule", "add", "-q", str(tmp_path / "lib"), "vendor/lib")
    git(place, "commit", "-qm", "with library")
    commit = commit_of(place, "HEAD")
    (place / "vendor" / "lib" / "file").write_text("newer")
    git(place / "vendor" / "lib", "commit", "-qam", "newer")

    made = worktree(place, commit, tmp_path / "w" / "one")

    assert (made / "vendor" / "lib" / "file").read_text() == "library"
    git(tmp_path, "clone", "-q", str(place), "bare-bones")
    with pytest.raises(BuildError, match="submodule vendor/lib is not checked out") as error:
        worktree(tmp_path / "bare-bones", Commit(*commit), tmp_path / "w" / "two")
    assert "submodule update --init" in (error.value.advice or "")
