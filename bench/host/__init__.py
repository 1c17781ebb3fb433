"""Hardware and system, read through functions given as arguments; changes nothing."""

from bench.host.budget import budget, fresh_ports
from bench.host.changes import SettingChange, compare_hosts, differences
from bench.host.checks import unfit
from bench.host.source import HostSource, local_source, tree_source
from bench.host.state import (
    QuickState,
    core_levels,
    local_host,
    local_system,
    local_topology,
    quick_state,
    read_any_topology,
    read_host,
)

__all__ = [
    "HostSource",
    "QuickState",
    "SettingChange",
    "budget",
    "compare_hosts",
    "core_levels",
    "differences",
    "fresh_ports",
    "local_host",
    "local_source",
    "local_system",
    "local_topology",
    "quick_state",
    "read_any_topology",
    "read_host",
    "tree_source",
    "unfit",
]
