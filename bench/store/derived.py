"""Charts of an earlier report: which ones it shows, and the removal of those that are bench's."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from bench.errors import StoreError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

_SHOWN: Final = re.compile(r'="(charts/[\w.-]+\.svg)"')
_DRAWN: Final = re.compile(rb'\A<svg [^>]*\bclass="marks"')
"""How each chart of a report begins, and a picture of the user's hardly does."""
_HEAD: Final = 1000


def shown_charts(report: Path) -> set[str]:
    """Names of the charts that a published report shows, relative to it; none without one."""
    try:
        return set(_SHOWN.findall(report.read_text("utf-8", "replace")))
    except OSError:
        return set()


def remove_charts(paths: Iterable[Path]) -> None:
    """Remove those that are files which bench drew.

    Raises:
        StoreError: no permission.
    """
    for path in paths:
        try:
            if path.is_file() and not path.is_symlink() and _drawn(path):
                path.unlink()
        except OSError as error:
            raise StoreError(f"cannot remove {path}: {error.strerror or error}") from error


def _drawn(path: Path) -> bool:
    with path.open("rb") as file:
        return _DRAWN.match(file.read(_HEAD)) is not None
