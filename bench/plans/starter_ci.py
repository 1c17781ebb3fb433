"""The workflow that `bench init --ci` writes: is a pull request slower than its base?"""

from __future__ import annotations

import re
from pathlib import PurePosixPath
from typing import Final

WORKFLOW: Final = PurePosixPath(".github", "workflows", "bench.yml")
ACTION: Final = "OWNER/bench@COMMIT"
"""Stands where the action must be named that nobody named."""

_HASH: Final = re.compile(r"@[0-9a-f]{40}$")

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
          server: "@SERVER@"
          detect: 3%
          max-time: 10m
      - name: Keep the run # `bench report` and `bench show` read it
        if: always()
        uses: actions/upload-artifact@bbbca2ddaa5d8feaa63e36b76fdaad77386f024f # v7.0.0
        with:
          name: bench-@SERVER@
          path: reports/
          if-no-files-found: ignore
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
    if not _HASH.search(action):
        return (
            f"{WORKFLOW}: a tag or branch can be moved to other code, a commit cannot: "
            f"{action.partition('@')[0]}@COMMIT"
        )
    return f"{WORKFLOW}: does the job install what your server needs to be built?"
