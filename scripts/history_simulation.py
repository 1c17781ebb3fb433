"""How well shifts are found: `python scripts/history_simulation.py [HISTORIES]` (default 2,000).

Each history has 200 points and one shift of 5 %; as many have none. Takes some minutes of CPU per
line; lines are printed as they are done, so that it can be ended early.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from tests.stats.test_change_points import score

SPREADS = {
    "10 % from trial to trial, 10 trials a point": 0.10 / 10**0.5,
    "2 %, 1 trial": 0.02,
    "10 %, 5 trials, as many as a matrix has rounds by default": 0.10 / 5**0.5,
    "10 %, 20 trials": 0.10 / 20**0.5,
}


def main() -> None:
    """Print one line per spread."""
    histories = int(sys.argv[1]) if len(sys.argv) > 1 else 2000
    for name, sd in SPREADS.items():
        began = time.process_time()
        found, none = score(sd, histories, shift=True), score(sd, histories, shift=False)
        print(
            f"{name}: found within 5 points {found.hits:.1%}, others {found.false:.2f} and "
            f"without any shift {none.false:.2f} per 1,000 points "
            f"({histories:,} histories each, {time.process_time() - began:.0f} s of CPU)",
            flush=True,
        )


if __name__ == "__main__":
    main()
