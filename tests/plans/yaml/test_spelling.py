"""Values quoted in messages, and spellings guessed."""

from __future__ import annotations

import pytest

from bench.errors import nearest
from bench.plans.yaml.spelling import argument_list, printable, shown, spelling


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "nothing"),
        (True, "true"),
        (5, "5"),
        (0.5, "0.5"),
        ("a\x1b[31m", '"a\\x1b[31m"'),
        ("x" * 70, f'"{"x" * 60}..."'),
        ([1, "a"], '[1, "a"]'),
        ([[1]], "a list"),
        (["x" * 30] * 3, "a list"),
        ({"a": 1}, "keys and values"),
    ],
)
def test_shown(value: object, text: str) -> None:
    """A value is quoted as in the file, shortened, without control characters."""
    assert shown(value) == text


def test_long_numbers_are_cut() -> None:
    """A number of any length takes no more than a line."""
    assert len(shown(10**70)) < 70


def test_printable_escapes_only_what_a_terminal_obeys() -> None:
    """Letters of any language stay; line breaks and control characters become escapes."""
    assert printable("Größe\n\x07\u202e") == "Größe\\n\\x07\\u202e"


def test_nearest_ignores_capitals() -> None:
    """The nearest word is found whatever its case, and given as it is written."""
    assert nearest("term", ["SIGTERM", "SIGHUP"]) == "SIGTERM"
    assert nearest("AXUM", ["axum"]) == "axum"
    assert nearest("x" * 100, ["x"]) is None
    assert nearest("zzz", ["axum"]) is None


def test_spelling_lists_words_where_none_is_near() -> None:
    """Without a near word, the known ones are listed, at most twenty."""
    assert spelling("axun", ["fastify", "axum"]) == "did you mean axum?"
    assert spelling("zzz", ["b", "a"]) == "expected one of a, b"
    assert spelling("zzz", []) == ""
    assert spelling("zzz", [f"w{n:02d}" for n in range(30)]).endswith("w19, ...")


def test_argument_list_can_be_pasted() -> None:
    """A command is shown as a YAML list with quotes where they are needed."""
    assert argument_list(["a", "--b=c", "{port}", "", "x y"]) == '[a, --b=c, "{port}", "", "x y"]'
