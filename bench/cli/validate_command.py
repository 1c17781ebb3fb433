"""`bench validate`: check configuration files; all errors at once."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from bench.cli.common import emit_json, json_option, project_option
from bench.errors import EXIT_OK, EXIT_USAGE

if TYPE_CHECKING:
    from bench.errors import Problem
    from bench.plans.validation import ValidationResult


@click.command()
@click.argument("files", nargs=-1, type=click.Path(path_type=Path), metavar="[FILE]...")
@json_option
@project_option
def command(files: tuple[Path, ...], project: Path | None, *, as_json: bool) -> int:
    """Check servers, workloads and matrices; print all problems at once.

    Without FILE the whole project is checked: every matrix in configs/, every workload in
    configs/workloads/, every server.yaml in servers/, and whether they fit together. A FILE
    is checked with what it names; the folder of a server or of a project will do as well.
    Nothing is built or started.

    Each problem has the file, the line, the key, what is wrong and what was expected.
    Exit code 2 when there are any. A program that is not there and that no build makes, and
    an id that hides a server of bench's, are warnings on stderr.
    """
    checked = _check(files, project)
    if as_json:
        problems = [problem._asdict() for problem in checked.problems]
        emit_json({"files": list(checked.files), "problems": problems})
    else:
        for problem in checked.problems:
            click.echo(str(problem))
        for warning in _warnings(files, project):
            click.echo(f"warning: {warning}", err=True)
        click.echo(_summary(checked), err=True)
    return EXIT_USAGE if checked.problems else EXIT_OK


def _check(files: tuple[Path, ...], folder: Path | None) -> ValidationResult:
    from bench.loadtools import unsupported
    from bench.plans.project import find_project
    from bench.plans.validation import (
        ValidationResult,
        check_files,
        check_project,
    )
    from bench.plans.yaml.files import resolved

    if not files:
        return check_project(find_project(Path.cwd(), folder), unsupported)
    whole = [resolved(path) for path in files if _is_project(path)]
    by_project: dict[Path, list[Path]] = {}
    for path in files:
        if not _is_project(path):
            by_project.setdefault(_start(resolved(path)), []).append(resolved(path))
    parts = [check_project(find_project(path, path), unsupported) for path in whole]
    parts += [
        check_files(find_project(start, folder), paths, unsupported)
        for start, paths in by_project.items()
    ]
    names = tuple(name for part in parts for name in part.files)
    return ValidationResult(names, tuple(sorted({one for part in parts for one in part.problems})))


def _warnings(files: tuple[Path, ...], folder: Path | None) -> tuple[Problem, ...]:
    """Files that are right, and hardly meant: a program that nothing makes, an id of bench's."""
    from bench.plans.project import find_project
    from bench.plans.validation import project_servers, warnings
    from bench.plans.yaml.files import resolved

    roots = [path for path in files if _is_project(path)]
    if not files:
        roots = [find_project(Path.cwd(), folder).root]
    listed = {root: project_servers(root) for root in roots}
    for path in files:
        if not _is_project(path):
            listed.setdefault(_start(resolved(path)), []).append(path)
    found = (warnings(find_project(root, folder), paths) for root, paths in listed.items())
    return tuple(sorted({one for some in found for one in some}))


def _start(path: Path) -> Path:
    """The folder whose project a file belongs to; the current one where it is in none."""
    return next((folder for folder in path.parents if _is_project(folder)), Path.cwd())


def _is_project(folder: Path) -> bool:
    return (folder / "configs").is_dir() or (folder / "servers").is_dir()


def _summary(checked: ValidationResult) -> str:
    files = f"{len(checked.files)} {'file' if len(checked.files) == 1 else 'files'}"
    count = len(checked.problems)
    if not count:
        return f"{files} checked: no problems"
    return f"{files} checked: {count} {'problem' if count == 1 else 'problems'}"
