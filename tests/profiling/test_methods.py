"""Which profiler is chosen, what is said where it may not look, and how each is called."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.errors import UsageError
from bench.profiling.methods import (
    FREQUENCY,
    PRELOAD,
    ProfilerFacts,
    choose_method,
    failed,
    frequency,
    looking_s,
    looks,
    lost_samples,
    node_argv,
    perf_lost,
    perf_record,
    perf_script,
    refusal,
    runtime_of,
    sample_record,
    spy_record,
)

ALL = ProfilerFacts(
    system="linux", root=True, perf=True, paranoid=2, spy=True, ptrace=1, python=True, perf_says=""
)
MAC = ALL._replace(system="darwin", perf=False, paranoid=None, ptrace=None, root=False)
WRAPPER = (
    "WARNING: perf not found for kernel 6.2.0-9 You may need to install the following packages "
    "for this specific kernel: linux-tools-6.2.0-9-generic"
)
DENIED = "Error: Access to performance monitoring and observability operations is limited."


@pytest.mark.parametrize(
    ("language", "runtime"),
    [("Python 3", "python"), ("JavaScript", "node"), ("TypeScript", "node"), ("Rust", "native")],
)
def test_the_language_decides_the_runtime(language: str, runtime: str) -> None:
    """A server's declared language names the rules."""
    assert runtime_of(language) == runtime


@pytest.mark.parametrize(
    ("runtime", "facts", "method"),
    [
        ("python", ALL, "perf"),
        ("python", ALL._replace(perf=False), "py-spy"),
        ("python", ALL._replace(python=False), "py-spy"),
        ("python", MAC._replace(root=True), "py-spy"),
        ("python", MAC, "sample"),
        ("node", ALL, "perf"),
        ("node", ALL._replace(perf_says=DENIED, root=False), "node"),
        ("node", MAC, "node"),
        ("native", ALL, "perf"),
        ("native", MAC, "sample"),
    ],
)
def test_the_best_method_that_works_is_chosen(
    runtime: str, facts: ProfilerFacts, method: str
) -> None:
    """perf first; where it cannot be used, what the runtime or the system has."""
    assert choose_method("auto", runtime, facts)[0] == method


def test_methods_that_were_passed_over_are_told_with_their_reason() -> None:
    """The report can say why another method was used."""
    _, refused = choose_method("auto", "python", ALL._replace(perf=False))

    assert len(refused) == 1
    assert refused[0].startswith("perf: it is not installed")


@pytest.mark.parametrize(
    ("method", "facts", "command"),
    [
        ("perf", ALL._replace(perf=False), "apt install linux-perf"),
        (
            "perf",
            ALL._replace(perf_says=DENIED, paranoid=3, root=False),
            "sudo sysctl kernel.perf_event_paranoid=1",
        ),
        ("perf", ALL._replace(perf_says="no permission"), "--cap-add PERFMON"),
        ("perf", ALL._replace(perf_says=WRAPPER, paranoid=3), "linux-tools-6.2.0-9-generic`"),
        (
            "perf",
            ALL._replace(perf_says="E: linux-perf-6.1 is not installed."),
            "apt install linux-perf-6.1`",
        ),
        ("perf", ALL._replace(python=False), "Python 3.12"),
        ("perf", MAC, "for Linux"),
        ("py-spy", ALL._replace(spy=False), "uv pip install py-spy"),
        ("py-spy", ALL._replace(root=False), "sudo sysctl kernel.yama.ptrace_scope=0"),
        ("py-spy", MAC, "with sudo"),
        ("sample", ALL, "part of macOS"),
    ],
)
def test_a_method_that_is_not_permitted_names_the_command_that_allows_it(
    method: str, facts: ProfilerFacts, command: str
) -> None:
    """Each refusal says what to do."""
    with pytest.raises(UsageError, match="cannot be used here") as error:
        choose_method(method, "python", facts)

    assert command in str(error.value)
    assert "without --method" in (error.value.advice or "")


@pytest.mark.parametrize("paranoid", [None, -1, 2, 4])
def test_perf_that_worked_when_it_was_tried_is_allowed_whatever_the_settings(
    paranoid: int | None,
) -> None:
    """Capabilities of the perf binary may allow what the setting does not."""
    assert refusal("perf", "python", ALL._replace(paranoid=paranoid, root=False)) is None


@pytest.mark.parametrize("ptrace", [None, 0])
def test_py_spy_may_look_without_root_where_the_system_lets_it(ptrace: int | None) -> None:
    """No Yama, or scope 0: the user's own processes may be read."""
    assert refusal("py-spy", "python", ALL._replace(ptrace=ptrace, root=False)) is None


def test_where_nothing_can_be_used_every_reason_is_given() -> None:
    """The message lists each method with what it lacks."""
    facts = ALL._replace(perf=False, spy=False)

    with pytest.raises(UsageError, match="no profiler can be used here") as error:
        choose_method("auto", "python", facts)

    for words in ("perf: it is not", "py-spy: it is not", "sample: it is a part of macOS"):
        assert words in str(error.value)


def test_a_method_of_another_runtime_is_refused_with_those_that_fit() -> None:
    """V8's profiler cannot look into Python."""
    with pytest.raises(UsageError, match="cannot look into a python server") as error:
        choose_method("node", "python", ALL)

    assert error.value.advice == "use --method perf or py-spy or sample"


def test_perf_unwinds_python_from_copies_and_node_by_frame_pointers() -> None:
    """Only V8 keeps frame pointers."""
    python = perf_record([7, 8], Path("out"), 2.5, "python")
    node = perf_record([7], Path("out"), 2.0, "node")

    assert python[python.index("--call-graph") + 1].startswith("dwarf,")
    assert node[node.index("--call-graph") + 1] == "fp"
    assert python[python.index("-p") + 1] == "7,8"
    assert python[-2:] == ("sleep", "2.5")
    assert str(FREQUENCY) in python


def test_what_perf_recorded_is_printed_and_its_losses_counted() -> None:
    """Both commands read the same file; a text without the line means none were lost."""
    assert "data" in perf_script(Path("data"))
    assert "data" in perf_lost(Path("data"))
    assert lost_samples("# Total Lost Samples: 12\n") == 12
    assert lost_samples("nothing") == 0


def test_py_spy_looks_at_stacks_or_at_the_gil_never_both() -> None:
    """Native stacks in one command, the holder of the GIL without stopping anything in another."""
    stacks = spy_record(5, Path("out"), 5.0, gil=False)
    gil = spy_record(5, Path("out"), 5.0, gil=True)

    assert "--native" in stacks
    assert "--gil" not in stacks
    assert {"--gil", "--nonblocking"} <= set(gil)
    assert "--native" not in gil
    assert {"--full-filenames", "--threads"} <= set(stacks) & set(gil)


@pytest.mark.parametrize(("seconds", "looked"), [(1.0, 1), (2.5, 1), (5.0, 4)])
def test_py_spy_and_sample_end_before_the_load_does(seconds: float, looked: int) -> None:
    """They take whole seconds and time to begin; an idle server is not what is asked about."""
    argv = spy_record(5, Path("out"), seconds, gil=False)

    assert looking_s("py-spy", seconds) == looking_s("sample", seconds) == looked
    assert looking_s("perf", seconds) == looking_s("node", seconds) == seconds
    assert argv[argv.index("--duration") + 1] == str(looked)
    assert looks(seconds) == looked * frequency("py-spy")
    assert sample_record(5, Path("out"), seconds)[1:4] == ("5", str(looked), "1")


@pytest.mark.parametrize(
    ("text", "advice"),
    [
        ("Error: Operation not permitted (os error 1)", "ptrace_scope=0"),
        ("Permission denied: Try running again with elevated permissions", "sudo"),
        ("sample cannot examine process 12", "System Integrity Protection"),
        ("Error: No python processes found in process 1", "only a server that runs Python"),
        ("something else", "something else"),
        (" \n ", "it said nothing"),
    ],
)
def test_a_profiler_that_failed_says_why_and_what_helps(text: str, advice: str) -> None:
    """Known words get their cure, others are passed on as they are."""
    said = failed("py-spy", text)

    assert said.startswith("py-spy failed: ")
    assert advice in said


def test_node_gets_the_flags_of_the_method_and_other_programs_none() -> None:
    """perf needs V8's map, V8's own profiler the preloaded script, `sample` nothing."""
    perf = node_argv(["node", "server.js"], "perf")
    own = node_argv(["/usr/bin/node", "server.js"], "node")

    assert perf is not None
    assert "--perf-basic-prof" in perf
    assert own == ("/usr/bin/node", "--require", str(PRELOAD), "server.js")
    assert node_argv(["node", "server.js"], "sample") == ("node", "server.js")
    assert node_argv(["npm", "start"], "node") is None
    assert node_argv([], "node") is None


def test_a_wrapper_without_a_perf_is_no_matter_of_permission() -> None:
    """Its own words are kept, and no capability is advised."""
    said = refusal("perf", "python", ALL._replace(perf_says=WRAPPER)) or ""

    assert WRAPPER in said
    assert "PERFMON" not in said
    assert "paranoid" not in said
