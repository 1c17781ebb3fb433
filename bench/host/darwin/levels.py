"""Which CPU number of a Mac is which kind of core, from the device tree; no root needed."""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING, Final

from bench.host.darwin.machine import read_clusters, sysctl_keys
from bench.host.source import parse_int

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bench.host.source import HostSource

IOREG: Final = ("ioreg", "-r", "-d", "1", "-k", "cluster-type")
PROPERTIES: Final = ("cluster-type", "logical-cpu-id", "cpu-id")
_FASTEST_FIRST: Final = "SPME"
"""The letters of `cluster-type` in the order of performance levels."""


def core_types(text: str | None) -> dict[int, str]:
    """CPU number -> letter of its kind, from what `ioreg` prints; {} where that is not clear.

    Both kinds of number are printed, one as a number and one as bytes, in any order. CPUs are
    not numbered by kind: on most chips the slow ones come first.
    """
    kind_name, *number_names = PROPERTIES
    found: dict[int, str] = {}
    for block in re.split(r"^[ |]*\+-o ", text or "", flags=re.MULTILINE)[1:]:
        kind = re.search(rf'"{kind_name}" = <"([A-Z])">', block)
        numbers = (_number(block, name) for name in number_names)
        number = next((value for value in numbers if value is not None), None)
        if kind is None or number is None:
            continue  # a cluster has a kind and no number
        if number in found:
            return {}
        found[number] = kind[1]
    return found if sorted(found) == list(range(len(found))) else {}


def redacted(text: str) -> str:
    """Only what `core_types` reads: a block per CPU, without the registry's ids."""
    names = "|".join(PROPERTIES)
    kept = re.findall(rf'^[ |]*(\+-o cpu\d+)|("(?:{names})" = \S+)', text, re.MULTILINE)
    return "\n".join(head or line for head, line in kept)


def _number(block: str, name: str) -> int | None:
    match = re.search(rf'"{name}" = (?:(\d+)\s*$|<([0-9a-f]{{8}})>)', block, re.MULTILINE)
    if match is None:
        return None
    return int(match[1]) if match[1] else int.from_bytes(bytes.fromhex(match[2]), "little")


def cpu_levels(types: Mapping[int, str], counts: tuple[int, ...]) -> dict[int, int]:
    """CPU number -> performance level, 0 = fastest.

    Believed only where the kinds are as many as the levels and each has as many CPUs.

    Args:
        types: CPU number -> letter.
        counts: logical CPUs of each level.
    """
    if not set(types.values()) <= set(_FASTEST_FIRST):
        return {}
    kinds = sorted(set(types.values()), key=_FASTEST_FIRST.index)
    seen = Counter(types.values())
    if not kinds or tuple(seen[kind] for kind in kinds) != counts:
        return {}
    return {cpu: kinds.index(kind) for cpu, kind in types.items()}


def read_levels(source: HostSource) -> tuple[tuple[str, ...], dict[int, int]]:
    """Names of the performance levels, fastest first, and the level of each CPU number.

    Without any level where the kinds of core are one, or cannot be distinguished.
    """
    keys = sysctl_keys(source)
    clusters = read_clusters(keys)
    if len(clusters) < 2:  # noqa: PLR2004 - of one kind, nothing can be mixed
        return (), {}
    counts = tuple(
        parse_int(keys.get(f"hw.perflevel{level}.logicalcpu")) or cluster.cores
        for level, cluster in enumerate(clusters)
    )
    levels = cpu_levels(core_types(source.run(IOREG).text), counts)
    return (tuple(cluster.name for cluster in clusters), levels) if levels else ((), {})
