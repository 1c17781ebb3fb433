"""How many rounds were asked for, where a run that ended earlier did not write it down."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.plans.yaml.reader import read_document

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bench.model.plan import Plan
    from bench.store.run_directory import RunDirectory

_OPTION = "--rounds"


def with_rounds_asked(plan: Plan, argv: Sequence[str], directory: RunDirectory) -> Plan:
    """The plan of a run on disk; one of an older version has rounds that the time allowed only.

    Args:
        plan: as plan.json has it.
        argv: what was typed.
        directory: with the copy of the matrix; one that is gone or damaged tells nothing.
    """
    if plan.rounds_asked is not None or plan.max_time_s is None or argv[:1] != ("run",):
        return plan
    asked = _typed(argv)
    if asked is None:
        asked = _in_matrix(directory)
    return plan.replace(rounds_asked=asked) if asked and asked > plan.rounds else plan


def _typed(argv: Sequence[str]) -> int | None:
    for word, after in zip(argv, (*argv[1:], ""), strict=True):
        name, equals, value = word.partition("=")
        if name == _OPTION:
            text = value if equals else after
            return int(text) if text.isdecimal() else None
    return None


def _in_matrix(directory: RunDirectory) -> int | None:
    document = read_document(directory.path / "matrix.yaml")
    found = None if document.problems else document.data.get("rounds")
    return found if isinstance(found, int) else None
