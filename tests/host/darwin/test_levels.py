"""Which CPU number is which kind of core, from what `ioreg` prints."""

from __future__ import annotations

import pytest

from bench.host.capture import capture_tree
from bench.host.darwin.levels import core_types, cpu_levels, read_levels
from bench.host.darwin.machine import read_clusters, sysctl_keys
from tests.host.trees import MACS, mac_tree, memory_source

IOREG = "ioreg_-r_-d_1_-k_cluster-type.txt"


def printed(*cpus: tuple[str, str]) -> str:
    """Blocks of CPUs, each with the line of its number and its kind."""
    return "\n".join(
        f'+-o cpu@{place}  <class X>\n  {{\n      {number}\n      "cluster-type" = <"{kind}">\n  }}'
        for place, (number, kind) in enumerate(cpus)
    )


def test_slow_cores_come_first_in_the_numbering() -> None:
    """On an M1 Pro CPUs 0 and 1 are of level 1, though sysctl names the fast level first."""
    names, levels = read_levels(memory_source(mac_tree("m1-pro-6p2e")))

    assert names == ("Performance", "Efficiency")
    assert levels == {0: 1, 1: 1, **dict.fromkeys(range(2, 8), 0)}


def test_both_kinds_of_number_are_read() -> None:
    """A number, or four bytes in the machine's order; the plain number counts where both are."""
    text = printed(
        ('"cpu-id" = <00000000>', "E"),
        ('"cpu-id" = <09000000>\n      "logical-cpu-id" = 1', "P"),
    )

    assert core_types(text) == {0: "E", 1: "P"}


@pytest.mark.parametrize(
    "text",
    [
        "",
        printed(('"cpu-id" = <00000000>', "E"), ('"cpu-id" = <00000000>', "P")),
        printed(('"cpu-id" = <00000000>', "E"), ('"cpu-id" = <02000000>', "P")),
    ],
    ids=["nothing", "twice", "gap"],
)
def test_what_is_not_clear_is_nothing(text: str) -> None:
    """CPUs that are missing or there twice make the whole unknown."""
    assert core_types(text) == {}


@pytest.mark.parametrize(
    ("letters", "counts", "levels"),
    [
        ("EEPP", (2, 2), {0: 1, 1: 1, 2: 0, 3: 0}),
        ("EEPM", (1, 1, 2), {0: 2, 1: 2, 2: 0, 3: 1}),
        ("EEPP", (3, 1), {}),
        ("EEPP", (4,), {}),
        ("QQPP", (2, 2), {}),
    ],
)
def test_kinds_are_levels_where_the_counts_agree(
    letters: str, counts: tuple[int, ...], levels: dict[int, int]
) -> None:
    """A count that disagrees with sysctl, or a letter nobody knows, is not believed."""
    assert cpu_levels(dict(enumerate(letters)), counts) == levels


@pytest.mark.parametrize("mac", MACS)
def test_no_recording_gives_a_wrong_level(mac: str) -> None:
    """Levels are all there or none, and as many CPUs of each as sysctl says."""
    source = memory_source(mac_tree(mac))
    names, levels = read_levels(source)
    clusters = read_clusters(sysctl_keys(source))

    assert bool(names) == bool(levels)
    assert not levels or [list(levels.values()).count(i) for i in range(len(names))] == [
        cluster.cores for cluster in clusters
    ]


def test_a_capture_keeps_kinds_and_nothing_else() -> None:
    """What is sent can be read again, without ids of the registry."""
    tree = mac_tree("m1-pro-6p2e")
    kept = capture_tree(memory_source(tree), "darwin")

    assert "0x10000028" not in kept[IOREG]
    assert read_levels(memory_source(kept)) == read_levels(memory_source(tree))
