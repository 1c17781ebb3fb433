"""`replace` takes the fields of its model; an ignore below that is not needed fails mypy."""

from __future__ import annotations

import pytest

from bench.model.plan import Cell

_CELL = Cell(server="a", workload="b", profile="c")


def test_other_fields_stay() -> None:
    """What is named is another, what is not stays."""
    assert _CELL.replace(server="x") == Cell(server="x", workload="b", profile="c")


def test_an_unknown_field_is_refused() -> None:
    """A name that is written wrong is an error, not one more attribute."""
    with pytest.raises(TypeError, match="Cell has no servr"):
        _CELL.replace(servr="x")  # type: ignore[call-arg] # the plugin for mypy refuses the name


def test_types_are_for_mypy() -> None:
    """A value of another type is not looked at when it runs: mypy refuses it."""
    assert _CELL.replace(server=1) != _CELL  # type: ignore[arg-type] # the plugin refuses the type
