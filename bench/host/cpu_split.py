"""Divides CPUs between server, load tool and the rest: algebra on a Topology value, no I/O.

The automatic split, in order of importance:

1. Server and load tool never meet on one physical core, and stay on one kind of core and one
   NUMA node: the fastest kind that has two cores for them. One thread per core is used; a second
   hardware thread of a core in use stays idle.
2. Half of those cores serve and half load. wrk spends about 9 us of CPU on a small request and
   the fastest server about 21 us, so a third would do if nothing ever queued in the client; with
   half, the load processes stay below 50 % busy when the server is saturated, and the client's
   own queue does not become the server's latency.
3. One core is kept free for `bench` itself and the system's interrupts (the one with the lowest
   number, where most interrupts go) as soon as that leaves two cores for each side or costs
   neither side one. Slower cores and other nodes, where there are any, do that job instead.
4. A cgroup quota counts as that many cores.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from bench.errors import UsageError
from bench.model.plan import CpuSplit

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from bench.model.host_facts import Topology, TopologyCpu

Wish = int | list[int] | None
"""What a matrix says: a count, a list of CPU numbers, or None for automatic."""

_PAIR: Final = 2
"""Server and load tool need one core each."""
_NO_ROOM_FOR_REST: Final = (1, 2, 4)
"""Numbers of cores of which none is spared for the rest: it would cost a side its half."""
_MAC_SENTENCE: Final = (
    "server and load tool share the scheduler: no process can be held on a CPU here"
)


class CpuCounts(NamedTuple):
    """How many cores each part gets."""

    server: int
    load: int
    house: int


class _Sides(NamedTuple):
    server: tuple[int, ...]
    load: tuple[int, ...]


def split(topology: Topology, server_cpus: Wish, load_cpus: Wish) -> CpuSplit:
    """Divide the CPUs of a machine.

    Where processes cannot be held on CPUs (macOS) the split has counts and no CPU numbers; a list
    then counts for its length.

    Returns:
        The split; its notes are finding codes with words for everything the reader must know.

    Raises:
        UsageError: CPUs that do not exist or may not be used, an empty list, a count below 1.
    """
    _check(topology, "server_cpus", server_cpus)
    _check(topology, "load_cpus", load_cpus)
    pool = fast_pool(topology)
    wanted = _counts(topology, pool, server_cpus, load_cpus)
    if topology.pinning.state == "none":
        return _unpinned(topology, pool, wanted)
    sides = _choose(topology, pool, server_cpus, load_cpus, wanted)
    return CpuSplit(
        server=sides.server,
        load=sides.load,
        housekeeping=_housekeeping(topology, sides),
        server_count=len(sides.server),
        load_count=len(sides.load),
        pinning=topology.pinning,
        notes=tuple(_notes(topology, sides)),
    )


def auto_counts(cores: int, *, spare: bool) -> CpuCounts:
    """Divide a number of like cores; `spare` = others exist that can do the rest of the work.

    >>> [tuple(auto_counts(n, spare=False)) for n in (1, 2, 3, 4, 5, 8)]
    [(1, 1, 0), (1, 1, 0), (1, 1, 1), (2, 2, 0), (2, 2, 1), (3, 4, 1)]
    """
    house = 0 if spare or cores in _NO_ROOM_FOR_REST else 1
    server = max(1, (cores - house) // 2)
    return CpuCounts(server, max(1, cores - house - server), house)


def fast_pool(topology: Topology) -> tuple[TopologyCpu, ...]:
    """One hardware thread per core of the fastest kind with two cores on one node.

    Where no kind has two cores on one node, nodes and then kinds are taken together. Ordered so
    that cores which share a cache stand together.
    """
    firsts = _first_threads(topology.cpus)
    by_place: dict[tuple[int, int], list[TopologyCpu]] = {}
    by_kind: dict[int, list[TopologyCpu]] = {}
    for cpu in firsts:
        by_place.setdefault((cpu.cluster, cpu.node), []).append(cpu)
        by_kind.setdefault(cpu.cluster, []).append(cpu)
    places = sorted(by_place.items(), key=lambda item: (item[0][0], -len(item[1]), item[0][1]))
    groups = [group for _, group in places] + [group for _, group in sorted(by_kind.items())]
    roomy = next((group for group in groups if len(group) >= _PAIR), firsts)
    return tuple(sorted(roomy, key=lambda cpu: (cpu.llc, cpu.core)))


def _first_threads(cpus: Iterable[TopologyCpu]) -> list[TopologyCpu]:
    firsts: dict[int, TopologyCpu] = {}
    for cpu in cpus:
        firsts.setdefault(cpu.core, cpu)
    return list(firsts.values())


def _check(topology: Topology, key: str, wish: Wish) -> None:
    known = [cpu.cpu for cpu in topology.cpus]
    if wish is None:
        return
    if isinstance(wish, int):
        if not 1 <= wish <= len(known):
            raise UsageError(
                f"{key}: {wish} CPUs asked for, this process may use {len(known)}",
                advice=f"Give a count from 1 to {len(known)}, or leave {key} out.",
            )
        return
    strange = sorted(set(wish) - set(known))
    if strange or not wish:
        said = f"no such CPU: {', '.join(map(str, strange))}" if strange else "the list is empty"
        raise UsageError(
            f"{key}: {said}",
            advice=f"This process may use {', '.join(map(str, known))} ('bench host' shows them).",
        )


def _counts(topology: Topology, pool: Sequence[TopologyCpu], server: Wish, load: Wish) -> CpuCounts:
    """How many CPUs each side gets; a side that the matrix leaves open follows the other."""
    cores = len(pool)
    if topology.quota is not None:
        cores = min(cores, max(_PAIR, int(topology.quota)))
    auto = auto_counts(cores, spare=len(_first_threads(topology.cpus)) > cores)
    asked_server, asked_load = _length(server), _length(load)
    if asked_server and asked_load:
        return CpuCounts(asked_server, asked_load, 0)
    if asked_server:
        left = max(1, cores - asked_server)
        return CpuCounts(asked_server, min(left, asked_server + 1), 0)
    if asked_load:
        return CpuCounts(max(1, min(auto.server, cores - asked_load)), asked_load, 0)
    return auto


def _length(wish: Wish) -> int | None:
    return len(set(wish)) if isinstance(wish, list) else wish


def _choose(
    topology: Topology, pool: Sequence[TopologyCpu], server: Wish, load: Wish, wanted: CpuCounts
) -> _Sides:
    """The CPU numbers of both sides; what the matrix names is taken, the rest comes by order."""
    cores = {cpu.cpu: cpu.core for cpu in topology.cpus}
    named = isinstance(server, list) or isinstance(load, list)
    order = _order(topology, pool, wanted, named=named)
    servers = tuple(sorted(set(server))) if isinstance(server, list) else None
    loads = tuple(sorted(set(load))) if isinstance(load, list) else None
    if servers is None:
        servers = _take(order, wanted.server, loads or (), cores)
    if loads is None:
        loads = _take(order, wanted.load, servers, cores)
    return _Sides(servers, loads)


def _order(
    topology: Topology, pool: Sequence[TopologyCpu], wanted: CpuCounts, *, named: bool
) -> tuple[int, ...]:
    """CPU numbers in the order in which they are given away.

    One thread per core as long as that is enough, else whole cores, else every CPU.
    """
    # The spared core is the one with the lowest number: most interrupts go there.
    spared = {cpu.core for cpu in sorted(pool, key=lambda cpu: cpu.core)[: wanted.house]}
    firsts = sorted(pool, key=lambda cpu: cpu.core in spared)
    # Where the matrix names CPUs of one side, the other still prefers one thread per free core.
    enough = named or wanted.server + wanted.load <= len(firsts)
    preferred = [cpu.cpu for cpu in firsts] if enough else []
    rank = {cpu.core: place for place, cpu in enumerate(firsts)}
    last = len(rank)
    everything = sorted(
        topology.cpus,
        key=lambda cpu: (
            rank.get(cpu.core, last),
            cpu.cluster,
            cpu.node,
            cpu.llc,
            cpu.core,
            cpu.cpu,
        ),
    )
    return tuple(dict.fromkeys([*preferred, *(cpu.cpu for cpu in everything)]))


def _take(
    order: Sequence[int], count: int, others: Sequence[int], cores: Mapping[int, int]
) -> tuple[int, ...]:
    """The first `count` CPUs, those on cores of the other side last, its own CPUs very last."""
    busy = {cores[cpu] for cpu in others}
    ranked = sorted(order, key=lambda cpu: (cpu in others, cores[cpu] in busy))
    return tuple(sorted(ranked[:count]))


def _housekeeping(topology: Topology, sides: _Sides) -> tuple[int, ...]:
    """Every CPU of a core on which neither side runs; may be empty."""
    used = {cpu.core for cpu in topology.cpus if cpu.cpu in (*sides.server, *sides.load)}
    return tuple(cpu.cpu for cpu in topology.cpus if cpu.core not in used)


def _unpinned(topology: Topology, pool: Sequence[TopologyCpu], wanted: CpuCounts) -> CpuSplit:
    name = topology.cluster_names[pool[0].cluster] if topology.cluster_names else ""
    kind = f"{name} cores" if name else "cores"
    rest = len(_first_threads(topology.cpus)) - len(pool)
    text = (
        f"{_MAC_SENTENCE}; thread counts are matched to the {len(pool)} {kind}: "
        f"{wanted.server} for the server, {wanted.load} for the load tool"
    )
    if rest:
        text += f"; the {rest} other cores take what the scheduler puts there"
    notes = [("unpinned", text)]
    if wanted.server + wanted.load > len(pool):
        notes.append(("shared-core", f"more threads than the {len(pool)} {kind}"))
    notes += _quota_notes(topology, wanted.server + wanted.load)
    return CpuSplit(
        server=(),
        load=(),
        housekeeping=(),
        server_count=wanted.server,
        load_count=wanted.load,
        pinning=topology.pinning,
        notes=tuple(notes),
    )


def _notes(topology: Topology, sides: _Sides) -> Iterable[tuple[str, str]]:
    by_number = {cpu.cpu: cpu for cpu in topology.cpus}
    server = [by_number[cpu] for cpu in sides.server]
    load = [by_number[cpu] for cpu in sides.load]
    yield from _sharing_notes(topology, server, load)
    kinds = sorted({cpu.cluster for cpu in (*server, *load)})
    if len(kinds) > 1:
        names = " and ".join(_kind_name(topology, kind) for kind in kinds)
        text = f"server and load CPUs are of unlike kinds ({names}): their speeds differ"
        yield "unlike-cores", text
    nodes = sorted({cpu.node for cpu in (*server, *load)})
    if len(nodes) > 1:
        text = f"server and load CPUs are on NUMA nodes {', '.join(map(str, nodes))}"
        yield "numa", f"{text}: memory of the other node is slower"
    yield from _quota_notes(topology, len({*sides.server, *sides.load}))


def _sharing_notes(
    topology: Topology, server: Sequence[TopologyCpu], load: Sequence[TopologyCpu]
) -> Iterable[tuple[str, str]]:
    both = sorted({cpu.cpu for cpu in server} & {cpu.cpu for cpu in load})
    cores = sorted({cpu.core for cpu in server} & {cpu.core for cpu in load})
    if len(topology.cpus) == 1:
        text = "one CPU: server, load tool and bench take turns on it"
        yield "shared-core", f"{text}; rates are those of all three together, not the server's own"
    elif both:
        text = f"server and load tool share CPU {', '.join(map(str, both))}"
        yield "shared-core", f"{text}: each takes time from the other"
    elif cores:
        text = f"server and load tool are hardware threads of one core ({_threads(server, load)})"
        yield "shared-core", f"{text}: each slows the other"
    for side, cpus in (("server", server), ("load", load)):
        if len({cpu.core for cpu in cpus}) < len(cpus):
            yield "smt", f"{side} CPUs are hardware threads of one core: two are not twice one"


def _threads(server: Sequence[TopologyCpu], load: Sequence[TopologyCpu]) -> str:
    pairs = (
        f"CPU {mine.cpu} and {other.cpu}"
        for mine in server
        for other in load
        if mine.core == other.core
    )
    return ", ".join(pairs)


def _kind_name(topology: Topology, kind: int) -> str:
    return topology.cluster_names[kind] or f"kind {kind}"


def _quota_notes(topology: Topology, used: int) -> Iterable[tuple[str, str]]:
    if topology.quota is not None and topology.quota < used:
        text = f"the control group allows {topology.quota:g} CPUs' worth of time, {used} are used"
        yield "cpu-quota", f"{text}: processes are stopped in each period once it is spent"
