"""oha: what it cannot do, its commands in both loops, and reading kept output."""

from __future__ import annotations

import random
import shutil
from pathlib import Path
from typing import Any

import pytest

from bench.errors import ParseError, UsageError
from bench.loadtools import TOOLS, Recorded, Share, Target
from bench.loadtools.tool import LoadJob, too_old
from bench.model.workload_config import Generator
from tests.loadtools.recorded import OHA as DATA
from tests.loadtools.recorded import kind, output, profile, workload

OHA = TOOLS["oha"]
USER = {"u": Generator.model_validate({"int": [1, 9]})}
OPEN = profile(tool="oha", loop="open", rate_rps=100.0)
TARGET = Target("127.0.0.1", 8000)


def argv(tmp_path: Path, *kinds: Any, **how: Any) -> list[str]:
    asked = how.pop("profile", profile(tool="oha"))
    job = LoadJob(TARGET, workload(*kinds), asked, tmp_path)
    share = Share(index=how.get("index", 0), seed=1)
    command = OHA.command(job, share, tmp_path, how.get("duration_s", 2.5))
    return list(command.argv)


def after(arguments: list[str], option: str) -> str:
    return arguments[arguments.index(option) + 1]


@pytest.mark.parametrize(
    ("kinds", "loop", "reason"),
    [
        ((kind(), kind()), "closed", "one kind of request per process"),
        (tuple(kind() for _ in range(21)), "open", "a connection for each of the 21"),
        ((kind(path="/{u}", values=USER, bodies=(b"{u}",)),), "closed", "both vary"),
        ((kind(path="/{u}", values=USER, bodies=(b"a", b"b")),), "open", "both vary"),
        ((kind(bodies=(b"a\nb", b"c")),), "closed", "line break"),
        ((kind(bodies=(b"", b"c")),), "closed", "is empty"),
        ((kind(), kind(bodies=(b"a\r", b"c"))), "open", "line break"),
    ],
)
def test_what_oha_cannot_do_has_a_reason(kinds: Any, loop: str, reason: str) -> None:
    """Found when planning."""
    asked = profile(tool="oha", loop=loop, rate_rps=10.0 if loop == "open" else None)

    assert reason in (OHA.unsupported(asked, workload(*kinds)) or "")


def test_a_lua_script_is_for_wrk() -> None:
    """oha has no scripts."""
    assert "Lua" in (OHA.unsupported(profile(tool="oha"), workload(lua="/x.lua")) or "")


@pytest.mark.parametrize(
    "one",
    [
        kind(),
        kind(path="/{u}", values=USER),
        kind(path="/{u}", values=USER, bodies=(b"same",)),
        kind(bodies=(b"with\nbreak",)),
        kind(bodies=(b'{"u": "{u}"}',), values=USER),
    ],
)
def test_what_oha_can_do(one: Any) -> None:
    """Path or body may vary, not both."""
    assert OHA.unsupported(profile(tool="oha", duration_s=0.5), workload(one)) is None
    assert OHA.unsupported(OPEN, workload(one, kind())) is None


def test_a_closed_loop_lasts_for_its_window(tmp_path: Path) -> None:
    """Fractions of a second too; nothing is waited for after its end."""
    arguments = argv(tmp_path)

    assert after(arguments, "-z") == "2500ms"
    assert after(arguments, "-t") == "10000ms"
    assert after(arguments, "-c") == "20"
    assert not {"-w", "-q", "-n"} & set(arguments)
    assert arguments[-1] == "http://127.0.0.1:8000/ok"


def test_an_open_loop_sends_what_falls_due(tmp_path: Path) -> None:
    """A number at a rate, latency from the intended time."""
    arguments = argv(tmp_path, profile=OPEN)

    assert (after(arguments, "-n"), after(arguments, "-q")) == ("250", "100")
    assert "--latency-correction" in arguments
    assert "-z" not in arguments


def test_defaults_of_oha_are_switched_off(tmp_path: Path) -> None:
    """No display, no compression, no redirects; JSON and every response."""
    arguments = argv(tmp_path)

    assert {"--no-tui", "--disable-compression"} <= set(arguments)
    assert after(arguments, "-r") == "0"
    assert (after(arguments, "-o"), after(arguments, "--db-url")) == ("oha.json", "oha.sqlite")


def test_method_headers_and_a_single_body_are_given(tmp_path: Path) -> None:
    """The body in a file, byte for byte."""
    post = kind(method="POST", bodies=(b"a\nb",), headers={"content-type": "x/y", "a": "b"})
    OHA.prepare(LoadJob(TARGET, workload(post), profile(), tmp_path), random.Random(1))
    arguments = argv(tmp_path, post)

    assert after(arguments, "-m") == "POST"
    assert [arguments[i + 1] for i, a in enumerate(arguments) if a == "-H"] == [
        "content-type: x/y",
        "a: b",
    ]
    assert Path(after(arguments, "-D")).read_bytes() == b"a\nb"


def test_several_bodies_are_lines_and_paths_are_urls(tmp_path: Path) -> None:
    """Process i sends kind i."""
    kinds = (
        kind(method="POST", bodies=(b"a", b"b"), weight=2),
        kind(path="/{u}", values=USER),
    )
    OHA.prepare(LoadJob(TARGET, workload(*kinds), OPEN, tmp_path), random.Random(1))
    first, second = (argv(tmp_path, *kinds, profile=OPEN, index=i) for i in (0, 1))

    assert sorted(Path(after(first, "-Z")).read_bytes().split(b"\n")) == [b"a", b"b"]
    urls = Path(after(second, "--urls-from-file")).read_text().splitlines()
    assert set(urls) == {f"http://127.0.0.1:8000/{n}" for n in range(1, 10)}
    assert after(second, "-m") == "GET"


def recorded(tmp_path: Path, name: str) -> Path:
    for suffix in ("json", "sqlite"):
        source = DATA / f"{name}.{suffix}"
        if source.exists():
            shutil.copy(source, tmp_path / f"oha.{suffix}")
    return tmp_path


def test_a_trials_result_has_every_response(tmp_path: Path) -> None:
    """The window is the schedule: 1200 requests at 1000/s."""
    done = output(recorded(tmp_path, "open"), stderr="Storing results to oha.sqlite\n")
    asked = profile(tool="oha", loop="open", rate_rps=1000.0, duration_s=1.2)
    result = OHA.parse(done, asked)

    assert result.latency_us is not None
    assert (result.latency_us.exact, result.latency_us.source) == (True, "intended-time")
    assert result.duration_s == pytest.approx(1.2, rel=0.01)
    assert {found.code for found in result.findings} <= {"late-pacer"}


def test_a_missing_database_is_told(tmp_path: Path) -> None:
    """Totals stand, latencies do not."""
    result = OHA.parse(output(recorded(tmp_path, "saturated")), profile(tool="oha"))

    assert result.requests == 800
    assert result.latency_us is None
    assert [found.code for found in result.findings] == ["histogram-mismatch"]


def test_nothing_answered_needs_no_database(tmp_path: Path) -> None:
    """There is nothing to store."""
    result = OHA.parse(output(recorded(tmp_path, "hang")), profile(tool="oha"))

    assert (result.requests, result.findings) == (0, ())


def test_a_damaged_database_is_refused(tmp_path: Path) -> None:
    """It is not the same as none."""
    folder = recorded(tmp_path, "resets")
    (folder / "oha.sqlite").write_bytes(b"no database at all")
    with pytest.raises(ParseError, match="oha's database"):
        OHA.parse(output(folder), profile(tool="oha"))


def test_kept_output_is_read_with_either_kind_of_rows() -> None:
    """JSON with SQLite."""
    latency = OHA.read(DATA / "open.json", Recorded({"db": DATA / "open.sqlite"}, loop="open"))

    assert latency.latency_us is not None
    assert latency.latency_us.exact
    assert latency.latency_kind == "response"


@pytest.mark.parametrize(
    ("given", "error"),
    [
        (Recorded({"detail": DATA / "x"}), UsageError),
        (Recorded({"db": DATA / "open.sqlite", "csv": DATA / "good.csv"}), UsageError),
        (Recorded({"db": DATA / "good.sqlite"}), ParseError),
        (Recorded({"csv": DATA / "good.csv"}), ParseError),
    ],
)
def test_parts_that_do_not_fit_are_refused(given: Recorded, error: type[Exception]) -> None:
    """Of another tool, twice, of another run."""
    with pytest.raises(error):
        OHA.read(DATA / "open.json", given)


@pytest.mark.parametrize(("version", "good"), [("1.13.9", False), ("1.14.0", True), ("2.0", True)])
def test_only_versions_with_a_right_correction_are_used(version: str, *, good: bool) -> None:
    """It was inverted before 1.14."""
    assert (too_old(OHA, version) is None) is good
