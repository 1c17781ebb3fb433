"""What is pinned in requirements/ fits together."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

_FOLDER = Path(__file__).parents[2] / "requirements"
_PIN = re.compile(r"^([a-z0-9.-]+)==(\S+)(?: ; (.+?))? \\$", re.MULTILINE)


def pins(level: str) -> dict[str, set[str]]:
    """Package -> its versions; several where they depend on Python's."""
    found: dict[str, set[str]] = {}
    for name, version, _ in _PIN.findall((_FOLDER / f"{level}.txt").read_text()):
        found.setdefault(name, set()).add(version)
    return found


@pytest.mark.parametrize("levels", [("run", "dev"), ("dev", "docs"), ("dev", "mac")], ids="-".join)
def test_levels_agree(levels: tuple[str, str]) -> None:
    """All go into one .venv: what two levels have in common has one version in both."""
    first, second = (pins(level) for level in levels)

    assert {name: first[name] for name in first.keys() & second} == {
        name: second[name] for name in first.keys() & second
    }


def test_development_includes_running() -> None:
    """`just test` needs no second installation to run `bench`."""
    assert pins("run").keys() <= pins("dev").keys()


@pytest.mark.parametrize("level", ["bootstrap", "run", "dev", "docs", "mac"])
def test_named_packages_are_pinned(level: str) -> None:
    """Every package of an .in file stands in the .txt file beside it."""
    lines = (_FOLDER / f"{level}.in").read_text().split("\n")
    packages = [line.partition(";")[0].strip() for line in lines if not line.startswith("-")]
    named = {package.replace(".", "-") for package in packages if package}

    assert named
    assert named <= pins(level).keys()
