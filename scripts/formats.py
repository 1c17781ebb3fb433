"""Writes the tables of keys in docs/formats.md, from the models: `just formats`."""

from __future__ import annotations

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

DOCUMENT: Final = Path(__file__).parents[1] / "docs" / "formats.md"
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


if __name__ == "__main__":
    DOCUMENT.write_text(renewed(DOCUMENT.read_text(encoding="utf-8")), encoding="utf-8")
    print(f"formats: {DOCUMENT}")
