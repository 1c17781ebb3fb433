"""Sections: header, configuration, hardware, servers, trials, samples, raw data, next steps."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from bench.cli import COMMANDS
from bench.model.host_facts import Cluster
from bench.model.plan import Pinning, Skipped
from bench.reports.blocks import (
    Bullets,
    Code,
    FactList,
    Folded,
    Notice,
    Numbered,
    OnPage,
    Paragraph,
    Table,
    plain,
)
from bench.reports.sections import next_steps
from bench.reports.sections.configuration import configuration
from bench.reports.sections.hardware import hardware_blocks
from bench.reports.sections.header import doubts, limits
from bench.reports.sections.left_out import trial_blocks
from bench.reports.sections.samples import sample_blocks
from bench.reports.sections.servers_tested import servers
from bench.reports.view import make_view
from bench.reports.wording.machine_words import UNPINNED_DARWIN, one_line
from tests.factories import (
    Truth,
    as_read,
    closed_profile,
    exchange,
    host,
    run_data,
    run_view,
    with_status,
)
from tests.reports import samples

if TYPE_CHECKING:
    from bench.model.finding import Finding
    from bench.model.host_facts import Host
    from bench.model.summary import RunView


def _with_host(**change: Any) -> RunView:
    run = samples.two_servers()
    return run.model_copy(update={"host": host().model_copy(update=change)})


def _notice(*found: Finding, **change: Any) -> list[str]:
    run = samples.two_servers()
    summary = run.summary.model_copy(update={"findings": found, **change})
    view = make_view(run.model_copy(update={"summary": summary}))
    notices = [b for b in (*doubts(view), *limits(view)) if isinstance(b, Notice)]
    return [plain(item) for notice in notices for item in notice.items]


def _of_cells(run: RunView) -> tuple[Finding, ...]:
    return tuple(
        as_read("near-ceiling", f"{cell.server}.{cell.workload}.{cell.profile}", "reaches 90 %")
        for cell in run.summary.cells
    )


def _facts(run: RunView) -> dict[str, str]:
    block = configuration(make_view(run)).blocks[0]
    assert isinstance(block, FactList)
    return {label: plain(text) for label, text in block.lines}


class TestHeader:
    def test_quiet_runs_have_no_notice(self) -> None:
        """Nothing is said where there is nothing to say."""
        assert _notice() == []

    def test_a_cell_has_the_titles_that_its_tables_bear(self) -> None:
        """Ids such as axum.json-small.wrk-c50 are for files; what is no cell keeps its name."""
        cell = samples.two_servers().summary.cells[0]
        scope = f"{cell.server}.{cell.workload}.{cell.profile}"
        found = _notice(
            as_read("drift", scope, "still rising by 9 %"), as_read("drift", "r01-x", "rising")
        )

        assert found == ["drift (2 times, first in Axum (Rust), Json small): Still rising by 9 %."]
        assert _notice(as_read("drift", "r01-x", "rising")) == ["drift (r01-x): Rising."]

    def test_what_matters_comes_first(self) -> None:
        """Rosetta before noise, whatever the order in which they were found."""
        found = _notice(
            as_read("noisy-host", "run", "31 % of trials are suspect"),
            as_read("translated", "host", "python runs under Rosetta", advice="install arm64"),
        )

        assert found == [
            "translated: Python runs under Rosetta. Install arm64.",
            "noisy-host: 31 % of trials are suspect.",
        ]

    def test_small_things_stay_below(self) -> None:
        """Information and the errors of single trials do not head a report."""
        found = _notice(
            as_read("virtual-machine", "host", "kvm"),
            as_read("errors", "axum.json-small.wrk-c50", "0.4 % failed"),
        )

        assert found == []

    def test_one_line_for_a_cause_of_many_cells(self) -> None:
        """Cells that share a cause are counted, with the first as the example."""
        found = _notice(
            as_read("client-bound", "a.w.p", "the load tool was the limit"),
            as_read("client-bound", "b.w.p", "the load tool was the limit"),
        )

        assert found == ["client-bound (2 times, first in a.w.p): The load tool was the limit."]

    def test_trials_are_counted_where_they_have_it(self) -> None:
        """Cells, and in them the trials: one of five is not all."""
        run = samples.two_servers()
        found = tuple(as_read("pacer-late", each.scope, "late") for each in _of_cells(run))
        marked = tuple(
            trial.replace(findings=(as_read("pacer-late", trial.trial, "late"),))
            if trial.round < 3 or trial.server == "axum"
            else trial
            for trial in run.trials
        )
        run = run.replace(trials=marked, summary=run.summary.replace(findings=found))
        block = limits(make_view(run))[0]
        assert isinstance(block, Notice)

        assert plain(block.items[0]) == (
            "pacer-late (7 trials of 2 cells, first in Axum (Rust), Json small): Late."
        )

    def test_what_no_trial_has_is_counted_by_cells(self) -> None:
        """A cell near the ceiling is so by all of its trials together."""
        found = _notice(*_of_cells(samples.two_servers()))

        assert found == ["near-ceiling (2 cells, first in Axum (Rust), Json small): Reaches 90 %."]

    def test_skipped_servers_have_their_reason(self) -> None:
        """A server that took no part is named with the reason."""
        found = _notice(skipped=(Skipped(server="robyn", reason="cargo is missing"),))

        assert found == ["robyn was skipped: cargo is missing"]

    def test_left_out_trials_are_counted_by_cause(self) -> None:
        """Nothing is excluded silently."""
        edit = with_status("invalid", "errors", where=lambda trial: trial.order == 2)
        run = run_view(run_data({"axum": Truth(), "spikard": Truth()}, edit=edit))
        blocks = limits(make_view(run))

        assert isinstance(blocks[0], Notice)
        assert any(
            plain(item).startswith("1 of 10 trials are left out of all figures (causes: errors 1)")
            for item in blocks[0].items
        )


class TestConfiguration:
    def test_lines_of_the_source(self) -> None:
        """The labels of the source report come first, and the same words in them."""
        found = _facts(samples.two_servers())

        assert list(found)[:4] == ["Date", "Workload", "Duration", "Concurrency"]
        assert found["Date"] == "2026-11-23"
        assert found["Concurrency"] == "50 concurrent connections"
        assert found["CPUs"] == "server on CPU 0, load tool on CPU 1, pinned"
        assert found["Tools"] == "bench 0.1.0, wrk 4.1.0, python 3.11.7"

    def test_several_profiles_are_all_named(self) -> None:
        """A closed and an open loop are both described."""
        found = _facts(samples.five_servers())["Concurrency"]

        assert found == (
            "50 connections, closed loop (wrk); 50 connections, open loop at 2,000 requests/s (oha)"
        )

    @pytest.mark.parametrize(
        ("cpus", "expected"),
        [((0, 1, 2, 3), "server on CPUs 0 to 3"), ((0, 2), "server on CPUs 0, 2")],
    )
    def test_several_cpus(self, cpus: tuple[int, ...], expected: str) -> None:
        """Ranges are shortened, gaps are not hidden."""
        run = samples.two_servers()
        split = run.plan.cpus.model_copy(update={"server": cpus})
        plan = run.plan.model_copy(update={"cpus": split})

        assert _facts(run.model_copy(update={"plan": plan}))["CPUs"].startswith(expected)

    def test_unpinned_says_so(self) -> None:
        """Where processes are not held, the thread counts and the reason are told."""
        run = samples.two_servers()
        split = run.plan.cpus.model_copy(
            update={"pinning": Pinning(state="none", reason="macOS has no affinity")}
        )
        plan = run.plan.model_copy(update={"cpus": split})

        assert _facts(run.model_copy(update={"plan": plan}))["CPUs"] == (
            "servers are asked to use 1, load tool processes 1; not pinned (macOS has no affinity)"
        )

    def test_imported_runs_claim_nothing(self) -> None:
        """Of results measured elsewhere neither rounds nor CPUs nor tools are told."""
        run = samples.one_round()
        info = run.info.model_copy(update={"imported": True})

        assert set(_facts(run.model_copy(update={"info": info}))) == {
            "Date",
            "Workload",
            "Duration",
            "Concurrency",
            "Measured",
            "Hardware",
        }


class TestHardware:
    def test_at_most_ten_lines(self) -> None:
        """The readable block is short however much is known."""
        clusters = (
            Cluster(name="Performance", cores=8, l2_bytes=None),
            Cluster(name="Efficiency", cores=4, l2_bytes=None),
        )
        run = _with_host(
            cpu=host().cpu.model_copy(update={"clusters": clusters, "turbo": True, "logical": 4}),
            thermal=host().thermal.model_copy(update={"pressure": "nominal"}),
            power=host().power.model_copy(update={"low_power": True}),
        )
        table = hardware_blocks(make_view(run))[1]
        assert isinstance(table, Table)
        found = {plain(label): plain(text) for label, text in table.rows}

        assert len(found) <= 11
        assert found["Cores"] == "2 cores (8 Performance + 4 Efficiency), 4 hardware threads"
        assert found["Heat"] == "not slowed down, pressure nominal"
        assert found["Power"] == "mains, low power mode on"
        assert "turbo on" in found["Frequency"]

    @pytest.mark.parametrize(
        ("change", "expected"),
        [
            ({"physical": None}, "2 cores"),
            ({"logical": None}, "2 cores"),
            ({"physical": 1, "logical": 1}, "1 core"),
        ],
    )
    def test_cores_as_far_as_known(self, change: dict[str, Any], expected: str) -> None:
        """One of the two counts is enough."""
        cpu = host().cpu.model_copy(update=change)

        assert f", {expected}, " in one_line(host().model_copy(update={"cpu": cpu}))

    def test_macs_carry_the_fixed_sentence(self) -> None:
        """Every report of a Mac says that nothing can be pinned there."""
        run = _with_host(system="darwin", pinning=Pinning(state="none", reason="macOS"))
        found = [b.text for b in hardware_blocks(make_view(run)) if isinstance(b, Paragraph)]

        assert found[0] == UNPINNED_DARWIN

    def test_other_unpinned_hosts_give_their_reason(self) -> None:
        """The reason as it was recorded."""
        run = _with_host(pinning=Pinning(state="none", reason="one CPU only"))
        found = [b.text for b in hardware_blocks(make_view(run)) if isinstance(b, Paragraph)]

        assert found[0] == "Processes are not held on their CPUs: one CPU only."

    def test_what_is_unusual_stands_below_the_table(self) -> None:
        """What doctor would say of the machine is said in the report, in the same words."""
        run = _with_host(findings=(as_read("governor", "host", "the governor is powersave"),))
        found = [b for b in hardware_blocks(make_view(run)) if isinstance(b, Bullets)]

        assert [plain(item) for item in found[0].items] == ["governor: The governor is powersave."]

    def test_the_full_table_is_on_the_page_only(self) -> None:
        """All settings, those that changed during the run, and those that cannot be read."""
        before = host().model_copy(update={"details": {"state": {"load": 1}, "deep": [{"a": 1}]}})
        after = before.model_copy(update={"details": {"state": {"load": 2}, "deep": [{"a": 1}]}})
        run = samples.two_servers().model_copy(update={"host": before, "host_after": after})
        folded = hardware_blocks(make_view(run))[-1]
        assert isinstance(folded, OnPage)
        table, missing = folded.blocks
        assert "state.load" not in samples.text(run)
        assert "state.load" in samples.text(run, "html")

        assert ("state.load", "1", "2") in table.rows  # type: ignore[union-attr] # the test gives what the type would not
        assert ("deep", "a=1", "") in table.rows  # type: ignore[union-attr] # the test gives what the type would not
        assert isinstance(missing, Folded)

    def test_a_host_that_is_not_known(self) -> None:
        """Nothing recorded is said in words."""
        nothing: Host = host().model_copy(
            update={
                "cpu": host().cpu.model_copy(
                    update={"model": None, "physical": None, "logical": None}
                ),
                "memory_bytes": None,
                "os": host().os.model_copy(update={"name": None, "version": None, "kernel": None}),
            }
        )

        assert one_line(nothing) == "not recorded"


class TestServers:
    def test_second_arm_and_environment(self) -> None:
        """An arm of the same server is told apart by its name, role and environment."""
        run = run_view(
            run_data({"axum": Truth(), "again": Truth(server="axum", env=(("A", "1"),))})
        )
        block = servers(make_view(run)).blocks[0]
        assert isinstance(block, Numbered)
        head, points = block.items[1]

        assert plain(head) == "again, a second arm of axum"
        assert "environment: A=1" in [plain(point) for point in points]

    def test_skipped_server_has_only_its_reason(self) -> None:
        """Nothing is told of a server that took no part but why."""
        run = run_view(
            run_data(
                {"axum": Truth(), "robyn": Truth()},
                skipped=(Skipped(server="robyn", reason="no cargo"),),
            )
        )
        block = servers(make_view(run)).blocks[0]
        assert isinstance(block, Numbered)

        assert [plain(point) for point in block.items[1][1]] == ["skipped: no cargo"]

    def test_url_and_bare_version(self) -> None:
        """A server of somebody else's has its address; a bare version gets the server's name."""
        run = samples.two_servers()
        arms = (
            run.plan.arms[0].model_copy(update={"url": "http://127.0.0.1:1"}),
            *run.plan.arms[1:],
        )
        build = run.builds["axum"].model_copy(update={"version": "0.8.9", "cached": True})
        run = run.model_copy(
            update={
                "plan": run.plan.model_copy(update={"arms": arms}),
                "builds": {**run.builds, "axum": build},
            }
        )
        block = servers(make_view(run)).blocks[0]
        assert isinstance(block, Numbered)
        points = [plain(point) for point in block.items[0][1]]

        assert points[0] == "Rust, axum 0.8.9, rustc 1.88.0; async def handlers"
        assert points[-1] == "someone else runs it at http://127.0.0.1:1"
        assert any(point.startswith("taken from the build cache by") for point in points)


class TestTrials:
    def test_marked_trials_are_counted_by_cause(self) -> None:
        """Suspect trials stay in the figures; each cause has its count and an example."""
        edit = with_status("suspect", "steal", where=lambda trial: trial.order < 3)
        run = run_view(run_data({"axum": Truth(), "spikard": Truth()}, edit=edit))
        trials = [
            trial.model_copy(update={"findings": (as_read("steal", trial.trial, "3.1 % stolen"),)})
            if trial.status == "suspect"
            else trial
            for trial in run.trials
        ]
        blocks = trial_blocks(make_view(run.model_copy(update={"trials": tuple(trials)})))
        bullets = next(block for block in blocks if isinstance(block, Bullets))

        assert plain(bullets.items[0]) == "steal: 3 trials, such as: 3.1 % stolen"

    def test_many_left_out_trials_are_folded(self) -> None:
        """Twenty are shown, the rest is one click away."""
        edit = with_status("failed", "server-died", where=lambda _: True)
        run = run_view(run_data({"axum": Truth(), "spikard": Truth()}, rounds=12, edit=edit))
        blocks = trial_blocks(make_view(run))

        assert next(b.summary for b in blocks if isinstance(b, Folded)) == "4 more"


class TestSamples:
    def test_other_answers_are_shown(self) -> None:
        """A response that is no echo is shown itself, text as text; further kinds are folded."""
        get = exchange(13).model_copy(
            update={"method": "GET", "request_text": "", "response_text": "Hello, World!"}
        )
        run = samples.two_servers()
        details = tuple(
            detail.model_copy(update={"exchanges": (get, exchange(86), get)})
            for detail in run.details
        )
        blocks = sample_blocks(make_view(run.model_copy(update={"details": details})))

        assert Code("Hello, World!") in blocks
        assert isinstance(blocks[-1], OnPage)
        assert blocks[-1].summary == "2 more kinds of request"

    def test_runs_without_samples_have_no_heading(self) -> None:
        """Nothing was verified: nothing is shown."""
        assert sample_blocks(make_view(samples.all_failed())) == ()


class TestStreams:
    @pytest.mark.parametrize(
        ("tool", "said"),
        [
            ("wrk", "When the first one came is not in the figures of wrk; loop: open"),
            ("oha", "oha's own percentiles of the first byte, from when a request was sent"),
            ("paced", "first byte is from when a request was due to its first event"),
        ],
    )
    def test_which_end_was_timed(self, tool: str, said: str) -> None:
        """Beside the times of a stream, and of nothing else."""
        data = run_data({"axum": Truth()}, profiles=(closed_profile(tool=tool),))
        streams = data.plan.model_copy(update={"streams": ("json-small",)})

        assert said in samples.text(run_view(data._replace(plan=streams)))
        assert "An answer is a stream" not in samples.text(run_view(data))


class TestRawDataAndNextSteps:
    @pytest.mark.parametrize("name", ["two_servers", "one_round", "five_servers", "all_failed"])
    def test_every_step_is_a_command_of_ours(self, name: str) -> None:
        """No report sends its reader to a command that does not exist."""
        block = next_steps.next_steps(make_view(getattr(samples, name)()))[0]
        assert isinstance(block, Numbered)
        words = [
            plain(point).split("bench ", 1)[1].split()[0]
            for _, points in block.items
            for point in points
            if "bench " in plain(point)
        ]

        assert words
        assert set(words) <= set(COMMANDS)

    def test_imported_runs_are_to_be_measured_here(self) -> None:
        """The first step after an import is to measure with rounds."""
        run = samples.one_round()
        info = run.info.model_copy(update={"imported": True})
        block = next_steps.next_steps(make_view(run.model_copy(update={"info": info})))[0]
        assert isinstance(block, Numbered)

        assert plain(block.items[0][0]).startswith("Measure it here")

    def test_what_was_measured_is_no_next_step(self) -> None:
        """Workloads, loops and servers of this run are not proposed again."""
        block = next_steps.next_steps(make_view(samples.five_servers()))[0]
        assert isinstance(block, Numbered)
        text = " ".join(plain(p) for head, points in block.items for p in (head, *points))

        assert "--workloads json-medium" not in text
        assert "Test other servers" not in text
        assert "equal load" not in text
