"""Protocols are checked when planning: what a server or a tool lacks is said then."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bench.errors import ConfigError
from bench.loadtools import unsupported
from bench.plans.matrix_files import read_matrix
from bench.plans.overrides import Overrides
from bench.plans.planning import make_plan
from bench.plans.server_files import read_server
from tests.plans.helpers import MATRIX, WORKLOAD, said, split, write_project

if TYPE_CHECKING:
    from pathlib import Path

    from bench.model.plan import Plan
    from bench.plans.project import Project

TLS = 'run: [app, "{port}", "{protocol}", "{cert}", "{key}"]\nprotocols: [http, https, h2]\n'
WHOLE = TLS + 'env: {RESUME: "{resume}"}\n'


def planned(project: Project) -> Plan:
    """The plan of the matrix m, with the refusals of the real tools."""
    matrix = read_matrix(project.matrices["m"], project)
    plan, _ = make_plan(
        project, matrix, Overrides(), cpus=split(), unsupported=unsupported, draw_seed=lambda: 7
    )
    return plan


def project_of(root: Path, *profiles: str, one: str = TLS) -> Project:
    """Server one with TLS, server two without."""
    matrix = f"{MATRIX}profiles:\n" + "".join(f"  - {{{text}}}\n" for text in profiles)
    project = write_project(root, matrix=matrix, workload=WORKLOAD)
    (root / "servers" / "one" / "server.yaml").write_text(one)
    return project


def test_a_server_is_left_out_where_it_lacks_the_protocol(tmp_path: Path) -> None:
    """It takes part in the other profiles, and the plan says why not in this one."""
    plan = planned(project_of(tmp_path, "connections: 4", "connections: 4, protocol: https"))

    assert [cell.id for cell in plan.cells] == [
        "one.small.wrk-c4",
        "two.small.wrk-c4",
        "one.small.wrk-c4-https",
    ]
    (skipped,) = plan.skipped
    assert (skipped.server, skipped.profiles) == ("two", ("wrk-c4-https",))
    assert "does not speak https" in skipped.reason


def test_a_server_with_no_profile_left_is_skipped_whole(tmp_path: Path) -> None:
    """As one that answers none of the workloads."""
    plan = planned(project_of(tmp_path, "protocol: h2"))

    assert [profile.tool for profile in plan.profiles] == ["oha"]
    assert [(one.server, one.profiles) for one in plan.skipped] == [("two", ())]


def test_whole_handshakes_need_a_server_that_can_be_asked_for_them(tmp_path: Path) -> None:
    """`{resume}` in run or env; else it is left out."""
    wanted = "protocol: https, keepalive: false, resume: false"
    with pytest.raises(ConfigError, match="none of the servers can take part"):
        planned(project_of(tmp_path / "a", wanted))
    plan = planned(project_of(tmp_path / "b", wanted, one=WHOLE))

    assert [cell.server for cell in plan.cells] == ["one"]
    assert plan.profiles[0].id == "wrk-c50-https-churn-whole"


@pytest.mark.parametrize(
    ("profile", "words"),
    [
        (
            "tool: wrk, protocol: h2",
            "wrk does not speak h2: protocol: h2 needs tool: oha",
        ),
        ("loop: open, tool: paced, rate: 9, protocol: https", "paced does not speak https"),
        ("tool: h2load", "h2load does not speak http: protocol: http needs tool: wrk or oha"),
        ("protocol: spdy", "expected http, https, h2 or h2c"),
        ("protocol: h2, keepalive: false", "keepalive: no load tool opens a connection per"),
        ("resume: false", "resume: protocol: http has no TLS session"),
        ("protocol: https, resume: false", "resume: connections are made once"),
    ],
)
def test_what_cannot_be_is_said_with_its_key(tmp_path: Path, profile: str, words: str) -> None:
    """By validate and plan alike, before anything is started."""
    with pytest.raises(ConfigError) as caught:
        planned(project_of(tmp_path, profile, one=WHOLE))

    assert words in said(caught.value.problems)


def test_an_open_loop_over_tls_is_ohas(tmp_path: Path) -> None:
    """The default tool is one that speaks the protocol."""
    plan = planned(project_of(tmp_path, "loop: open, rate: 100, protocol: https"))

    assert plan.profiles[0].tool == "oha"


def test_one_server_by_two_protocols(tmp_path: Path) -> None:
    """`protocol` of an arm goes before that of the profile: no A/A copy, and both are asked."""
    matrix = (
        "servers: [{id: one, protocol: http}, {id: one, as: tls, protocol: https}]\n"
        "workloads: [small]\ndesign: duet\n"
    )
    project = write_project(tmp_path, matrix=matrix, workload=WORKLOAD)
    (tmp_path / "servers" / "one" / "server.yaml").write_text(TLS)
    plan = planned(project)

    assert [arm.under(plan.profiles[0]).protocol for arm in plan.arms] == ["http", "https"]
    assert plan.copies == frozenset()


@pytest.mark.parametrize(
    ("server", "words"),
    [
        ('run: [app, "{port}"]\nprotocols: [http, https]\n', "need a certificate: {cert} stands"),
        ('run: [app, "{port}", "{cert}", "{key}"]\n', "{cert} is always empty"),
        ('run: [app, "{port}"]\nprotocols: [http, h2c]\n', "which of them is it to speak?"),
        ('run: [app, "{port}"]\nbuild: [[cc, "{cert}"]]\n', "only {port}, {cpus} and {python} are"),
        ('run: [app, "{port}", "{certs}"]\n', "did you mean {cert}?"),
        ('run: [app, "{port}"]\nprotocols: [http, http]\n', "http stands here twice"),
        ('run: [app, "{port}"]\nprotocols: []\n', "expected at least one entry"),
    ],
)
def test_a_server_hears_what_it_is_to_speak(tmp_path: Path, server: str, words: str) -> None:
    """A protocol that it cannot know of is a slip in its file."""
    path = tmp_path / "one" / "server.yaml"
    path.parent.mkdir()
    path.write_text(server)

    assert words in said(read_server(path, None)[1].problems)
