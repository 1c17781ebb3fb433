"""Asks git about repositories and checks them out elsewhere; changes no file of the user's.

A checkout is a clone that shares the objects of the user's repository, which does not know of it.
What lies uncommitted becomes a commit there that no branch names: nothing else is written.
"""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from bench.errors import BuildError, UsageError, did_you_mean
from bench.process import capture

if TYPE_CHECKING:
    from collections.abc import Sequence

_LIMIT_S: Final = 600.0
_NO_HOOKS: Final = ("-c", "core.hooksPath=/dev/null", "-c", "advice.detachedHead=false")
_WHO: Final = {
    "GIT_AUTHOR_NAME": "bench",
    "GIT_AUTHOR_EMAIL": "bench@localhost",
    "GIT_AUTHOR_DATE": "2000-01-01T00:00:00Z",
    "GIT_COMMITTER_NAME": "bench",
    "GIT_COMMITTER_EMAIL": "bench@localhost",
    "GIT_COMMITTER_DATE": "2000-01-01T00:00:00Z",
}
"""A fixed date: the same content becomes the same commit."""

_GENERATED: Final = (":(exclude,glob)**/.build/**", ":(exclude,glob)**/reports/2*Z-*/**")
"""What `bench` itself writes into a working tree."""


class Commit(NamedTuple):
    """A commit and the hash of the whole tree in it: equal content, equal tree."""

    commit: str
    tree: str


def _git(
    folder: Path, *argv: str, extra: dict[str, str] | None = None
) -> tuple[int, str, str] | None:
    """Exit code, stdout and stderr; None where there is no git. GIT_* of a hook is dropped."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    env = {**kept, "LC_ALL": "C", "GIT_TERMINAL_PROMPT": "0", **(extra or {})}
    done = capture(["git", *_NO_HOOKS, *argv], cwd=folder, env=env, timeout_s=_LIMIT_S)
    return None if done is None else (done.rc, done.stdout, done.stderr)


_COMPARE: Final = ("cannot be compared by git ref", "name two servers: bench ab SERVER SERVER")


def repository_of(folder: Path, purpose: tuple[str, str] = _COMPARE) -> Path:
    """The top folder of the git repository around a folder.

    The purpose is what cannot be done without one, and what can be instead, for the message.

    Raises:
        UsageError: there is none, or no git.
    """
    done = _git(folder, "rev-parse", "--show-toplevel")
    if done is not None and done[0] == 0 and done[1].strip():
        return Path(done[1].rstrip("\n")).resolve()
    why, advice = _no_repository(done[2] if done else "", purpose[1])
    raise UsageError(f"{folder} {purpose[0]}: {why}", advice=advice)


def _no_repository(said: str, instead: str) -> tuple[str, str]:
    """Why git shows no working tree, in its own words where it has a reason, and the cure."""
    if shutil.which("git") is None:
        return "git is not installed", f"install git, or {instead}"
    if not said.strip():
        return "it is in no working tree (a bare repository?)", "`git clone` it and go there"
    if "not a git repository" in said:
        return "not in a git repository", f"`git init` and commit, or {instead}"
    own = next((line.strip() for line in said.splitlines() if "safe.directory" in line), "")
    words = " ".join(said.partition("To add an exception")[0].split())
    return f"git refuses: {words}", own or "do what git says, then again"


def commit_of(repository: Path, ref: str) -> Commit:
    """What a branch, tag or hash names.

    Raises:
        UsageError: nothing; names the nearest branches and tags.
    """
    # --end-of-options: a ref that begins with a dash is not an option of git's.
    done = _git(repository, "rev-parse", "--verify", "--end-of-options", f"{ref}^{{commit}}")
    if done is None or done[0] != 0:
        if not _has_commit(repository):
            raise UsageError(f"there is no commit in {repository} yet", advice="`git commit` first")
        raise UsageError(f"there is no ref {ref!r} in {repository}", advice=_near(repository, ref))
    if f"refname '{ref}' is ambiguous" in done[2]:
        raise UsageError(
            f"{ref!r} is the name of more than one thing in {repository}, such as a branch and a "
            "tag",
            advice=f"write heads/{ref} for the branch or tags/{ref} for the tag",
        )
    commit = done[1].strip()
    return Commit(commit, _tree(repository, commit))


class Described(NamedTuple):
    """A commit as people know it.

    Attributes:
        commit: its hash, in full.
        committed: when it was made, ISO 8601.
        subject: first line of its message.
    """

    commit: str
    committed: str
    subject: str


def described(folder: Path, ref: str = "HEAD") -> Described | None:
    """The commit that a ref names in the repository around a folder; None where there is none."""
    argv = ("show", "-s", "--format=%H%n%cI%n%s", "--end-of-options", f"{ref}^{{commit}}")
    done = _git(folder, *argv)
    lines = done[1].split("\n") if done and done[0] == 0 else []
    return Described(*lines[:3]) if len(lines) >= len(Described._fields) else None


class LinkedCommit(NamedTuple):
    """A commit, the hash of its tree, and its parents, the first parent first."""

    commit: str
    tree: str
    parents: tuple[str, ...]


def commits_between(repository: Path, good: Commit, bad: Commit) -> tuple[LinkedCommit, ...]:
    """The commits that descend from good and lead to bad, parents before children, bad last.

    Raises:
        UsageError: they are one commit, or good is not an ancestor of bad.
    """
    if good.commit == bad.commit:
        raise UsageError(
            f"good and bad are the same commit, {good.commit[:12]}", advice="name an older good"
        )
    walk = ("rev-list", "--topo-order", "--reverse", "--ancestry-path", "--format=%T %P")
    listed = _must(repository, *walk, f"{good.commit}..{bad.commit}").splitlines()
    found = []
    for head, line in zip(listed[::2], listed[1::2], strict=True):
        tree, *parents = line.split()
        found.append(LinkedCommit(head.split()[1], tree, tuple(parents)))
    if not found:
        raise _no_ancestor(repository, good.commit, bad.commit)
    return tuple(found)


def _no_ancestor(repository: Path, good: str, bad: str) -> UsageError:
    """Why no path of commits leads from good to bad, and what to do about it."""
    said = f"good ({good[:12]}) is not an ancestor of bad ({bad[:12]})"
    done = _git(repository, "merge-base", good, bad)
    base = done[1].strip() if done and done[0] == 0 else ""
    if base == bad:
        return UsageError(
            f"{said}: it is the other way round",
            advice="the older commit is --good; what became cheaper cannot be searched for",
        )
    if not base and _is_shallow(repository):
        return UsageError(
            f"{said} as far as this shallow clone goes",
            advice="`git fetch --unshallow --tags` brings the rest of it",
        )
    if not base:
        return UsageError(f"{said}: they have no commit in common", advice="name refs of one line")
    return UsageError(
        f"{said}: they parted at {base[:12]}",
        advice=f"--good {base[:12]} searches from there, if that one is good too",
    )


class CommitChange(NamedTuple):
    """What a commit is: author date (ISO 8601), subject, and files that differ from a parent."""

    authored: str
    subject: str
    files: tuple[str, ...]


def change_of(repository: Path, commit: str, parent: str) -> CommitChange:
    """A commit as people are shown it.

    Raises:
        BuildError: git refuses.
    """
    authored, _, subject = _must(
        repository, "show", "-s", "--format=%aI%n%s", "--end-of-options", commit
    ).partition("\n")
    names = _must(repository, "diff", "--name-only", "-z", parent, commit)
    return CommitChange(authored, subject, tuple(name for name in names.split("\0") if name))


def is_dirty(folder: Path) -> bool:
    """Whether files that git tracks differ from the last commit."""
    done = _git(folder, "status", "--porcelain", "--untracked-files=no", "--", ".")
    return bool(done and done[0] == 0 and done[1].strip())


def _has_commit(repository: Path) -> bool:
    done = _git(repository, "rev-list", "--max-count=1", "--all")
    return bool(done and done[1].strip())


def _near(repository: Path, ref: str) -> str:
    done = _git(repository, "for-each-ref", "--format=%(refname:short)")
    names = done[1].split() if done and done[0] == 0 else []
    branch = re.split(r"[~^]", ref)[0]
    near = did_you_mean(ref, names)
    if near and branch not in names:
        return near
    if _is_shallow(repository):
        return "the clone is shallow: `git fetch --unshallow --tags` brings the rest of it"
    if branch in names:
        return f"the history of {branch} does not go back that far"
    return "`git branch --all` shows the branches"


def _is_shallow(repository: Path) -> bool:
    shallow = _git(repository, "rev-parse", "--is-shallow-repository")
    return bool(shallow and shallow[1].strip() == "true")


def _tree(repository: Path, commit: str) -> str:
    return _must(repository, "rev-parse", "--verify", f"{commit}^{{tree}}")


def uncommitted(repository: Path) -> Commit:
    """A commit of everything that lies in the working tree, but for what git ignores.

    Raises:
        BuildError: git refuses.
    """
    with tempfile.TemporaryDirectory(prefix="bench-") as scratch:
        index = {"GIT_INDEX_FILE": str(Path(scratch, "index"))}
        head = _git(repository, "rev-parse", "--verify", "HEAD")
        if head and head[0] == 0:
            _must(repository, "read-tree", "HEAD", extra=index)
        _must(repository, "add", "--all", "--", ".", *_GENERATED, extra=index)
        tree = _must(repository, "write-tree", extra=index)
    commit = _must(repository, "commit-tree", tree, "-m", "what lies uncommitted", extra=_WHO)
    return Commit(commit, tree)


def worktree(repository: Path, commit: Commit, place: Path) -> Path:
    """A working tree with that content outside of the repository, made once.

    Args:
        repository: the user's.
        commit: what to check out.
        place: its folder; it is taken as it is where it was finished before.

    Raises:
        BuildError: git refuses.
    """
    done = place.with_name(f"{place.name}.done")
    if place.is_dir() and done.is_file():
        return place
    if place.is_dir():
        shutil.rmtree(place)
    place.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    _check_out(repository, commit.commit, place)
    _submodules(repository, place)
    done.touch()
    return place


def _check_out(repository: Path, commit: str, place: Path) -> None:
    """A clone that shares the objects; a shallow repository shares none and gets a worktree.

    Raises:
        BuildError: git refuses both.
    """
    shared = ("--quiet", "--shared", "--no-checkout")
    cloned = _git(place.parent, "clone", *shared, str(repository), str(place))
    if cloned is not None and cloned[0] == 0:
        done = _git(place, "checkout", "--quiet", "--detach", commit)
        if done is not None and done[0] == 0:
            return
    shutil.rmtree(place, ignore_errors=True)
    _must(repository, "worktree", "add", "--force", "--detach", str(place), commit)


def _submodules(repository: Path, place: Path) -> None:
    """Fill the folders of submodules from the user's own copies of them; nothing is fetched.

    Raises:
        BuildError: one of them is not checked out, or lacks the commit.
    """
    listed = _must(place, "ls-tree", "-r", "-z", "HEAD")
    for entry in listed.split("\0"):
        head, _, name = entry.partition("\t")
        if not head.startswith("160000 "):
            continue
        source, commit = repository / name, head.split()[2]
        advice = f"`git -C {repository} submodule update --init --recursive` brings it"
        if not (source / ".git").exists():
            raise BuildError(f"the submodule {name} is not checked out", advice=advice)
        known = _git(source, "cat-file", "-e", f"{commit}^{{commit}}")
        if known is None or known[0] != 0:
            raise BuildError(
                f"the submodule {name} has no commit {commit[:12]} here",
                advice=f"`git -C {source} fetch` brings it",
            )
        _check_out(source, commit, place / name)
        _submodules(source, place / name)


def has_file(repository: Path, commit: Commit, path: Path) -> bool:
    """Whether a commit has a file at that path, relative to the repository."""
    done = _git(repository, "cat-file", "-e", f"{commit.commit}:{path.as_posix()}")
    return bool(done and done[0] == 0)


def tags_of(repository: Path) -> dict[str, int]:
    """All tags, and when each was made in seconds since 1970; 0 = not known."""
    form = "--format=%(refname:short) %(creatordate:unix)"
    done = _git(repository, "for-each-ref", form, "refs/tags")
    rows = (line.partition(" ") for line in (done[1] if done and done[0] == 0 else "").splitlines())
    return {name: int(made or 0) for name, _, made in rows}


def files_of(folder: Path) -> list[Path] | None:
    """Files below a folder that git tracks or would; None where there is no repository."""
    done = _git(folder, "ls-files", "-z", "--cached", "--others", "--exclude-standard")
    if done is None or done[0] != 0:
        return None
    return sorted({folder / name for name in done[1].split("\0") if name})


def _must(folder: Path, *argv: str, extra: dict[str, str] | None = None) -> str:
    done = _git(folder, *argv, extra=extra)
    if done is None or done[0] != 0:
        said = done[2].strip() if done else "no answer"
        raise BuildError(f"git {_words(argv)} failed in {folder}: {said}")
    return done[1].strip()


def _words(argv: Sequence[str]) -> str:
    return " ".join(argv[:2])
