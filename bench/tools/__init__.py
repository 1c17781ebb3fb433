"""The load tools on this machine, and how those that are missing get here."""

from bench.tools.find import (
    TOOLS,
    Facts,
    Installed,
    Tool,
    find_tool,
    search_path,
    survey,
    tool_path,
)
from bench.tools.plan import Blocked, InstallPlan, Step, plan_install, update_step

__all__ = [
    "TOOLS",
    "Blocked",
    "Facts",
    "InstallPlan",
    "Installed",
    "Step",
    "Tool",
    "find_tool",
    "plan_install",
    "search_path",
    "survey",
    "tool_path",
    "update_step",
]
