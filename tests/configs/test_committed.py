"""What is committed in configs/ and servers/ keeps its promises."""

from __future__ import annotations

import hashlib
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
NINE = (
    "delay",
    "form",
    "multipart",
    "static",
    "static-gzip",
    "stream",
    "upload",
    "validate-error",
    "validate-ok",
)
TEN = (*FIVE, "actix", "express", "go", "litestar", "starlette")
PYTHON_SERVERS = ("fastapi", "litestar", "robyn", "spikard", "starlette")
NODE_SERVERS = ("express", "fastify")
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
    pages = {path.read_bytes() for path in SERVERS.glob("*/static/page.html")}
    assert pages == {module.static_page()}
    for name in ("static", "static-gzip"):
        (kind,) = workload(name).kinds
        assert kind.expect.sha256 == hashlib.sha256(*pages).hexdigest()


def test_mixed_is_mixed() -> None:
    """At least four weighted kinds, several methods, several bodies."""
    kinds = workload("mixed").kinds

    assert len(kinds) >= 4
    assert len({kind.weight for kind in kinds}) > 1
    assert {kind.method for kind in kinds} >= {"GET", "POST", "PUT"}
    assert len({kind.bodies for kind in kinds if kind.bodies}) >= 3


@pytest.mark.real
def test_every_workload_can_be_answered(tmp_path: Path) -> None:
    """A server that does what the workloads say passes the verification of all of them."""
    with ground_truth.start(log=tmp_path / "log") as server:
        for name in (*EIGHT, *NINE):
            assert verify(Target("127.0.0.1", server.port), workload(name), random.Random(name))


def test_validation_is_of_as_many_bytes() -> None:
    """A right body and one with three errors, for the same route, are equally long."""
    (right,), (wrong,) = workload("validate-ok").kinds, workload("validate-error").kinds
    fields = {name for name in json.loads(*right.bodies) if name in wrong.expect.contains}

    assert right.path == wrong.path
    assert len(*right.bodies) == len(*wrong.bodies)
    assert len(fields) == len(wrong.expect.contains) == 3
    assert all(json.loads(*right.bodies)[n] != json.loads(*wrong.bodies)[n] for n in fields)


@pytest.mark.parametrize("server", [*TEN, "ceiling"])
def test_servers_take_port_and_cpus(server: str) -> None:
    """Every server is told its port and its CPUs, and names how its version is read."""
    config = load_server(SERVERS / server / "server.yaml")
    told = " ".join([*config.run, *config.env.values()])

    assert "{port}" in told
    assert "{cpus}" in told
    assert config.build
    assert config.version
    assert config.needs


@pytest.mark.parametrize("server", TEN)
def test_all_serve_the_eight(server: str) -> None:
    """The servers take part in all eight workloads, and say of each other why they do not."""
    config = load_server(SERVERS / server / "server.yaml")

    assert config.workloads == "all"
    assert all(config.serves(name) for name in EIGHT)
    assert set(config.cannot) <= {path.stem for path in (CONFIGS / "workloads").glob("*.yaml")}


@pytest.mark.parametrize("server", PYTHON_SERVERS)
def test_python_servers_are_pinned_with_hashes(server: str) -> None:
    """Every requirement has one version and a hash; no address is named."""
    text = (SERVERS / server / "requirements.txt").read_text()
    blocks = re.split(r"\n(?=\S)", re.sub(r"^ *#.*\n", "", text, flags=re.MULTILINE))

    assert blocks
    assert all(re.match(r"[a-z0-9-]+==\S+", block) for block in blocks)
    assert all("--hash=sha256:" in block for block in blocks)
    assert "://" not in text


@pytest.mark.parametrize("server", NODE_SERVERS)
def test_npm_lock_names_no_registry(server: str) -> None:
    """Packages are locked by their hash, wherever they come from."""
    lock = json.loads((SERVERS / server / "package-lock.json").read_text())
    packages = {name: item for name, item in lock["packages"].items() if name}

    assert packages
    assert not any("resolved" in item for item in packages.values())
    assert all(item["integrity"].startswith("sha512-") for item in packages.values())


def test_services_holds_what_services_do() -> None:
    """The nine workloads beside JSON, for each of the five that can, within 15 minutes."""
    services = plan("services")
    cannot = {name: load_server(SERVERS / name / "server.yaml").cannot for name in FIVE}

    assert set(NINE) <= set(services.workloads)
    assert {cell.workload for cell in services.cells if cell.profile == "open"} == {"stream"}
    assert {(cell.server, cell.workload) for cell in services.cells} == {
        (server, name)
        for server in FIVE
        for name in services.workloads
        if name not in cannot[server]
    }
    assert services.estimated_s <= 15 * 60


@pytest.mark.parametrize("server", TEN)
def test_every_server_asks_the_database(server: str) -> None:
    """For the two workloads that need it, with the pool that all of them are given."""
    config = load_server(SERVERS / server / "server.yaml")

    assert config.env["POSTGRES_POOL"] == "{postgres_pool}"
    assert config.wants_database(("db-read",))
    assert config.wants_database(("db-write",))
    assert not config.wants_database(EIGHT)
    assert not {"db-read", "db-write"} & set(config.cannot)


@pytest.mark.parametrize("name", ["protocols", "database", "churn", "tls"])
def test_the_other_matrices_take_15_minutes_at_most(name: str) -> None:
    """As `bench list matrices` says."""
    assert plan(name).estimated_s <= 15 * 60


def test_wide_has_every_server() -> None:
    """Each server that comes with bench, the ceiling apart, within 15 minutes."""
    wide = plan("wide")
    known = {path.parent.name for path in SERVERS.glob("*/server.yaml")}

    assert {arm.name for arm in wide.arms} == known - {"ceiling"} == set(TEN)
    assert wide.estimated_s <= 15 * 60


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


def test_npm_locks_name_no_address() -> None:
    """Neither where a package was fetched from nor whom to fund: a lock is names and hashes."""
    locks = sorted(ROOT.glob("servers/*/package-lock.json"))

    assert locks
    assert [lock for lock in locks if "://" in lock.read_text(encoding="utf-8")] == []
