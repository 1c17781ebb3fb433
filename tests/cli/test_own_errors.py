"""What `init`, `try` and `ab` say of a command that cannot be carried out."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.run.small_repositories import git
from tests.servers import ground_truth

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cli.conftest import Bench


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project in a git repository; nothing of it is ever built or changed."""
    folder = tmp_path_factory.mktemp("repository")
    ground_truth.write_server(folder, "mine")
    git(folder, "init", "-q")
    git(folder, "add", ".")
    git(folder, "commit", "-qm", "one")
    git(folder, "branch", "-m", "main")
    return folder


@pytest.mark.parametrize(
    "words",
    [
        ("--name", "Not An Id"),
        ("--port-env", "1 A"),
        ("--port-env", "\N{LATIN SMALL LETTER E WITH ACUTE}"),
        ("--path", "no slash"),
        ("--path", "/\N{LATIN SMALL LETTER E WITH ACUTE}"),
        ("--path", "/a#b"),
        ("--path", "/a\\b"),
        ("--path", "/" + "a" * 10_000),
    ],
)
def test_init_refuses_what_it_cannot_write(
    bench: Bench, tmp_path: Path, words: tuple[str, str]
) -> None:
    """A wrong option is exit 2 with what was expected; nothing is written."""
    done = bench("init", str(tmp_path / "x"), *words)

    assert done.code == 2
    assert "expected" in done.err
    assert not (tmp_path / "x").exists()


@pytest.mark.parametrize(
    "name", ["2024", "true", "no", "on", "null", "1e5", "0x10", "007", "1.5", "y"]
)
def test_init_writes_what_validate_takes(bench: Bench, tmp_path: Path, name: str) -> None:
    """A name that YAML reads as a number or a switch stands in quotes."""
    folder = tmp_path / name
    folder.mkdir()
    (folder / "package.json").write_text("{}")

    assert bench("init", "--no-try", str(folder), "--port-env", "null").code == 0
    done = bench("validate", str(folder))

    assert (done.code, done.out) == (0, "")


def test_init_of_a_second_server(bench: Bench, tmp_path: Path) -> None:
    """A matrix that is kept does not measure it: what to add is said, where it runs too."""
    bench("init", "--no-try", str(tmp_path), "--name", "a")
    done = bench("init", str(tmp_path), "--name", "b")
    first = "add b to `servers` and `workloads` of configs/first.yaml, which was there before"

    assert done.code == 0
    assert f"  {first}\n  `bench validate`" in done.out
    assert done.out.endswith(f"; {first}, then `bench run first`\n")
    assert "ready for" not in done.out


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("--", "python", "app.py"), 2, "{port} is not in `python app.py`"),
        (("--path", "/"), 2, "either a command or --url"),
        (("--url", "http://192.0.2.1:80/"), 2, "is not this machine"),
        (("--url", "ftp://127.0.0.1/"), 2, "expected an address such as"),
        (("--url", "http://[::1/"), 2, "expected an address such as"),
        (("--url", "http://[::1]:9/"), 1, "http://[::1]:9"),
        (("--url", "http://127.0.0.1:0/"), 2, "expected an address such as"),
        (("--path", "x", "--", "x", "{port}"), 2, "expected a path such as"),
        (("--path", "/a b", "--", "x", "{port}"), 2, "%20 for a space"),
        (("--path", "/{id}", "--", "x", "{port}"), 2, "expected a path such as"),
        (("--method", "GE T", "--", "x", "{port}"), 2, "expected one that is answered"),
        (("--header", "a b:c", "--", "x", "{port}"), 2, "expected a header name"),
        (("--header", "content-length:5", "--", "x", "{port}"), 2, "set by bench"),
        (("--url", "http://127.0.0.1:9/"), 1, "127.0.0.1:9"),
        (("--duration", "5", "--", "x", "{port}"), 2, "expected a duration"),
        (("--header", "nonsense", "--", "x", "{port}"), 2, "expected NAME:VALUE"),
        (("--", "/no/such/program", "{port}"), 2, "/no/such/program"),
        (("--", "PORT={port}", "node", "a.js"), 2, "put env before it: -- env"),
        (("--", "node a.js {port}"), 2, "leave the quotes out"),
        (("--", "node", "a.js", "{port}", ">", "log"), 2, "means something only to a shell"),
        (("--", "a", "{port}", "--and"), 2, "between two commands"),
    ],
)
def test_try_says_what_is_wrong(bench: Bench, words: tuple[str, ...], code: int, said: str) -> None:
    """Each mistake is one message with its exit code."""
    done = bench("try", *words)

    assert (done.code, said in done.err) == (code, True), done.err
    assert "Traceback" not in done.err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("mine", "--ref", "mian"), "mian"),
        (("mine",), "what is mine to be compared with?"),
        (("mnie", "--ref", "main"), "mine"),
        (("mine", "--env", "nonsense"), "expected NAME=VALUE"),
        (("mine", "--ref", "main", "--detect", "2"), "expected a percentage"),
        (("mine", "--ref", "main", "--detect", "0.01%"), "--detect: expected a percentage from"),
        (("mine", "--ref", "main", "--max-time", "0s"), "--max-time: expected a duration above"),
        (("mine", "--ref", "main", "--duration", "0s"), "error: --duration: expected a duration"),
        (("mine", "--ref", "main", "--warmup", "99h"), "error: --warmup: expected a duration of"),
    ],
)
def test_ab_says_what_is_wrong(
    bench: Bench, repository: Path, words: tuple[str, ...], said: str
) -> None:
    """Each mistake is one message and exit 2."""
    done = bench("ab", *words, "--project", str(repository))

    assert (done.code, said in done.err) == (2, True), done.err
    assert "Traceback" not in done.err


def test_ab_without_a_repository(bench: Bench, tmp_path: Path) -> None:
    """A ref needs a repository; the message says so."""
    ground_truth.write_server(tmp_path, "mine")
    done = bench("ab", "mine", "--ref", "main", "--project", str(tmp_path))

    assert done.code == 2
    assert "repository" in done.err
