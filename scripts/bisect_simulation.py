"""How often a bisect is right: `python scripts/bisect_simulation.py [SEARCHES]` (default 1,600).

Each search has 16 commits of which one costs 5 % more, or none, and pairs whose noise is known;
what decides is the code of `bench bisect`. Wrong is another commit, or a difference where there
is none. Prints the table of docs/bisect.md, in some minutes of CPU; lines are printed as they are
done, so that it can be ended early.
"""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from tests.stats.test_bisection import bisect_score

NOISE = {
    "1 %": (0.01, 0.0),
    "2 %": (0.02, 0.0),
    "3 %": (0.03, 0.0),
    "5 %": (0.05, 0.0),
    "2 %, one pair in ten 8 %": (0.02, 0.1),
}
IN_TIME = 100
"""Pairs in 10 minutes, where one takes 6 s."""


def main() -> None:
    """Print one line per noise and difference."""
    searches = int(sys.argv[1]) if len(sys.argv) > 1 else 1600
    print(
        "| noise of a pair | one commit costs | pairs: median, 90 % | right | wrong "
        f"| culprit in the range | right by {IN_TIME} pairs |"
    )
    print("|---|---|---|---|---|---|---|", flush=True)
    for name, (sd, disturbed) in NOISE.items():
        for by in (0.05, 0.0):
            found = bisect_score(searches, by, sd, disturbed=disturbed)
            timed = bisect_score(searches, by, sd, disturbed=disturbed, most=IN_TIME)
            pairs = found.pairs
            middle, most = pairs[len(pairs) // 2], pairs[int(0.9 * len(pairs))]
            covered = f"{found.covered:.1%}" if by else "-"
            print(
                f"| {name} | {'5 % more' if by else 'the same'} | {middle}, {most} "
                f"| {found.right:.1%} | {found.wrong:.2%} | {covered} | {timed.right:.1%} |",
                flush=True,
            )


if __name__ == "__main__":
    main()
