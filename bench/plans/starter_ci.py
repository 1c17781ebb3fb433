"""The workflow that `bench init --ci` writes: is a pull request slower than its base?"""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import Final

WORKFLOW: Final = PurePosixPath(".github", "workflows", "bench.yml")
ACTION: Final = "OWNER/bench@COMMIT"
"""Stands where the action must be named that nobody named."""

_TEXT: Final = """\
# Compares a pull request with its base by CPU time per request, comments the answer, and fails
# where it is slower. Doubt is a pass: a gate that fails on doubt fails on noise.
name: Is it slower?

on: pull_request

permissions:
  contents: read
  pull-requests: write # for the comment

concurrency: # a newer push makes the older answer worthless
  group: bench-${{ github.ref }}
  cancel-in-progress: true

jobs:
  bench:
    runs-on: ubuntu-latest
    timeout-minutes: 40
    steps:
      - uses: actions/checkout@3d3c42e5aac5ba805825da76410c181273ba90b1 # v7.0.1
        with:
          fetch-depth: 2 # the merge commit and both of its parents; one alone has no base
          persist-credentials: false
      - uses: @ACTION@
        with:
          server: @SERVER@
          detect: 3%
          max-time: 10m
"""


def workflow(server: str, action: str = ACTION) -> str:
    """The workflow for a server.

    Args:
        server: id.
        action: where the action is, `OWNER/REPOSITORY@REF`.
    """
    return _TEXT.replace("@SERVER@", server).replace("@ACTION@", action)


def ci_look(action: str) -> str:
    """What is to be looked at in it."""
    if action == ACTION:
        return f"{WORKFLOW}: put where bench comes from in place of {ACTION}"
    return f"{WORKFLOW}: does the job install what your server needs to be built?"
