"""What a bisect was asked, what it measured so far, and its answer as JSON."""

from __future__ import annotations

from bench.model.base import SCHEMA_VERSION, Model


class BisectAsked(Model):
    """What a bisect was started with: enough to go on with it.

    Attributes:
        good: hash of the commit that costs less, as it was when the bisect began; of a
            dependency its version.
        bad: the same of the one that costs more.
        named: both as the user named them.
        detect: least difference that matters, as a share.
        max_time_s: for all measuring, builds not counted.
        dependency: whose versions are searched; "" where commits are.
        versions: of it, from good to bad, as they were published when the bisect began.
    """

    schema_version: int = SCHEMA_VERSION
    server: str
    good: str
    bad: str
    named: tuple[str, str]
    workload: str
    detect: float
    max_time_s: float
    connections: int
    duration: str
    warmup: str
    dependency: str = ""
    versions: tuple[str, ...] = ()


class BisectLook(Model):
    """One finished measurement: a commit against one or two others at the same time.

    Attributes:
        pairs: asked for, with each of the others.
        ratios: against -> cost of the commit / cost of that one, a value per pair.
        failure: why the commit could not be measured, "" where it was.
        disturbed: it ran, and no pair could be used.
        run: folder of the run beside this file, "" where nothing was started.
    """

    commit: str
    against: tuple[str, ...]
    pairs: int
    ratios: dict[str, tuple[float, ...]]
    failure: str
    disturbed: bool = False
    seconds: float
    run: str


class BisectRow(Model):
    """A commit against another, everything that was measured of the two together."""

    commit: str
    against: str
    word: str
    ratio: float
    low: float | None
    high: float | None


class BisectSkip(Model):
    """A commit that was passed over."""

    commit: str
    reason: str


class BisectAnswer(Model):
    """The object of `bench bisect --json`.

    Attributes:
        candidates: the shortest range that was proven to hold the culprit, oldest first; empty
            where no difference was shown.
        ratio: of the culprit to its parent, of the last such comparison where none was proven,
            of bad to good where there is nothing to search for.
    """

    schema_version: int = SCHEMA_VERSION
    culprit: str | None
    candidates: tuple[str, ...]
    ratio: float | None
    low: float | None
    high: float | None
    steps: tuple[BisectRow, ...]
    skipped: tuple[BisectSkip, ...]
