"""The table of findings: every code and every sentence is raised somewhere, and the other way."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path
from string import Formatter
from typing import Final, NamedTuple

import pytest

from bench.model.finding import CODES, Example, Finding, finding, on_machine
from bench.reports.wording.findings import SAID_CODES, WORDS, in_words, told
from tests.factories import as_read

ROOT: Final = Path(__file__).parents[2] / "bench"
ANY: Final = "*"
"""A code or a case that is not written where the finding is made."""


class Raised(NamedTuple):
    """One call of `finding`: the code and case as written there, and its figures' names."""

    where: str
    codes: frozenset[str]
    cases: frozenset[str]
    figures: frozenset[str | None]


@cache
def modules() -> dict[str, ast.Module]:
    """The modules that make findings; the model lists codes and the reports only word them."""
    found = {}
    for path in sorted(ROOT.rglob("*.py")):
        name = path.relative_to(ROOT).as_posix()
        if not name.startswith(("reports/", "model/")):
            found[name] = ast.parse(path.read_text())
    return found


def strings(tree: ast.AST) -> frozenset[str]:
    """Every text that is written in a piece of code."""
    nodes = ast.walk(tree)
    return frozenset(
        node.value
        for node in nodes
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    )


def written(node: ast.expr) -> frozenset[str]:
    """What an argument can be: its text, both of `a if b else c`, or anything."""
    if isinstance(node, ast.Constant):
        return frozenset({str(node.value)})
    if isinstance(node, ast.IfExp):
        return written(node.body) | written(node.orelse)
    return frozenset({ANY})


@cache
def raised() -> tuple[Raised, ...]:
    """Every call of `finding` in the package."""
    found = []
    for name, tree in modules().items():
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "finding":
                code, _, *case = node.args
                cases = written(case[0]) if case else frozenset({""})
                figures = frozenset(keyword.arg for keyword in node.keywords)
                found.append(Raised(f"{name}:{node.lineno}", written(code), cases, figures))
    return tuple(found)


def row(code: str, case: str) -> str:
    """The key of the table."""
    return f"{code}/{case}" if case else code


def test_every_call_has_its_row() -> None:
    """Code and case, where both are written in the call."""
    missing = [
        (call.where, row(code, case))
        for call in raised()
        for code in call.codes - {ANY}
        for case in call.cases - {ANY, "said"}
        if row(code, case) not in WORDS
    ]

    assert len(raised()) > 60
    assert missing == []


def test_every_code_of_the_list_has_words_and_every_row_a_code() -> None:
    """The two lists are one."""
    worded = {key.partition("/")[0] for key in WORDS} | SAID_CODES

    assert worded == set(CODES)


@pytest.mark.parametrize("code", sorted(CODES))
def test_every_code_can_be_raised(code: str) -> None:
    """It is written in a module that makes findings, or gives a failure its code."""
    assert any(code in strings(tree) for tree in modules().values())


@pytest.mark.parametrize("key", sorted(WORDS))
def test_every_row_can_be_raised(key: str) -> None:
    """Some call has its code and its case, or stands in a module where both are written."""
    code, _, case = key.partition("/")

    assert any(
        code in call.codes | (written_in(call) if ANY in call.codes else frozenset())
        and case in call.cases | (written_in(call) if ANY in call.cases else frozenset())
        for call in raised()
    )


def written_in(call: Raised) -> frozenset[str]:
    """Every text in the module of a call, and the names of systems."""
    tree = modules()[call.where.partition(":")[0]]
    return strings(tree) | {"darwin", "linux"}


def test_every_call_gives_the_figures_of_its_sentences() -> None:
    """A figure that is missing would leave the finding without words."""
    lacking = [
        (call.where, name)
        for call in raised()
        for code in call.codes - {ANY}
        for case in call.cases - {ANY, "said"}
        for part in WORDS[row(code, case)]
        if isinstance(part, str)
        for _, name, _, _ in Formatter().parse(part)
        if name and name not in call.figures
    ]

    assert lacking == []


def test_a_finding_of_an_earlier_version_keeps_its_words() -> None:
    """Its text has no figures to be made from."""
    old = as_read("swap", "host", "3.1 GiB are in swap", advice="Close something.")

    assert in_words(old) == old
    assert Finding.model_validate_json(old.model_dump_json()) == old
    assert "case" not in old.model_dump()


def test_what_a_file_holds_gives_the_same_words_again() -> None:
    """Figures and sentences are both written; the sentences are made anew when it is read."""
    new = told(finding("steal", "r01-a", share=0.031))
    again = Finding.model_validate_json(new.model_dump_json())

    assert again == new
    assert told(again.model_copy(update={"text": "older words"})).text == new.text
    assert new.text == "the hypervisor gave 3.1% of our CPUs' time to others"


def test_a_finding_without_its_figures_keeps_the_text_it_came_with() -> None:
    """As a later version may write it."""
    other = Finding(code="steal", severity="warning", scope="x", text="kept", case="")

    assert told(other).text == "kept"
    assert told(other.model_copy(update={"case": "new"})).text == "kept"
    assert told(other.model_copy(update={"evidence": {"share": None}})).text == "kept"


def test_once_for_all_trials_of_a_cell() -> None:
    """One trial is named; of several it is the example."""
    single = finding("steal", "c", share=0.02).model_copy(update={"example": Example("r1-c", 1, 5)})
    several = single.model_copy(update={"example": Example("r1-c", 3, 5)})

    assert in_words(single).text.startswith("r1-c: the hypervisor")
    assert in_words(several).text.startswith("3 of 5 trials, such as r1-c: the hypervisor")


def test_no_report_takes_a_sentence_apart() -> None:
    """Nothing is removed from, replaced in or split off a text or a verdict's words."""
    pattern = re.compile(
        r"\.(?:text|advice)\.(?:removeprefix|replace|split|startswith|partition)\("
    )
    files = [*(ROOT / "reports").rglob("*.py"), *(ROOT / "cli").glob("*.py")]
    found = [
        path.name
        for path in files
        for line in path.read_text().splitlines()
        if pattern.search(line)
    ]

    assert found == []


def test_a_machine_of_the_load_is_named_once() -> None:
    """By its sentence, or before one that does not know of several machines."""
    stolen = on_machine(finding("steal", "r01-a", share=0.031), "load-2")
    late = finding("start-spread", "r01-a", machine="load-1", spread_s=0.0712)

    assert told(stolen).text == "load-2: the hypervisor gave 3.1% of our CPUs' time to others"
    assert told(late).text == "load-1 began 0.071 s after the start that was agreed on"
