"""paced, built once per session."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.paced.driving import Paced, build

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="session")
def binary(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(tmp_path_factory.mktemp("paced"))


@pytest.fixture
def paced(binary: Path, tmp_path: Path) -> Paced:
    return Paced(binary, tmp_path)
