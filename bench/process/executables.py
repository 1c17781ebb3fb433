"""Where an executable lies that can be run without a dialogue."""

from __future__ import annotations

import shutil
import sys
from typing import TYPE_CHECKING, Final

from bench.process.command import Completed, capture

if TYPE_CHECKING:
    from collections.abc import Callable

_APPLE_STUBS: Final = frozenset(f"/usr/bin/{name}" for name in ("cc", "git", "make", "python3"))


def executable(
    name: str, path: str, run: Callable[[tuple[str, ...]], Completed | None] = capture
) -> str | None:
    """Where an executable lies that can be run; None where there is none.

    Without its command line tools macOS has stand-ins which open a dialogue instead.
    """
    found = shutil.which(name, path=path)
    if found not in _APPLE_STUBS or sys.platform != "darwin":
        return found
    said = run(("xcode-select", "-p"))
    return found if said is not None and said.rc == 0 else None
