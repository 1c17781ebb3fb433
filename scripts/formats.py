"""Writes docs/glossary.md and the tables of keys in docs/formats.md: `just formats`.

Both are made from the models: the keys from their fields, the words from their docstrings.
"""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import TYPE_CHECKING, Final

from bench.model.config import MatrixConfig, ProfileConfig, ServerRef, Variant
from bench.model.server_config import ServerConfig
from bench.model.workload_config import RequestConfig, WorkloadConfig
from bench.plans.schema import keys

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pydantic import BaseModel

_ROOT: Final = Path(__file__).parents[1]
DOCUMENT: Final = _ROOT / "docs" / "formats.md"
GLOSSARY: Final = _ROOT / "docs" / "glossary.md"
MODELS: Final[Mapping[str, type[BaseModel]]] = {
    "matrix": MatrixConfig,
    "server of a matrix": ServerRef,
    "variant": Variant,
    "profile": ProfileConfig,
    "workload": WorkloadConfig,
    "request": RequestConfig,
    "server": ServerConfig,
}
"""What a table is of, as the comment above it says -> the model."""

_TABLE: Final = re.compile(
    r"(<!-- keys of a (.+?), by `just formats` -->\n).*?(\n<!-- end -->)", re.DOTALL
)


def table(model: type[BaseModel]) -> str:
    """The keys of a model as a Markdown table."""
    rows = [
        f"| `{key.name}` | {_cell(key.default)} | {_cell(key.meaning.removesuffix('.'))} |"
        for key in keys(model)
    ]
    return "\n".join(["| key | default | meaning |", "|---|---|---|", *rows, ""])


def _cell(text: str) -> str:
    return text.replace("|", r"\|")


def renewed(text: str) -> str:
    """The document with all its tables as the models say."""
    return _TABLE.sub(lambda found: found[1] + table(MODELS[found[2]]) + found[3], text)


def tables(text: str) -> list[str]:
    """What there are tables of."""
    return [found[2] for found in _TABLE.finditer(text)]


def words() -> dict[str, str]:
    """Each word that a docstring of the model has in bold -> the sentence that says what it is.

    Raises:
        ValueError: a word is explained twice.
    """
    found: dict[str, str] = {}
    for file in sorted((_ROOT / "bench" / "model").glob("*.py")):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.ClassDef):
                continue
            docstring = ast.get_docstring(node) or ""
            text = " ".join(docstring.partition("\nAttributes")[0].split())
            for sentence in re.split(r"(?<=\.) (?=[A-Z*])", text):
                for word in re.findall(r"\*\*(.+?)\*\*", sentence):
                    name = re.sub(r"^[A-Z](?=[a-z])", lambda first: first[0].lower(), word)
                    if name in found:
                        raise ValueError(f"{word!r} is explained twice, the second time in {file}")
                    found[name] = sentence
    return dict(sorted(found.items(), key=lambda item: item[0].lower()))


def glossary() -> str:
    """The page of words."""
    head = (
        "# Glossary\n\nOne word, one meaning: in the reports, in these pages and in the code, "
        "whose docstrings this page is made of (`just formats`).\n\n"
    )
    rows = [f"| {word} | {_cell(sentence)} |" for word, sentence in words().items()]
    return head + "\n".join(["| word | meaning |", "|---|---|", *rows, ""])


if __name__ == "__main__":
    GLOSSARY.write_text(glossary(), encoding="utf-8")
    DOCUMENT.write_text(renewed(DOCUMENT.read_text(encoding="utf-8")), encoding="utf-8")
    print(f"formats: {DOCUMENT}, {GLOSSARY}")
