"""What to do about a server that does not get ready."""

from __future__ import annotations

from typing import Final

BUILD: Final = "is it built (`bench build`), and does its `run` command work by hand?"
FOREGROUND: Final = (
    "exit code 0 before it was ready: either it went into the background (keep it in the "
    "foreground; nginx: `daemon off;`), or its command defines a server and starts none"
)
READY: Final = "check `ready`, `run` and how the port is passed in its server.yaml"
PROTOCOL: Final = (
    "pass {protocol}, {cert} and {key} to it in `run` or `env`, or take the protocol out of "
    "`protocols` in its server.yaml"
)
SPACE: Final = (
    "; it has a network namespace of its own (`port`): no other program of this machine, such as "
    "a database, can be reached from it"
)
NAME: Final = "; one that answers only to a name of its own: `ready_headers: {host: NAME}`"
