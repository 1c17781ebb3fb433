"""`bench clean`: show and remove what takes space."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from bench.cli.common import emit_json, json_option, project_option
from bench.errors import StoreError, UsageError
from bench.units import format_bytes

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bench.plans.project import Project

_BUILD_PARTS = (".venv", "target", "node_modules", ".build")


class Item(NamedTuple):
    """Something that can be removed and is made again when it is needed."""

    kind: str
    path: Path
    size: int


@click.command()
@click.option("--builds", is_flag=True, help="Remove what was built in servers/.")
@click.option("--runs", is_flag=True, help="Remove runs and bisects in reports/.")
@click.option("--keep", type=click.IntRange(0), default=3, help="Newest of them to keep (3).")
@click.option(
    "--cache",
    is_flag=True,
    help="Remove all that bench keeps in the user's cache: checkouts, arms, `try`, load tools ...",
)
@click.option("--yes", is_flag=True, help="Do not ask.")
@json_option
@project_option
def command(project: Path | None, *, as_json: bool, yes: bool, keep: int, **chosen: bool) -> None:
    """Show what takes space, and remove what is named.

    Without --builds, --runs or --cache nothing is removed. The committed report
    (reports/RESULTS.md and its charts) is never touched.
    """
    from bench.plans.project import find_project

    found = find_project(Path.cwd(), project)
    items = [*_builds(found), *_runs(found, keep), *_cache()]
    wanted = [item for item in items if chosen[item.kind]]
    if not as_json:
        for item in items:
            click.echo(f"{item.kind:<7} {format_bytes(item.size):>12}  {item.path}")
        if not items:
            click.echo("nothing to clean")
    removed: list[Item] = []
    try:
        if wanted and (yes or _agreed(wanted)):
            _remove(wanted, removed)
    finally:
        if as_json:  # after the answer: it says what was removed, not what might be
            emit_json({"items": [_row(item, removed=item in removed) for item in items]})


def _agreed(wanted: list[Item]) -> bool:
    """Ask; "n" is an answer like any other.

    Raises:
        UsageError: nobody is there to answer.
    """
    total = format_bytes(sum(item.size for item in wanted))
    nobody = UsageError(
        "nothing was removed: stdin has no answer", advice="give --yes to remove without asking"
    )
    if sys.stdin is None:
        raise nobody
    try:
        return click.confirm(f"remove {len(wanted)} of them ({total})?", err=True)
    except click.Abort as error:
        if isinstance(error.__context__, EOFError):  # and not Ctrl-C
            click.echo(err=True)
            raise nobody from None
        raise


def _remove(wanted: list[Item], removed: list[Item]) -> None:
    for item in wanted:
        try:
            shutil.rmtree(item.path)
        except OSError as error:
            raise StoreError(
                f"cannot remove {error.filename or item.path}: {error.strerror or error}"
            ) from error
        removed.append(item)
    click.echo(f"removed {format_bytes(sum(item.size for item in removed))}", err=True)


def _row(item: Item, *, removed: bool) -> dict[str, Any]:
    return {"kind": item.kind, "path": str(item.path), "bytes": item.size, "removed": removed}


def _builds(project: Project) -> Iterator[Item]:
    own = project.root / "servers"  # those that come with bench belong to other projects too
    for file in (each for each in project.servers.values() if each.is_relative_to(own)):
        for part in _BUILD_PARTS:
            path = file.parent / part
            if path.is_dir() and not path.is_symlink():
                yield Item("builds", path, _size(path))


def _runs(project: Project, keep: int) -> Iterator[Item]:
    from bench.store.bisect_files import list_bisects
    from bench.store.runs import by_start, list_runs

    reports = project.root / "reports"
    runs = [each.path for each in list_runs(reports)]
    runs = by_start([*runs, *(each.path for each in list_bisects(reports))])
    for path in runs[: max(0, len(runs) - keep)]:
        yield Item("runs", path, _size(path))


def _cache() -> Iterator[Item]:
    from bench.store.cache import cache_folder

    here = cache_folder()
    for folder in sorted(here.iterdir()) if here.is_dir() else ():
        if folder.is_dir():  # beside them lie the locks of runs
            yield Item("cache", folder, _size(folder))


def _size(path: Path) -> int:
    return sum(file.lstat().st_size for file in path.rglob("*") if not file.is_dir())
