"""What all tests share: the order of real tests, second tries, and skipping what is missing."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import settings

from bench.loadtools import TOOLS
from bench.loadtools.install.find import search_path
from bench.loadtools.install.ready import ready
from tests.coverage_data import set_aside
from tests.lab import lab, whole_lab  # noqa: F401 - fixtures: pytest finds them here
from tests.quiet import (  # noqa: F401 - hooks: pytest finds them here
    pytest_report_teststatus,
    pytest_runtest_protocol,
    pytest_terminal_summary,
)

if TYPE_CHECKING:
    from collections.abc import Generator

_LONGEST = ("test_machines_apart.py", "test_guide.py", "test_own.py", "test_chaos.py")
"""Files that begin first: at the end all workers would wait for the one that has them."""

_coverage: dict[str, str] = {}
"""What tells a process to be traced, while it is kept from those of an untraced test."""

# A deadline per example says more about the neighbours of this machine than about our code.
settings.register_profile("bench", deadline=None)
settings.load_profile("bench")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Put real tests last, the longest files first: no other test disturbs their machine."""
    for item in items:
        # What is run thousands of times, or by the clock, takes several times as long when traced.
        if item.get_closest_marker("slow") and config.pluginmanager.hasplugin("pytest_cov"):
            item.add_marker(pytest.mark.no_cover)
    items.sort(key=lambda item: (item.get_closest_marker("real") is not None, _turn(item)))


def _turn(item: pytest.Item) -> int:
    return _LONGEST.index(item.path.name) if item.path.name in _LONGEST else len(_LONGEST)


@pytest.hookimpl(wrapper=True, trylast=True)
def pytest_runtestloop(session: pytest.Session) -> Generator[None, Any, Any]:
    """Set aside coverage data that a killed process left broken, before pytest-cov combines it.

    Workers of pytest-xdist combine nothing, and would move the same files at the same time.
    """
    ran = yield
    if hasattr(session.config, "workerinput"):
        return ran
    plugin = session.config.pluginmanager.getplugin("_cov")
    controller = getattr(plugin, "cov_controller", None)
    if controller is not None and controller.cov is not None:
        set_aside(Path(controller.cov.config.data_file).absolute())
    return ran


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip a test marked `needs("oha", "node")` where one of them is not here.

    And keep coverage out of the processes that one marked `untraced` starts.
    """
    os.environ.update(_coverage)
    if item.get_closest_marker("untraced"):
        found = [name for name in os.environ if name.startswith("COV")]
        _coverage.update({name: os.environ.pop(name) for name in found})
    for mark in item.iter_markers("needs"):
        absent = [name for name in mark.args if not _is_here(name)]
        if absent:
            pytest.skip(f"{' and '.join(absent)} missing: bench setup")


def _is_here(name: str) -> bool:
    if name in TOOLS:
        found = ready(name)
        return found is not None and found.usable
    return shutil.which(name, path=search_path()) is not None
