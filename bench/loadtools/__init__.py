"""Load tools behind one interface; `TOOLS` finds them. No process is started here.

A new tool is one file in this folder, `<id>.py` with a `TOOL`; nothing else names it.
"""

from __future__ import annotations

from bench.loadtools.registry import TOOLS, closed_tool, ranked, unsupported
from bench.loadtools.tool import (
    CrateBuild,
    Installation,
    LoadTool,
    Recorded,
    Share,
    SourceBuild,
    ToolOutput,
)
from bench.model.target import Target

__all__ = [
    "TOOLS",
    "CrateBuild",
    "Installation",
    "LoadTool",
    "Recorded",
    "Share",
    "SourceBuild",
    "Target",
    "ToolOutput",
    "closed_tool",
    "ranked",
    "unsupported",
]
