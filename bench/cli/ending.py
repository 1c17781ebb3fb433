"""Ends `bench` at last where an interruption has not."""

from __future__ import annotations

import _thread
import faulthandler
import os
import time

END_WITHIN_S = 120.0
"""Stopping servers and writing the report of a large run take some seconds."""


def end_later(number: int) -> None:
    """Exit for that signal in two minutes, and print where each thread stands then.

    What has not ended by itself by then has hung. One did, for more than three minutes: the
    exception of Ctrl-C left a lock of coverage.py held, which traced it (coveragepy issue 1892).
    The supervisor ends everything that was started.
    """
    # Not a Timer: that takes locks in Python, which the interrupted code may hold.
    _thread.start_new_thread(_wait_and_end, (number,))


def _wait_and_end(number: int) -> None:
    time.sleep(END_WITHIN_S)
    os.write(2, f"\nnot ended {END_WITHIN_S:g} s after the interruption:\n".encode())
    faulthandler.dump_traceback(2, all_threads=True)
    os._exit(128 + number)
