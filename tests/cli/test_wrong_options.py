"""Options that no measurement can have are wrong usage, never a traceback."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.servers import ground_truth

if TYPE_CHECKING:
    from tests.cli.conftest import Bench

_ROOT = Path(__file__).parents[2]
_HUGE = "99999999999999999999"
_DIGITS = "9" * 400


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project with one server, one workload and one matrix."""
    folder = tmp_path / "project"
    ground_truth.write_server(folder, "good")
    (folder / "configs" / "workloads").mkdir(parents=True)
    shutil.copytree(_ROOT / "configs" / "bodies", folder / "configs" / "bodies")
    small = _ROOT / "configs" / "workloads" / "json-small.yaml"
    shutil.copy(small, folder / "configs" / "workloads")
    (folder / "configs" / "mine.yaml").write_text(
        '{"title": "Mine", "servers": ["good"], "workloads": ["json-small"]}'
    )
    return folder


_SEARCH = ("capacity", "good", "json-small", "--promise", "p99<10ms")
_PROFILE = ("profile", "good", "json-small")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("ab", "good", "--env", "X=1", "--connections", _HUGE), "1<=x<=100000"),
        (("bisect", "good", "--connections", _HUGE), "1<=x<=100000"),
        ((*_SEARCH, "--connections", _HUGE), "1<=x<=100000"),
        ((*_SEARCH, "--seed", _HUGE), "0<=x<=9007199254740992"),
        ((*_SEARCH, "--duration", "25h"), "--duration: expected a duration of at most 24h"),
        ((*_SEARCH, "--max-time", f"{_DIGITS}s"), "expected a duration of at most 24h"),
        (("plan", "mine", "--duration", f"{_DIGITS}s"), "expected a duration of at most 24h"),
        (("plan", "mine", "--max-time", f"{_DIGITS}s"), "expected a duration of at most 24h"),
        (("plan", "mine", "--duration", "9999999999h"), "--duration: expected a duration of at"),
        (("plan", "mine", "--warmup", "25h"), "--warmup: expected a duration of at most 24h"),
        (("plan", "mine", "--connections", _HUGE), "from 1 to 100000"),
        (("plan", "mine", "--seed", _HUGE), "--seed: expected a whole number from 0 to"),
        ((*_PROFILE, "--seconds", "nan"), "nan is not in the range 1<=x<=600"),
        ((*_PROFILE, "--rate", "nan"), "nan is not in the range 0<x<=10000000"),
        ((*_PROFILE, "--rate", "inf"), "inf is not in the range 0<x<=10000000"),
        (("plan", "mine", "--servers", ","), "--servers ',': expected names, separated by"),
        (("plan", "mine", "--workloads", " "), "--workloads ' ': expected names"),
        (("plan", "mine", "--profiles", ""), "--profiles '': expected names"),
        (("run", "mine", "--servers", ","), "--servers ',': expected names, separated by"),
        (("ab", "good", "--env", "X=1", "--workloads", ","), "--workloads ',': expected names"),
        (("doctor", "--system", "linux"), "--system needs --root"),
        (("doctor", "--ceiling", "--system", "linux"), "--system needs --root"),
    ],
)
def test_an_option_that_cannot_be_meant(
    bench: Bench, project: Path, words: tuple[str, ...], said: str
) -> None:
    """The option and what it takes are named, and nothing is measured."""
    done = bench(*words, "--project", str(project))

    assert (done.code, said in done.err) == (2, True), done.err
    assert not (project / "reports").exists()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--connections", _HUGE), "1<=x<=100000"),
        (("--connections", "100001"), "1<=x<=100000"),
        (("--duration", f"{_DIGITS}s"), "expected a duration of at most 24h"),
        (("--duration", "25h"), "error: --duration: expected a duration of at most 24h"),
        (("--duration", "0s"), "error: --duration: expected a duration above 0s"),
        (("--warmup", "25h"), "error: --warmup: expected a duration of at most 24h"),
        (("--header", "a b:c"), "error: --header: expected a header name such as content-type"),
        (("--header", "x.path:a\nb"), "error: --header: expected text without control"),
        (("--header", "host:a\nb"), "error: --header: expected text without control"),
        (("--path", f"/{'x' * 10_000}"), "error: --path: expected at most 10000 characters"),
    ],
)
def test_try_names_the_option(bench: Bench, words: tuple[str, ...], said: str) -> None:
    """The user has written no file; the option is what is wrong."""
    done = bench("try", *words, "--", "false", "{port}")

    assert (done.code, said in done.err) == (2, True), done.err
    assert ".yaml" not in done.err
