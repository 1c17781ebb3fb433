"""Captures: complete, redacted, readable again; and damage to a tree never breaks the reading."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.host import read_any_topology, read_host
from bench.host.capture import capture_tree
from bench.host.facts import scrub, scrub_value
from bench.host.redact import Redactor
from bench.model.host_facts import Host
from tests.host.trees import LINUX, MACS, Tree, linux_tree, mac_tree, memory_source

if TYPE_CHECKING:
    from bench.model.host_facts import System

IDENTIFYING = re.compile(r"FAKE|fake-(host|user)|0a1b2c3d")
MACHINES = [*(("linux", name) for name in LINUX), *(("darwin", name) for name in MACS)]
TREES: dict[tuple[str, str], Tree] = {
    (system, name): linux_tree(name) if system == "linux" else mac_tree(name)
    for system, name in MACHINES
}
NOISE = {
    "ps_-Aceo_pcpu,comm.txt": "  %CPU COMM\n  45.0 mds\n  12.0 FAKEAPP of fake-user\n",
    "tmutil_status.txt": "{\n  DestinationID = FAKE0000;\n  Running = 0;\n}",
    "mdutil_-s__.txt": "/Volumes/FAKE:\n\tIndexing enabled.",
    "pmset_-g_assertions.txt": "   Sleep 1\nListed by owning process:\n  pid 1(FAKEAPP): Sleep 1\n",
    "pmset_-g_custom.txt": "AC Power:\n sleep 1 (sleep prevented by FAKEAPP)\n lowpowermode 0\n",
    "who.txt": "fake-user tty1 (fake-host-01.local)\n",
    "proc/interrupts": "     CPU0\n 24:  5  PCI-MSI FAKE0000\n",
    "proc/swaps": "Filename Type\n/home/fake-user/FAKE partition\n",
    "proc/cmdline": "root=UUID=FAKE0000 nosmt\n",
    "proc/self/limits": "Limit\nMax open files            1024   4096  files\nFAKE\n",
    ".dockerenv": "",
}
"""Every place where a real machine has names; laid over all trees."""


@st.composite
def damaged(draw: st.DrawFn) -> tuple[System, Tree]:
    """A machine with names everywhere, from which any files and any lines were taken away."""
    system, name = draw(st.sampled_from(MACHINES))
    tree = TREES[(system, name)] | NOISE
    rng = draw(st.randoms(use_true_random=False))
    files_lost, lines_lost = draw(st.sampled_from([(0.0, 0.3), (0.5, 0.0), (0.3, 0.3), (0.9, 0.1)]))
    kept = {path: text for path, text in tree.items() if rng.random() >= files_lost}
    return "linux" if system == "linux" else "darwin", {
        path: "\n".join(line for line in text.splitlines() if rng.random() >= lines_lost)
        for path, text in kept.items()
    }


@settings(max_examples=100)
@given(damaged())
def test_any_damage_still_gives_a_host_without_names(machine: tuple[System, Tree]) -> None:
    """Whatever is missing there is a host.json, a topology, and no identifier in either."""
    system, tree = machine
    source = memory_source(tree)

    text = read_host(source, system).model_dump_json()
    topology = read_any_topology(source, system)

    assert Host.model_validate_json(text).system == system
    assert len(topology.cpus) >= 1
    assert not IDENTIFYING.search(text)


@settings(max_examples=100)
@given(damaged())
def test_no_identifier_gets_into_a_capture(machine: tuple[System, Tree]) -> None:
    """Neither names nor contents of captured files hold what identifies a machine or a person."""
    system, tree = machine

    captured = capture_tree(memory_source(tree), system, names=("fake-user",))

    assert not IDENTIFYING.search(json.dumps(captured))


@pytest.mark.parametrize(("system", "name"), MACHINES)
def test_a_capture_reads_like_the_machine(system: System, name: str) -> None:
    """What is captured gives the same host, but for reasons and what was taken out on purpose."""
    source = memory_source(TREES[(system, name)])
    again = memory_source(capture_tree(source, system))

    first, second = read_host(source, system), read_host(again, system)

    assert second.model_copy(update={"unavailable": first.unavailable}) == first
    assert read_any_topology(again, system) == read_any_topology(source, system)


def test_group_names_are_numbered_in_paths_and_texts() -> None:
    """Groups keep their depth and lose their names; foreign ones keep the container's kind."""
    captured = capture_tree(memory_source(linux_tree("container-quota")), "linux")

    assert captured["proc/self/cgroup"] == "0::/level-1/level-2/level-3/level-4\n"
    assert captured["sys/fs/cgroup/level-1/level-2/cpu.max"] == "150000 100000\n"
    assert captured["proc/1/cgroup"] == "0::/kubepods\n"


def test_foreign_groups_keep_their_kind() -> None:
    """The group of process 1 may be another; only docker, lxc and the like survive of it."""
    redactor = Redactor((), "0::/mine")

    assert redactor.file("/proc/1/cgroup", "0::/docker/abc\n1:name=x:/secret\n2:cpu:/\njunk") == (
        "0::/docker\n1::/other\n2:cpu:/"
    )


def test_host_and_user_names_are_taken_out() -> None:
    """Given names vanish as whole words; short and common ones are left alone."""
    redactor = Redactor(["alices-mac", "alice", "vm", "root"], None)

    text = redactor.command("other", "alices-mac.local Alice root vm malice")

    assert text == "redacted.local redacted root vm malice"


@pytest.mark.parametrize(
    "text",
    [
        "01234567-89ab-cdef-0123-456789abcdef",
        "00008103-001A2B3C4D5E6F70",
        "0123456789abcdef0123456789abcdef",
        "aa:bb:cc:dd:ee:ff",
        "somebody@example.org",
    ],
)
def test_identifiers_are_scrubbed(text: str) -> None:
    """UUIDs, hardware ids, machine ids, MAC and mail addresses go wherever they stand."""
    assert scrub(f"x {text} y") == "x redacted y"
    assert scrub_value({"a": [text, 1]}) == {"a": ["redacted", 1]}


def test_useful_texts_survive_scrubbing() -> None:
    """Versions, flags, times and CPU lists are not identifiers."""
    text = "6.18.44-fc #1 2026-11-24 00:12:33 0-3,8 0xb4000022 Mac15,6 24:16:8:0"

    assert scrub(text) == text


def test_an_unreadable_profile_leaves_no_file() -> None:
    """Damaged JSON is not copied: nothing of it could be checked."""
    tree = {"system_profiler_-json_SPHardwareDataType.json": '{"serial_number": "FAKE'}

    assert capture_tree(memory_source(tree), "darwin") == {}


def test_odd_texts_are_cut_without_error() -> None:
    """Texts that do not look as expected give something or nothing, never an error."""
    redactor = Redactor((), None)

    assert redactor.command("uname_-a", "Linux") == "Linux"
    assert redactor.command("pmset_-g_batt", "nothing") == ""
    assert redactor.file("/proc/interrupts", "") == ""
    assert redactor.path("/sys/fs/cgroup/cpu.max") == "/sys/fs/cgroup/cpu.max"
