"""What each profiler writes becomes the same kind of stacks."""
# ruff: noqa: E101, W291 - perf prints tabs and trailing blanks

from __future__ import annotations

import pytest

from bench.errors import ParseError
from bench.profiling.spy import parse_collapsed
from bench.profiling.stacks import (
    Frame,
    folded,
    parse_cpuprofile,
    parse_perf,
)

PERF = """\
tokio-rt-worker 20683/20717  4098.473959: cpu-clock: 
	ffffffff8143d42d do_futex ([kernel.kallsyms])
	          2aeaa4 take_gil (/usr/lib/libpython3.12.so.1.0)
	            26b3 select_epoll_poll (/usr/lib/python3.12/select.cpython-312.so)
	    7f439f332499 py::EpollSelector.select:/usr/lib/python3.12/selectors.py (/tmp/perf-21094.map)

tokio-rt-worker 20683/20718  4098.485613: cpu-clock: 
	          5d9a67 [unknown] (/app/_spikard.abi3.so)
	    7f976004e280 [unknown] ([unknown])

node 1/1  4098.5: 
	    7f824e276220 JS:*end node:_http_outgoing:1034:45 (/tmp/perf-1.map)
	    7f824e130392 Eval:~ /app/index.js:1:1 (/tmp/perf-1.map)
	          9d7555 node::Base::Method<&node::Base::Write> (/usr/bin/node)

node 1/1  4098.6: 
"""


def test_perf_frames_keep_kernel_native_and_script_apart() -> None:
    """Kernel, libraries, Python's and V8's functions are told apart."""
    first, second, third, _ = parse_perf(PERF, 499).stacks

    assert first.frames == (
        Frame("do_futex", "[kernel]", "kernel"),
        Frame("take_gil", "libpython3.12.so.1.0", "native"),
        Frame("select_epoll_poll", "select.cpython-312.so", "native"),
        Frame("EpollSelector.select", "/usr/lib/python3.12/selectors.py", "script"),
    )
    assert second.frames[0] == Frame("[unknown]", "_spikard.abi3.so", "native")
    assert third.frames == (
        Frame("end", "node:_http_outgoing", "script"),
        Frame("(module)", "[v8]", "native"),
        Frame("node::Base::Method<&node::Base::Write>", "node", "native"),
    )


def test_a_perf_sample_without_frames_is_an_error_and_still_counted() -> None:
    """A sample that could not be unwound stays in the total as unknown."""
    profile = parse_perf(PERF, 499, lost=3)

    assert (profile.samples, profile.errors, profile.lost) == (4, 1, 3)
    assert profile.stacks[-1].frames == (Frame("[unknown]", "[unknown]", "native"),)


def test_equal_perf_stacks_are_one_with_all_their_threads() -> None:
    """Equal stacks of one thread name are merged, the thread ids are kept."""
    two = PERF + PERF.replace("/20717", "/20999")

    stack = parse_perf(two, 499).stacks[0]

    assert (stack.samples, set(stack.threads)) == (2, {20717, 20999})


@pytest.mark.parametrize("parse", [lambda t: parse_perf(t, 499), lambda t: parse_collapsed(t, 97)])
def test_an_empty_profile_is_an_error(parse: object) -> None:
    """A profiler that saw nothing is told, not shown as an empty table."""
    assert callable(parse)
    with pytest.raises(ParseError, match="saw no sample"):
        parse("\n")


def node(number: int, name: str, url: str, children: list[int]) -> dict[str, object]:
    return {
        "id": number,
        "callFrame": {"functionName": name, "url": url},
        "children": children,
    }


def test_a_v8_profile_weighs_samples_by_their_time_and_leaves_idle_out() -> None:
    """Time deltas are the weights; (idle) is no CPU time; (root) is no frame."""
    profile = parse_cpuprofile(
        {
            "nodes": [
                node(1, "(root)", "", [2, 3]),
                node(2, "(idle)", "", []),
                node(3, "serve", "file:///app/server.js", [4]),
                node(4, "", "", []),
            ],
            "samples": [2, 3, 4, 4],
            "timeDeltas": [500, 100, 200, 300],
        }
    )

    assert profile.samples == 600
    assert (profile.taken, profile.waiting) == (3, 1)
    assert profile.weight_s == 1e-6
    assert {stack.frames: stack.samples for stack in profile.stacks} == {
        (Frame("serve", "/app/server.js", "script"),): 100,
        (
            Frame("(anonymous)", "[v8]", "native"),
            Frame("serve", "/app/server.js", "script"),
        ): 500,
    }


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ({}, "not a V8"),
        ({"nodes": [], "samples": [1], "timeDeltas": []}, "not a V8"),
        ({"nodes": [], "samples": [], "timeDeltas": []}, "no sample"),
    ],
)
def test_what_is_no_v8_profile_is_refused(data: dict[str, object], message: str) -> None:
    """Damaged or empty profiles are errors that say so."""
    with pytest.raises(ParseError, match=message):
        parse_cpuprofile(data)


def test_folded_stacks_are_sorted_and_outermost_first() -> None:
    """The same profile gives the same bytes; a semicolon in a name does not split it."""
    text = folded(parse_perf(PERF.replace("do_futex", "do;futex"), 499).stacks)

    assert "take_gil;do:futex [kernel] 1\n" in text
    assert text.splitlines() == sorted(text.splitlines())
