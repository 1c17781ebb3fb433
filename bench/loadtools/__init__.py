"""Load tools behind one interface; `TOOLS` is the list of them. No process is started here."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from bench.loadtools.merging import merge, shares
from bench.loadtools.oha import Oha
from bench.loadtools.tool import LoadTool, Recorded, ToolOutput
from bench.loadtools.wrk import Wrk
from bench.model.target import Target

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["TOOLS", "LoadTool", "Recorded", "Target", "ToolOutput", "merge", "shares"]

TOOLS: Final[Mapping[str, LoadTool]] = MappingProxyType({"wrk": Wrk(), "oha": Oha()})
"""Name -> tool. A new tool is one file here and one entry."""
