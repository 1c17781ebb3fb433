"""What py-spy writes: threads at work, those asleep, and who holds the GIL."""

from __future__ import annotations

import pytest

from bench.errors import ParseError
from bench.profiling.breakdown import quality
from bench.profiling.rules import rule_book
from bench.profiling.spy import SpyReport, parse_collapsed, parse_gil, parse_told
from bench.profiling.stacks import Frame

# Cut down from what py-spy 0.4.3 wrote of a server under load.
LIB = "/usr/lib/x86_64-linux-gnu/libc.so.6"
PY = "/opt/python/lib/libpython3.11.so.1.0"
RAW = f"""\
process 7:".venv/bin/python -c "import a; run()"";thread (0x7F01): main;<module> (/app/app.py:59);\
run (/app/site-packages/spikard/app.py:654);0x7f21 (/app/_spikard.abi3.so);syscall ({LIB}) 132
thread (29042): loop;_run_once (/py/asyncio/base_events.py:1884);\
EpollSelector.select (/py/selectors.py:468);\
select_epoll_poll (/tmp/Python-3.11.7/Modules/clinic/selectmodule.c.h:841);epoll_wait ({LIB}) 127
thread (29042): loop;result (/py/concurrent/futures/_base.py:451);\
Condition.wait (/py/threading.py:327);PyThread_acquire_lock_timed ({PY});\
0x7f3e ({LIB});0x7f3f ({LIB}) 20
thread (29042): loop;dumps (/py/json/__init__.py:231);encoder_call (/x/Modules/_json.c:1337) 9
thread (29043);Loop__run (/project/uvloop/loop.c:20313);0x7f99 ({LIB}) 3
noise
"""


def test_sleeping_threads_are_counted_apart() -> None:
    """A thread that waits in native code is active for py-spy and asleep for the reader."""
    profile = parse_collapsed(RAW, 97, errors=16)

    assert profile.samples == 12
    assert profile.waiting == 132 + 127 + 20
    seen = quality(profile, 2.0, 97)
    assert seen.seen_per_cpu_s == 6
    assert seen.waiting_share == pytest.approx(279 / 291)
    assert seen.error_share == pytest.approx(16 / (291 + 16))


def test_frames_lose_the_process_and_keep_the_thread() -> None:
    """Process and thread are no frames; a library has its name, C sources their folders."""
    encode, loop = parse_collapsed(RAW, 97).stacks

    assert encode.thread == "loop"
    assert encode.threads == {29042}
    assert encode.frames == (
        Frame("encoder_call", "x/Modules/_json.c", "native"),
        Frame("dumps", "/py/json/__init__.py", "script"),
    )
    assert loop.frames == (
        Frame("[unknown]", "libc.so.6", "native"),
        Frame("Loop__run", "project/uvloop/loop.c", "native"),
    )


def test_the_rules_know_what_py_spy_calls_its_frames() -> None:
    """The codec and the event loop are found in full file names as in perf's libraries."""
    book = rule_book("python")

    found = [book.category(stack.frames) for stack in parse_collapsed(RAW, 97).stacks]

    assert found == ["JSON encode", "event loop"]


def test_a_stack_without_frames_is_unknown() -> None:
    """A thread of native code only has no Python frames: that it ran is still counted."""
    profile = parse_collapsed('process 7:"python app.py"; 72\n', 97)

    assert profile.samples == 72
    assert profile.stacks[0].frames == (Frame("[unknown]", "[unknown]", "native"),)


def test_a_profile_of_sleeping_threads_only_is_an_error() -> None:
    """There is nothing to break down, and the message says what was seen."""
    text = f"<module> (a.py:1);epoll_wait ({LIB}) 126\n"

    with pytest.raises(ParseError, match=r"only threads that sleep \(126 samples\)"):
        parse_collapsed(text, 97)


def test_what_py_spy_says_about_itself_is_read() -> None:
    """Samples, failed looks, and how far it fell behind at worst."""
    text = (
        "py-spy> 1.02s behind in sampling, results may be inaccurate.\n"
        "py-spy> 1.58s behind in sampling, results may be inaccurate.\n"
        "py-spy> Wrote raw flamegraph data to 'x'. Samples: 126 Errors: 16\n"
    )

    assert parse_told(text) == SpyReport(126, 16, 1.58)
    assert parse_told("") == SpyReport()


def test_the_gil_is_held_at_the_looks_that_found_a_holder() -> None:
    """Failed looks say nothing; threads are those that held it."""
    text = "thread (1): a;f (a.py:1) 30\nthread (2): b;f (a.py:1) 10\nthread (2): b;g (a.py:2) 8\n"

    gil = parse_gil(text, SpyReport(48, 4), 100)

    assert gil.held == pytest.approx(48 / 96)
    assert gil.threads == 2
    assert gil.held_on_cpu is None
    assert gil.taking_share is None


def test_a_gil_that_nobody_held_is_held_for_none_of_the_time() -> None:
    """An empty file is an answer; no look at all is none."""
    assert parse_gil("", SpyReport(0, 0), 97).held == 0
    assert parse_gil("", SpyReport(0, 97), 97).held is None
