"""What all tests share: the order of real tests, their second try, and skipping what is missing."""

from __future__ import annotations

import shutil

import pytest
from hypothesis import settings

from bench.loadtools import TOOLS
from bench.loadtools.install.find import find_tool, search_path

# A deadline per example says more about the neighbours of this machine than about our code.
settings.register_profile("bench", deadline=None)
settings.load_profile("bench")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Put real tests last, in whatever order they were: no other test disturbs their machine.

    A real test that fails is run once more, and the summary names it: another process of this
    machine may have disturbed what it measured. A test that fails twice fails.
    """
    for item in items:
        # What is run thousands of times, or by the clock, takes several times as long when traced.
        if item.get_closest_marker("slow") and config.pluginmanager.hasplugin("pytest_cov"):
            item.add_marker(pytest.mark.no_cover)
    items.sort(key=lambda item: item.get_closest_marker("real") is not None)
    if config.pluginmanager.hasplugin("rerunfailures"):
        for item in items:
            if item.get_closest_marker("real"):
                item.add_marker(pytest.mark.flaky(reruns=1))


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip a test marked `needs("oha", "node")` where one of them is not here."""
    for mark in item.iter_markers("needs"):
        absent = [name for name in mark.args if not _is_here(name)]
        if absent:
            pytest.skip(f"{' and '.join(absent)} missing: bench setup")


def _is_here(name: str) -> bool:
    if name in TOOLS:
        found = find_tool(name)
        return found is not None and found.usable
    return shutil.which(name, path=search_path()) is not None
