"""What is committed in configs/ and servers/ keeps its promises."""

from __future__ import annotations

import importlib.util
import json
import random
import re
from collections import Counter
from pathlib import Path

import pytest

from bench.model.plan import CpuSplit, Pinning, Plan, Workload
from bench.model.target import Target
from bench.plans.cost import with_cost
from bench.plans.matrix_files import read_matrix
from bench.plans.overrides import Overrides
from bench.plans.planning import make_plan
from bench.plans.project import find_matrix, find_project
from bench.plans.server_files import load_server
from bench.plans.workload_files import load_workload
from bench.trial.verify import verify
from tests.servers import ground_truth

ROOT = Path(__file__).parents[2]
CONFIGS = ROOT / "configs"
SERVERS = ROOT / "servers"
FIVE = ("axum", "spikard", "fastapi", "robyn", "fastify")
EIGHT = (
    "json-large",
    "json-medium",
    "json-small",
    "json-varied",
    "mixed",
    "path-params",
    "plaintext",
    "query-params",
)
PYTHON_SERVERS = ("fastapi", "robyn", "spikard")
TWO_CORES = CpuSplit(
    server=(0,),
    load=(1,),
    housekeeping=(),
    server_count=1,
    load_count=1,
    pinning=Pinning(state="pinned", reason="affinity"),
)


def workload(name: str) -> Workload:
    return load_workload(CONFIGS / "workloads" / f"{name}.yaml", ROOT)


def plan(name: str) -> Plan:
    project = find_project(ROOT, ROOT)
    matrix = read_matrix(find_matrix(project, name), project)
    made, workloads = make_plan(
        project,
        matrix,
        Overrides(),
        cpus=TWO_CORES,
        unsupported=lambda _profile, _workload: None,
        draw_seed=lambda: 1,
    )
    return with_cost(made, workloads) if matrix.checked().cost else made


def test_small_body_is_the_source_reports() -> None:
    """The small body is the sample request, compact: 86 bytes, without a line break."""
    body = (CONFIGS / "bodies" / "small.json").read_bytes()

    assert len(body) == 86
    assert json.loads(body) == {
        "id": 12345,
        "name": "test_item",
        "active": True,
        "count": 42,
        "tags": ["tag1", "tag2", "tag3"],
    }


@pytest.mark.parametrize(("name", "size"), [("medium", 4_000), ("large", 40_000)])
def test_bodies_have_the_size_they_are_named_for(name: str, size: int) -> None:
    """4 KB and 40 KB are exactly that, and no server can write them shorter."""
    body = (CONFIGS / "bodies" / f"{name}.json").read_bytes()
    again = json.dumps(json.loads(body), separators=(",", ":"), ensure_ascii=False).encode()

    assert len(body) == size
    assert again == body


def test_varied_bodies_all_differ() -> None:
    """A thousand small bodies, none twice, each an object with other content."""
    (kind,) = workload("json-varied").kinds

    assert len(set(kind.bodies)) == len(kind.bodies) == 1_000
    assert all(isinstance(json.loads(body), dict) for body in kind.bodies)
    assert max(map(len, kind.bodies)) <= 150


def test_bodies_can_be_made_anew(tmp_path: Path) -> None:
    """generate.py writes the committed bytes."""
    spec = importlib.util.spec_from_file_location("generate", CONFIGS / "bodies" / "generate.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    module.main(tmp_path)

    for path in (CONFIGS / "bodies").glob("*.json*"):
        assert (tmp_path / path.name).read_bytes() == path.read_bytes()


def test_mixed_is_mixed() -> None:
    """At least four weighted kinds, several methods, several bodies."""
    kinds = workload("mixed").kinds

    assert len(kinds) >= 4
    assert len({kind.weight for kind in kinds}) > 1
    assert {kind.method for kind in kinds} >= {"GET", "POST", "PUT"}
    assert len({kind.bodies for kind in kinds if kind.bodies}) >= 3


@pytest.mark.real
def test_every_workload_can_be_answered(tmp_path: Path) -> None:
    """A server that does what the workloads say passes the verification of all eight."""
    with ground_truth.start(log=tmp_path / "log") as server:
        for name in EIGHT:
            assert verify(Target("127.0.0.1", server.port), workload(name), random.Random(name))


@pytest.mark.parametrize("server", [*FIVE, "ceiling"])
def test_servers_take_port_and_cpus(server: str) -> None:
    """Every server is told its port and its CPUs, and names how its version is read."""
    config = load_server(SERVERS / server / "server.yaml")
    told = " ".join([*config.run, *config.env.values()])

    assert "{port}" in told
    assert "{cpus}" in told
    assert config.build
    assert config.version
    assert config.needs


@pytest.mark.parametrize("server", FIVE)
def test_the_five_serve_everything(server: str) -> None:
    """The five servers of the report take part in all eight workloads."""
    config = load_server(SERVERS / server / "server.yaml")

    assert all(config.serves(name) for name in EIGHT)


@pytest.mark.parametrize("server", PYTHON_SERVERS)
def test_python_servers_are_pinned_with_hashes(server: str) -> None:
    """Every requirement has one version and a hash; no address is named."""
    text = (SERVERS / server / "requirements.txt").read_text()
    blocks = re.split(r"\n(?=\S)", re.sub(r"^ *#.*\n", "", text, flags=re.MULTILINE))

    assert blocks
    assert all(re.match(r"[a-z0-9-]+==\S+", block) for block in blocks)
    assert all("--hash=sha256:" in block for block in blocks)
    assert "://" not in text


def test_npm_lock_names_no_registry() -> None:
    """Packages are locked by their hash, wherever they come from."""
    lock = json.loads((SERVERS / "fastify" / "package-lock.json").read_text())
    packages = {name: item for name, item in lock["packages"].items() if name}

    assert packages
    assert not any("resolved" in item for item in packages.values())
    assert all(item["integrity"].startswith("sha512-") for item in packages.values())


def test_quick_is_quick() -> None:
    """Five servers, json-small, five rounds of 1 s + 1 s, and what a request costs."""
    quick = plan("quick")

    assert [arm.name for arm in quick.arms] == list(FIVE)
    assert [(p.warmup_s, p.duration_s, p.connections) for p in quick.profiles] == [(1, 1, 50)]
    assert (quick.workloads, quick.rounds, quick.baseline) == (("json-small",), 5, "axum")
    assert quick.cost is not None
    assert len(quick.cost.cells) == 5
    assert quick.estimated_s < 4 * 60


def test_json_small_is_the_source_reports_matrix() -> None:
    """50 connections; ten short rounds, which tell more than five long ones."""
    source = plan("json-small")

    assert [(p.connections, p.duration_s) for p in source.profiles] == [(50, 1)]
    assert (source.workloads, source.rounds) == (("json-small",), 10)


def test_all_holds_everything_in_25_minutes() -> None:
    """Eight workloads in a closed loop, json-small in an open one, the ceiling once per cell."""
    everything = plan("all")
    per_profile = Counter(cell.profile for cell in everything.cells if cell.server != "ceiling")
    ceiling = Counter(cell.profile for cell in everything.cells if cell.server == "ceiling")

    assert tuple(sorted(everything.workloads)) == EIGHT
    assert per_profile == {"wrk-c50": 5 * 8, "open": 5}
    assert {c.workload for c in everything.cells if c.profile == "open"} == {"json-small"}
    assert ceiling == {"wrk-c50": 5}
    assert everything.max_time_s == 25 * 60
    assert everything.estimated_s <= 25 * 60
    assert everything.cost is not None
    assert Counter(cell.workload for cell in everything.cost.cells) == dict.fromkeys(EIGHT, 5)
