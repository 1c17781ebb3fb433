"""What is not measured since a server answered wrongly when it was asked first."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bench.plans.duets import as_duet
from bench.run.asking import Asked, FirstQuestions, asked_of
from tests.factories import Truth, run_data

if TYPE_CHECKING:
    from bench.model.plan import Arm, Plan

_BLOCKS = run_data(
    {"main": Truth(), "branch": Truth()}, workloads=("json-small", "plaintext"), rounds=3
).plan
_DUET = as_duet(_BLOCKS.model_copy(update={"design": "duet"}))


def _asked(plan: Plan, *wrong: tuple[str, str], whole: bool = False) -> FirstQuestions:
    """All servers were asked; these answered these workloads wrongly."""

    def ask(arm: Arm) -> dict[Asked, str]:
        return {
            one: f"{one.workload}: expected 1, got 2\n  its log"
            for one in asked_of(plan, arm)
            if (one.server, one.workload) in wrong
        }

    questions = FirstQuestions(ask, whole=whole)
    for arm in plan.arms:
        questions.reason(plan, arm)
    return questions


def _lost(questions: FirstQuestions, plan: Plan) -> set[tuple[str, str]]:
    return {(cell.server, cell.workload) for cell in questions.lost(plan)}


def test_a_wrong_answer_costs_the_cells_of_its_server() -> None:
    """In blocks: nobody else's, and each is a finding with the first line of the reason."""
    questions = _asked(_BLOCKS, ("branch", "plaintext"))
    (found,) = questions.findings(_BLOCKS)

    assert _lost(questions, _BLOCKS) == {("branch", "plaintext")}
    assert (found.code, found.case, found.severity) == ("not-served", "some", "error")
    assert found.scope in {cell.id for cell in _BLOCKS.cells}
    assert found.evidence["reason"] == "plaintext: expected 1, got 2"
    assert questions.refused == []


def test_a_baseline_is_part_of_every_duet() -> None:
    """What it answers wrongly is lost for all, its copy included; the other workload is not."""
    questions = _asked(_DUET, ("main", "plaintext"))
    names = {arm.name for arm in _DUET.arms}

    assert _lost(questions, _DUET) == {(name, "plaintext") for name in names}
    assert {trial.cell.profile for trial in _DUET.trials} > {_DUET.profiles[0].id}


def test_a_candidate_of_a_duet_is_lost_alone() -> None:
    """The copy of the baseline goes on: it is the noise floor of the others."""
    assert _lost(_asked(_DUET, ("branch", "plaintext")), _DUET) == {("branch", "plaintext")}


@pytest.mark.parametrize(
    ("wrong", "whole"),
    [
        ([("branch", "plaintext"), ("branch", "json-small")], False),
        ([("branch", "plaintext")], True),
    ],
)
def test_who_answers_nothing_takes_no_part(wrong: list[tuple[str, str]], *, whole: bool) -> None:
    """In `bench ab` and `try` one wrong answer is enough."""
    questions = _asked(_BLOCKS, *wrong, whole=whole)

    assert questions.refused == ["branch"]
    assert questions.lost(_BLOCKS) == {}
