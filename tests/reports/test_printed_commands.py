"""Commands that a report prints do what is said of them."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Any

import pytest

from bench.cli import bench
from bench.model.server_config import CEILING
from bench.reports.blocks import Numbered, plain
from bench.reports.commands import more_rounds_command, repeat_command, round_s
from bench.reports.sections.next_steps import next_steps
from bench.reports.view import make_view
from tests.factories import Truth, run_data, run_view
from tests.reports import samples

if TYPE_CHECKING:
    from bench.model.summary import RunInfo, RunView


def _info(*argv: str) -> RunInfo:
    return samples.two_servers().info.replace(argv=argv)


def _with(run: RunView, *argv: str, **plan: Any) -> RunView:
    return run.replace(info=run.info.replace(argv=argv), plan=run.plan.replace(**plan))


def _steps(run: RunView) -> list[str]:
    found = next_steps(make_view(run))
    if not found:
        return []
    assert isinstance(found[0], Numbered)
    return [plain(point) for _, points in found[0].items for point in points]


def _parsed(command: str) -> dict[str, Any]:
    """What a command line of ours asks for; fails where an option or a command is not there."""
    name, *words = shlex.split(command)[1:]
    found = bench.get_command(bench.make_context("bench", [name], resilient_parsing=True), name)
    assert found is not None
    return found.make_context(name, words, resilient_parsing=False).params


class TestRepeat:
    def test_what_was_typed_stands_after_the_program(self) -> None:
        """argv in run.json begins with the command: none of its words is lost."""
        assert repeat_command(_info("run", "a b", "--seed", "3"), 3) == "bench run 'a b' --seed 3"
        assert repeat_command(_info("ab", "mine", "--ref", "main"), 3) == (
            "bench ab mine --ref main"
        )

    def test_the_same_order_is_asked_for(self) -> None:
        """A seed that was drawn is named, one that was given stays; only where it is an option."""
        assert repeat_command(_info("run", "all"), 17) == "bench run all --seed 17"
        assert repeat_command(_info(), 17) == "bench run synthetic --seed 17"
        assert repeat_command(_info("run", "all", "--seed=5"), 5) == "bench run all --seed=5"
        assert repeat_command(_info("try", "--", "./app"), 17) == "bench try -- ./app"


class TestMoreRounds:
    def test_the_time_holds_them(self) -> None:
        """A matrix with max_time would not make more rounds in the time that it says."""
        run = _with(samples.two_servers(), "run", "all", max_time_s=60.0)
        needed = 8 * round_s(run.trials)
        asked = _parsed(more_rounds_command(run, 8))

        assert asked["rounds"] == 8
        assert asked["max_time"].endswith("m")
        assert needed <= int(asked["max_time"][:-1]) * 60 <= needed * 1.1 + 60

    def test_a_round_is_every_cell_once(self) -> None:
        """Rounds that were cut short, and trials that were run again, do not shorten it."""
        run = samples.two_servers()
        whole = round_s(run.trials)
        cut = tuple(t for t in run.trials if t.round < 4 or t.server == "axum")

        assert whole == pytest.approx(sum(t.phases_s.total for t in run.trials) / 5)
        assert round_s(cut) == pytest.approx(whole, rel=0.05)

    def test_what_was_chosen_stays(self) -> None:
        """Servers and lengths of this run are those of the next; where it went to is not."""
        typed = ("run", "all", "--servers", "a,b", "--rounds=3", "--seed", "4", "--publish", "R.md")

        assert more_rounds_command(_with(samples.two_servers(), *typed), 6) == (
            "bench run all --servers a,b --rounds 6"
        )

    def test_each_command_by_its_own_options(self) -> None:
        """`ab` has no rounds but time, `try` rounds before the command, a search neither."""
        run = samples.two_servers()
        by_time = more_rounds_command(_with(run, "ab", "x", "y", max_time_s=60.0), 9)

        assert by_time.startswith("bench ab x y --max-time ")
        assert more_rounds_command(
            _with(run, "try", "--rounds", "3", "--", "./a", "--rounds"), 6
        ) == ("bench try --rounds 6 -- ./a --rounds")
        assert not more_rounds_command(_with(run, "capacity", "x", "y"), 9)


class TestNextSteps:
    def test_the_yardstick_is_not_a_server_to_change(self) -> None:
        """Neither the ceiling nor a copy has a branch to compare with."""
        again = samples.FIVE["axum"]._replace(server="axum")
        servers = {"axum": Truth(), "fastify": Truth(rps=100), "axum-again": again}
        run = run_view(run_data({**servers, CEILING: samples.CEILING}))

        assert "bench ab fastify --ref main --ref my-branch: two versions at the same time" in (
            _steps(run)
        )

    def test_a_version_is_known_by_its_server(self) -> None:
        """What `ab` checked out has a name that no other command knows."""
        run = samples.two_servers()
        arms = tuple(
            arm.replace(server=f"mine.{arm.name}", version_of="mine") for arm in run.plan.arms
        )
        found = _steps(_with(run, "ab", "mine", arms=arms))

        assert "bench profile mine json-small: functions and threads" in found
        assert "bench ab mine --ref main --ref my-branch: two versions at the same time" in found

    def test_servers_of_ours_are_proposed_where_they_are(self) -> None:
        """In another project there is no matrix `all`; what `try` made is not in a project."""
        run = run_view(run_data({"mine": Truth(), "theirs": Truth(rps=900)}))

        assert not [step for step in _steps(run) if "bench run all" in step]
        assert not [
            step
            for step in _steps(_with(samples.one_round(), "try", "--", "./a"))
            if not step.startswith("bench try --rounds 5 -- ./a")
        ]

    @pytest.mark.parametrize("name", ["two_servers", "one_round", "five_servers", "rich"])
    def test_each_can_be_typed(self, name: str) -> None:
        """Every option of a printed command is one that the command has."""
        for step in _steps(getattr(samples, name)()):
            if step.startswith("bench "):
                _parsed(step.split(": ")[0].split(" measures ")[0])
