"""What may help a server that did not start, and how it ended in words."""

from __future__ import annotations

import signal
from typing import Final

ADVICE_BUILD: Final = "is it built (`bench build`), and does its `run` command work by hand?"
ADVICE_FOREGROUND: Final = (
    "exit code 0 before it was ready: either it went into the background (keep it in the "
    "foreground; nginx: `daemon off;`), or its command defines a server and starts none"
)
ADVICE_READY: Final = "check `ready`, `run` and how the port is passed in its server.yaml"
ADVICE_SPACE: Final = (
    "; it has a network namespace of its own (`port`): no other program of this machine, such as "
    "a database, can be reached from it"
)
ADVICE_NAME: Final = "; one that answers only to a name of its own: `ready_headers: {host: NAME}`"


def signal_name(number: int) -> str:
    """Its name; the number where the system has none."""
    try:
        return signal.Signals(number).name
    except ValueError:
        return str(number)
