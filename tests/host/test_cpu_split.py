"""The CPU split: a table over recorded machines, and the rules that hold for every machine."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.errors import UsageError
from bench.host import read_any_topology
from bench.host.cpu_split import auto_counts, fast_pool, split
from bench.host.source import format_cpulist
from bench.model.host_facts import Topology, TopologyCpu
from bench.model.plan import CpuSplit, Pinning
from tests.host.trees import linux_tree, mac_tree, memory_source

PINNED = Pinning(state="pinned", reason="test")
UNPINNED = Pinning(state="none", reason="test")


def machine(
    cores: int, *, threads: int = 1, slow: int = 0, nodes: int = 1, quota: float | None = None
) -> Topology:
    """`cores` fast cores with `threads` each, spread over nodes, and `slow` single-thread ones."""
    fast = [
        TopologyCpu(cpu=core + cores * thread, core=core, node=core * nodes // cores)
        for thread in range(threads)
        for core in range(cores)
    ]
    start = cores * threads
    slower = [TopologyCpu(cpu=start + n, core=start + n, cluster=1) for n in range(slow)]
    names = ("Fast", "Slow") if slow else ("",)
    cpus = tuple(sorted((*fast, *slower), key=lambda cpu: cpu.cpu))
    return Topology(cpus=cpus, cluster_names=names, pinning=PINNED, quota=quota)


Shown = tuple[str, str, str, tuple[str, ...]]


def show(found: CpuSplit) -> Shown:
    lists = (format_cpulist(part) for part in (found.server, found.load, found.housekeeping))
    server, load, rest = lists
    return server, load, rest, tuple(code for code, _ in found.notes)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("linux-kvm-2cpu", ("0", "1", "", ())),
        ("ec2-c5-large", ("0", "1", "", ("shared-core", "cpu-quota"))),
        ("container-quota", ("0", "1", "2-3", ("cpu-quota",))),
        ("graviton3-c7g-2xlarge", ("1-3", "4-7", "0", ())),
        ("laptop-i7-1165g7", ("0-1", "2-3", "", ())),
        ("ryzen-5950x", ("1-7", "8-15", "0,16", ())),
        ("meteor-lake-185h", ("0-1,3", "6,8,10", "12-21", ())),
        ("strix-point-hx370", ("0-1", "2-3", "4-11,16-23", ())),
        ("rk3588-rock5b", ("4-5", "6-7", "0-3", ())),
        ("snapdragon-x3-a715-a710-a510", ("3", "4", "0-2,5-7", ())),
        ("epyc-7451-2s", ("0-2", "3-5", "6-47,54-95", ())),
    ],
)
def test_recorded_linux_machines_split(name: str, expected: Shown) -> None:
    """On each recorded machine: like cores, one thread per core, whole caches per side."""
    topology = read_any_topology(memory_source(linux_tree(name)), "linux")

    assert show(split(topology, None, None)) == expected


def test_server_and_load_keep_to_one_node_on_four_sockets() -> None:
    """Sockets 0 and 2 are one node: one serves, the other loads, and 1 and 3 do the rest."""
    topology = read_any_topology(memory_source(linux_tree("xeon-x7550-4s")), "linux")

    found = split(topology, None, None)

    assert {cpu % 4 for cpu in found.server} == {0}
    assert {cpu % 4 for cpu in found.load} == {2}
    assert found.notes == ()


@pytest.mark.parametrize(
    ("name", "server", "load", "words"),
    [
        ("m1-pro-6p2e", 3, 3, "the 6 Performance cores"),
        ("m2-pro-8p4e", 4, 4, "the 8 Performance cores"),
        ("m5-max-6s12p", 3, 3, "the 6 Super cores"),
        ("m4-mini-heavy", 2, 2, "the 6 other cores"),
        ("intel-i7-4980hq", 2, 2, "the 4 cores"),
        ("vm-apple-m1-virtual", 1, 1, "the 3 Standard cores"),
    ],
)
def test_macs_get_counts_of_the_fast_cluster(name: str, server: int, load: int, words: str) -> None:
    """No CPU is named where none can be held; the counts halve the fastest cluster."""
    topology = read_any_topology(memory_source(mac_tree(name)), "darwin")

    found = split(topology, None, None)

    assert (found.server, found.load, found.housekeeping) == ((), (), ())
    assert (found.server_count, found.load_count) == (server, load)
    assert found.pinning.state == "none"
    assert found.notes[0][0] == "unpinned"
    assert words in found.notes[0][1]


def test_one_cpu_works_and_says_what_it_means() -> None:
    """With one CPU everything takes turns on it, and a note says so."""
    found = split(machine(1), None, None)

    assert show(found) == ("0", "0", "", ("shared-core",))
    assert "take turns" in found.notes[0][1]


def test_unpinned_one_core_is_noted() -> None:
    """More threads than fast cores are told on a Mac, too."""
    topology = machine(1).model_copy(update={"pinning": UNPINNED})

    codes = [code for code, _ in split(topology, None, None).notes]

    assert codes == ["unpinned", "shared-core"]


@pytest.mark.parametrize(
    ("cores", "spare", "expected"),
    [
        (1, False, (1, 1, 0)),
        (2, False, (1, 1, 0)),
        (3, False, (1, 1, 1)),
        (3, True, (1, 2, 0)),
        (4, False, (2, 2, 0)),
        (5, False, (2, 2, 1)),
        (6, False, (2, 3, 1)),
        (8, False, (3, 4, 1)),
        (8, True, (4, 4, 0)),
        (64, False, (31, 32, 1)),
    ],
)
def test_automatic_counts(cores: int, spare: bool, expected: tuple[int, int, int]) -> None:  # noqa: FBT001 - a column of the table
    """Half serves, half loads, one is spared as soon as that leaves two for each side."""
    assert tuple(auto_counts(cores, spare=spare)) == expected


@pytest.mark.parametrize(
    ("server", "load", "expected"),
    [
        ([0], None, ("0", "1-2", "3", ())),
        (None, [0], ("1-2", "0", "3", ())),
        (2, None, ("0-1", "2-3", "", ())),
        (1, 3, ("0", "1-3", "", ())),
        (None, 3, ("0", "1-3", "", ())),
        ([3, 1, 1], [0, 2], ("1,3", "0,2", "", ())),
        ([0, 1], [1, 2], ("0-1", "1-2", "3", ("shared-core",))),
        (4, 4, ("0-3", "0-3", "", ("shared-core",))),
        (4, None, ("0-3", "0", "", ("shared-core",))),
    ],
)
def test_a_matrix_decides_itself(
    server: int | list[int] | None, load: int | list[int] | None, expected: Shown
) -> None:
    """Counts and lists are followed; what they lead to is noted, not refused."""
    assert show(split(machine(4), server, load)) == expected


def test_counts_beyond_the_cores_take_whole_cores() -> None:
    """With 4 cores of 2 threads, 4 and 4 CPUs are two whole cores for each side."""
    found = split(machine(4, threads=2), 4, 4)

    assert show(found) == ("0-1,4-5", "2-3,6-7", "", ("smt", "smt"))


def test_slow_cores_are_taken_last_and_noted() -> None:
    """A count that the fast cores cannot fill reaches the slow ones, with a finding."""
    found = split(machine(2, slow=4), 2, 2)

    assert found.server == (0, 1)
    assert found.load == (2, 3)
    assert found.notes[0][0] == "unlike-cores"
    assert "Fast and Slow" in found.notes[0][1]


def test_two_nodes_are_noted() -> None:
    """Server and load tool on two nodes is the user's wish and is told."""
    found = split(machine(4, nodes=2), [0], [3])

    assert found.notes[0][0] == "numa"


def test_siblings_named_by_a_matrix_are_noted() -> None:
    """Two threads of one core on both sides is a shared core."""
    found = split(machine(2, threads=2), [0], [2])

    assert [code for code, _ in found.notes] == ["shared-core"]
    assert "hardware threads of one core (CPU 0 and 2)" in found.notes[0][1]


def test_a_quota_counts_as_cores() -> None:
    """A quota of 4.5 CPUs on 16 cores leaves two and two, and the rest of the time to bench."""
    found = split(machine(16, quota=4.5), None, None)

    assert (found.server_count, found.load_count) == (2, 2)
    assert found.notes == ()


def test_a_quota_below_the_use_is_noted_on_macs_too() -> None:
    """The note does not depend on pinning."""
    topology = machine(2, quota=1.5).model_copy(update={"pinning": UNPINNED})

    assert [code for code, _ in split(topology, None, None).notes] == ["unpinned", "cpu-quota"]


def test_lists_are_counts_where_nothing_is_pinned() -> None:
    """A matrix with CPU numbers still runs on a Mac."""
    topology = machine(4).model_copy(update={"pinning": UNPINNED})

    found = split(topology, [0, 1], [2])

    assert (found.server_count, found.load_count, found.server) == (2, 1, ())


@pytest.mark.parametrize(
    ("server", "load", "words"),
    [
        ([7], None, "server_cpus: no such CPU: 7"),
        (None, [0, 9, 8], "load_cpus: no such CPU: 8, 9"),
        ([], None, "server_cpus: the list is empty"),
        (0, None, "server_cpus: 0 CPUs asked for"),
        (5, None, "this process may use 4"),
    ],
)
def test_cpus_that_do_not_exist_are_refused(
    server: int | list[int] | None, load: int | list[int] | None, words: str
) -> None:
    """The message names the key, what is wrong and what there is."""
    with pytest.raises(UsageError, match=words) as caught:
        split(machine(4), server, load)

    assert caught.value.advice


def test_nameless_kinds_still_have_words() -> None:
    """Kinds without a name are told by number."""
    topology = machine(2, slow=2).model_copy(update={"cluster_names": ("", "")})

    assert "kind 0 and kind 1" in split(topology, [0], [2]).notes[0][1]


def test_single_cores_of_every_kind_are_pooled() -> None:
    """Where no kind has two cores, server and load tool take unlike ones, with a finding."""
    cpus = tuple(TopologyCpu(cpu=n, core=n, cluster=n) for n in range(2))
    topology = Topology(cpus=cpus, cluster_names=("Big", "Little"), pinning=PINNED)

    assert show(split(topology, None, None)) == ("0", "1", "", ("unlike-cores",))


machines = st.builds(
    machine,
    st.integers(1, 12),
    threads=st.integers(1, 2),
    slow=st.integers(0, 6),
    nodes=st.integers(1, 2),
    quota=st.none() | st.floats(0.5, 20),
)


@given(machines)
def test_sides_never_meet_without_a_finding(topology: Topology) -> None:
    """A shared core, an unlike core and a second node always have their note."""
    found = split(topology, None, None)
    by_number = {cpu.cpu: cpu for cpu in topology.cpus}
    server, load = ([by_number[n] for n in side] for side in (found.server, found.load))
    codes = {code for code, _ in found.notes}

    assert server
    assert load
    assert bool({c.core for c in server} & {c.core for c in load}) == ("shared-core" in codes)
    assert (len({c.cluster for c in (*server, *load)}) > 1) == ("unlike-cores" in codes)
    assert (len({c.node for c in (*server, *load)}) > 1) == ("numa" in codes)
    assert not {c.core for c in (*server, *load)} & {by_number[n].core for n in found.housekeeping}


@given(machines, st.data())
def test_any_wish_within_the_machine_is_followed(topology: Topology, data: st.DataObject) -> None:
    """A side gets exactly as many CPUs as asked for, or exactly those that were named."""
    numbers = [cpu.cpu for cpu in topology.cpus]
    wishes = (
        st.none() | st.integers(1, len(numbers)) | st.lists(st.sampled_from(numbers), min_size=1)
    )
    server, load = data.draw(wishes), data.draw(wishes)

    found = split(topology, server, load)

    for wish, side in ((server, found.server), (load, found.load)):
        assert list(side) == sorted(set(side))
        if isinstance(wish, int):
            assert len(side) == wish
        if isinstance(wish, list):
            assert set(side) == set(wish)


@given(machines)
def test_the_pool_is_of_one_kind_where_it_can_be(topology: Topology) -> None:
    """The pool never mixes kinds when one kind has two cores."""
    pool = fast_pool(topology)
    cores = {(cpu.cluster, cpu.core) for cpu in topology.cpus}
    roomy = [kind for kind in (0, 1) if sum(1 for cluster, _ in cores if cluster == kind) > 1]

    assert len({cpu.core for cpu in pool}) == len(pool)
    assert len({cpu.cluster for cpu in pool}) == 1 or not roomy
