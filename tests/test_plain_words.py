"""What a user reads, and what a developer reads first, is in words that need no translation."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import Final

BENCH: Final = Path(__file__).parents[1] / "bench"

HOUSE_WORDS: Final = re.compile(
    r"\b(told(?! apart|:)|anew|mend(s|ed)?|gone on with|whoever|somebody"
    r"|(?<!there )is none|(?<!there )is no(?= )(?! longer))\b"
)
"""Write: said, given; again; fix; resumed; those who; someone; is not a. "There is no such file",
"cannot be told apart", "is no longer there" and a parameter that is called `told` are plain."""


def test_words_are_plain() -> None:
    """No docstring and no text has words of this house."""
    found = {
        str(path.relative_to(BENCH)): words
        for path in sorted(BENCH.rglob("*.py"))
        if (words := _house_words(path.read_text(encoding="utf-8")))
    }

    assert found == {}


def _house_words(text: str) -> list[str]:
    """The texts of a module that have one."""
    return [
        node.value
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and " " in node.value
        and HOUSE_WORDS.search(node.value)
    ]
