"""What macOS's `sample` prints; the text is made by hand in its format, at no Mac."""

from __future__ import annotations

import pytest

from bench.errors import ParseError
from bench.profiling.mac import parse_sample
from bench.profiling.rules import rule_book
from bench.profiling.stacks import Frame

SAMPLE = """\
Analysis of sampling server (pid 1) every 1 millisecond
Process:         server [1]

Call graph:
    10 Thread_71   DispatchQueue_1: com.apple.main-thread  (serial)
    + 8 start  (in dyld) + 1  [0x1]
    + ! 5 serve  (in server) + 20  [0x2]
    + ! 2 read  (in libsystem_kernel.dylib) + 8  [0x3]
    + 2 ???  (in server)  load address 0x104000000 + 0x4f3c  [0x4]
    10 Thread_72: worker-1
      10 thread_start  (in libsystem_pthread.dylib) + 8  [0x5]
        7 work<int (*)(char)>  (in server) + 0,2  [0x6,0x7]
        3 _pthread_cond_wait  (in libsystem_pthread.dylib) + 980  [0x8]
          3 __psynch_cvwait  (in libsystem_kernel.dylib) + 8  [0x9]
    10 Thread_<multiple>
      10 __workq_kernreturn  (in libsystem_kernel.dylib) + 8  [0x9]

Total number in stack (recursive counted multiple, when >=5):
        5       serve  (in server) + 20  [0x2]
"""


def test_the_samples_of_a_row_are_those_that_the_rows_below_it_lack() -> None:
    """A row's count holds its children's: only the rest is its own."""
    profile = parse_sample(SAMPLE)

    own = {stack.frames[0].symbol: stack.samples for stack in profile.stacks}
    assert own == {"start": 1, "serve": 5, "read": 2, "[unknown]": 2, "work<int (*)(char)>": 7}
    assert profile.weight_s == 0.001


def test_sleeping_threads_of_a_sample_are_counted_apart() -> None:
    """`sample` looks at every thread, whether it runs or not."""
    profile = parse_sample(SAMPLE)

    assert profile.waiting == 3 + 10
    assert profile.samples == 17


def test_threads_of_a_sample_have_names_and_frames_have_libraries() -> None:
    """The row of a thread is no frame."""
    worker = next(s for s in parse_sample(SAMPLE).stacks if s.thread == "worker-1")

    assert worker.threads == {72}
    assert worker.frames == (
        Frame("work<int (*)(char)>", "server", "native"),
        Frame("thread_start", "libsystem_pthread.dylib", "native"),
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("nothing", "no call graph"),
        ("Call graph:\n    4 Thread_1\n      4 kevent  (in libsystem_kernel.dylib)\n", "sleep"),
    ],
)
def test_a_sample_without_work_is_refused(text: str, message: str) -> None:
    """No graph, or threads asleep only, is an error that says so."""
    with pytest.raises(ParseError, match=message):
        parse_sample(text)


@pytest.mark.parametrize(
    ("runtime", "frame", "category"),
    [
        ("native", Frame("__sendto", "libsystem_kernel.dylib", "native"), "kernel and network"),
        ("node", Frame("szone_free", "libsystem_malloc.dylib", "native"), "allocator and GC"),
        (
            "python",
            Frame("_PyEval_EvalFrameDefault", "Python", "native"),
            "interpreter and handler",
        ),
    ],
)
def test_the_rules_know_the_libraries_of_macos(runtime: str, frame: Frame, category: str) -> None:
    """The system's own libraries have their categories in each runtime's rules."""
    assert rule_book(runtime).category((frame,)) == category
