"""What only a shell could read is refused with what was meant, before anything is started."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bench.errors import UsageError
from bench.plans.server_files import read_server
from bench.plans.typed_command import check_program, check_typed, is_shell_word
from tests.plans.helpers import said

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("command", "words", "advice"),
    [
        (("LISTEN={port}", "ruby", "web.rb"), "LISTEN={port} is not a program", "env 'LISTEN="),
        (("ruby web.rb {port}",), "in one pair of quotes", "-- ruby web.rb {port}"),
        (("ruby", "web.rb", "{port}", ">", "log"), "> means something only", "leave it out"),
        (("ruby", "web.rb", "{port}", "2>&1"), "2>&1 means something only", "sh -c"),
        (("ruby", "web.rb", "{port}", ">/dev/null"), ">/dev/null means", "log of each trial"),
        (("make", "&&", "./web", "{port}"), "&& means something only", "sh -c"),
        (("export", "PORT={port}"), "export is a word of the shell", "env NAME=value"),
    ],
)
def test_words_of_a_shell(command: tuple[str, ...], words: str, advice: str) -> None:
    """Each names the word and what to write instead; none asks for a build."""
    with pytest.raises(UsageError) as error:
        check_typed(command)

    assert words in str(error.value)
    assert advice in (error.value.advice or "")
    assert "build" not in (error.value.advice or "")


@pytest.mark.parametrize(
    "word", ["--a=b", "PORT", "a>b", ">=3.11", "-", "http://x/?a=1&b=2", "{port}", "<html"]
)
def test_words_of_a_program(word: str) -> None:
    """Arguments that only contain such a character go to the program as they are."""
    check_typed(("env", "A=1", "program", *([] if word == "<html" else [word])))

    assert is_shell_word(word) == (word == "<html")


def test_programs_that_are_not_there(tmp_path: Path) -> None:
    """Not on PATH, no file, or a file that may not be executed: each has its own words."""
    (tmp_path / "web.sh").write_text("#!/bin/sh\n")

    with pytest.raises(UsageError, match="no program no-such-thing on PATH"):
        check_program("no-such-thing", tmp_path)
    with pytest.raises(UsageError, match=r"no program \./gone"):
        check_program("./gone", tmp_path)
    with pytest.raises(UsageError, match=r"\./web\.sh may not be executed") as error:
        check_program("./web.sh", tmp_path)
    assert "chmod +x ./web.sh" in (error.value.advice or "")
    with pytest.raises(UsageError, match=r"web\.sh on PATH") as error:
        check_program("web.sh", tmp_path)
    assert "write ./web.sh" in (error.value.advice or "")
    (tmp_path / "web.sh").chmod(0o755)
    check_program("./web.sh", tmp_path)
    check_program("sh", tmp_path)


@pytest.mark.parametrize(
    ("run", "words"),
    [
        ('["LISTEN={port}", ruby, web.rb]', 'write env: {LISTEN: "{port}"} beside run'),
        ('[ruby, web.rb, "{port}", ">/dev/null"]', ">/dev/null means something only to a shell"),
    ],
)
def test_the_same_words_in_a_file(tmp_path: Path, run: str, words: str) -> None:
    """server.yaml is read by no shell either."""
    folder = tmp_path / "one"
    folder.mkdir()
    (folder / "server.yaml").write_text(f"run: {run}\n")

    assert words in said(read_server(folder / "server.yaml", tmp_path)[1].problems)
