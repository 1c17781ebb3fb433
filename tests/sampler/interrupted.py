"""A sampler that is interrupted just after a lock of Python's own was taken; says that it ended.

`threading.Event` and `Condition` take their lock in Python code, where a signal may come between
the taking and the `with`: then nobody lets go of it. Here it comes then for certain.
"""

from __future__ import annotations

import contextlib
import faulthandler
import os
import sys
import threading
from typing import Any

from bench.sampler import Sampler


def main(limit_s: float) -> None:
    """Where a thread waits for ever, its stack is printed and the exit code is 1."""
    faulthandler.dump_traceback_later(limit_s, exit=True)
    take: Any = threading.Condition.__enter__

    def interrupted(condition: threading.Condition) -> bool:
        taken: bool = take(condition)
        if threading.current_thread() is threading.main_thread():
            raise KeyboardInterrupt
        return taken

    with (
        contextlib.suppress(KeyboardInterrupt),
        Sampler(server_pid=os.getpid(), server_cpus=(0,), load_cpus=(0,), port=None) as sampler,
    ):
        threading.Condition.__enter__ = interrupted  # type: ignore[method-assign] # for this process only
        sampler.mark()
    sys.stdout.write("ended\n")


if __name__ == "__main__":
    main(float(sys.argv[1]))
