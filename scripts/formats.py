"""Writes docs/glossary.md and the tables of docs/formats.md and docs/servers.md: `just formats`.

The keys come from the fields of the models, the words from their docstrings, and who answers what
from the servers' own files.
"""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import TYPE_CHECKING, Final

from bench.model.config import MatrixConfig, ProfileConfig, ServerRef, Variant
from bench.model.server_config import ServerConfig
from bench.model.workload_config import Expect, RequestConfig, WorkloadConfig
from bench.plans.schema import keys
from bench.plans.server_files import load_server

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pydantic import BaseModel

_ROOT: Final = Path(__file__).parents[1]
DOCUMENT: Final = _ROOT / "docs" / "formats.md"
SERVERS: Final = _ROOT / "docs" / "servers.md"
GLOSSARY: Final = _ROOT / "docs" / "glossary.md"
MODELS: Final[Mapping[str, type[BaseModel]]] = {
    "matrix": MatrixConfig,
    "server of a matrix": ServerRef,
    "variant": Variant,
    "profile": ProfileConfig,
    "workload": WorkloadConfig,
    "request": RequestConfig,
    "expectation": Expect,
    "server": ServerConfig,
}
"""What a table is of, as the comment above it says -> the model."""

_TABLE: Final = re.compile(
    r"(<!-- keys of an? (.+?), by `just formats` -->\n).*?(\n<!-- end -->)", re.DOTALL
)


def table(model: type[BaseModel]) -> str:
    """The keys of a model as a Markdown table."""
    rows = [
        f"| `{key.name}` | {_cell(key.default)} | {_cell(key.meaning.removesuffix('.'))} |"
        for key in keys(model)
    ]
    return "\n".join(["| key | default | meaning |", "|---|---|---|", *rows, ""])


_ANSWERED: Final = re.compile(
    r"(<!-- who answers what, by `just formats` -->\n).*?(\n<!-- end -->)", re.DOTALL
)


def answered() -> str:
    """Servers x workloads as a Markdown table, with the reasons of those that cannot below it."""
    servers = {
        path.parent.name: load_server(path)
        for path in sorted((_ROOT / "servers").glob("*/server.yaml"))
        if path.parent.name != "ceiling"
    }
    workloads = sorted(path.stem for path in (_ROOT / "configs" / "workloads").glob("*.yaml"))
    rows = [
        f"| `{name}` | "
        + " | ".join("yes" if one.serves(name) else "no" for one in servers.values())
        + " |"
        for name in workloads
    ]
    reasons = [
        f"- {config.title}, `{name}`: {why}."
        for config in servers.values()
        for name, why in sorted(config.cannot.items())
    ]
    head = ["| workload | " + " | ".join(servers) + " |", "|---" * (len(servers) + 1) + "|"]
    return "\n".join([*head, *rows, "", *reasons, ""])


def renewed_servers(text: str) -> str:
    """The document with its table as the servers say."""
    return _ANSWERED.sub(lambda found: found[1] + answered() + found[2], text)


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
    for path, renew in ((DOCUMENT, renewed), (SERVERS, renewed_servers)):
        path.write_text(renew(path.read_text(encoding="utf-8")), encoding="utf-8")
    print(f"formats: {DOCUMENT}, {SERVERS}, {GLOSSARY}")
