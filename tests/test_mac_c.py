"""The C of this project compiles for macOS, and Python reads Apple's structures where they are.

Compiled anywhere by zig with Apple's headers; nothing of it is run.
"""

from __future__ import annotations

import importlib.util
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from bench.host.darwin import levels, texts
from bench.host.darwin.machine import TRANSLATED
from bench.sampler.darwin import rusage
from tests.apple import FACTS, LACKING, Fact, assertions

if TYPE_CHECKING:
    from collections.abc import Sequence

ROOT = Path(__file__).parents[1]
SYSTEMS = ("aarch64-macos", "x86_64-macos")
CEILING = ROOT / "servers" / "ceiling"
PACED = sorted((ROOT / "scripts" / "paced").glob("*.c"))
STRICT = ("-Wall", "-Wextra", "-Wconversion", "-Wno-sign-conversion", "-Werror")
MACH_O = {"aarch64-macos": 0x0100000C, "x86_64-macos": 0x01000007}

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("ziglang") is None,
    reason="ziglang missing: scripts/just --prepare mac",
)


def compiled(
    folder: Path, system: str, flags: Sequence[str], sources: Sequence[Path]
) -> subprocess.CompletedProcess[str]:
    """Compile for a Mac; the program or object is `out`."""
    cache = str(Path(sys.prefix) / "zig-cache")
    env = {**os.environ, "ZIG_GLOBAL_CACHE_DIR": cache, "ZIG_LOCAL_CACHE_DIR": str(folder)}
    argv = [sys.executable, "-m", "ziglang", "cc", "-target", system, *flags]
    argv += ["-o", str(folder / "out"), *map(str, sources)]
    return subprocess.run(
        argv, cwd=folder, env=env, capture_output=True, text=True, timeout=300, check=False
    )


@pytest.mark.slow
@pytest.mark.parametrize("system", SYSTEMS)
@pytest.mark.parametrize(
    ("flags", "sources"),
    [
        (("-O3", "-std=gnu11", "-Wall", "-Wextra", "-Werror"), [CEILING / "ceiling.c"]),
        (("-O2", "-std=c11", *STRICT), PACED),
    ],
    ids=["ceiling", "paced"],
)
def test_programs_compile_without_a_warning(
    tmp_path: Path, system: str, flags: tuple[str, ...], sources: list[Path]
) -> None:
    """Both programs become an executable of the right kind of Mac."""
    done = compiled(tmp_path, system, flags, sources)

    assert (done.returncode, done.stderr) == (0, "")
    head = (tmp_path / "out").read_bytes()[:8]
    assert head[:4] == bytes.fromhex("cffaedfe")
    assert int.from_bytes(head[4:], "little") == MACH_O[system]


def held_against(folder: Path, system: str, facts: Sequence[Fact]) -> list[str]:
    """What Apple's headers deny, each with the names of our constants."""
    source = folder / "assertions.c"
    source.write_text(assertions(facts))
    done = compiled(folder, system, ("-c", "-Wall", "-Wextra"), [source])
    denied = re.findall(r"static assertion failed[^:]*: (\w*)", done.stderr)
    assert denied or done.returncode == 0, done.stderr
    return denied


@pytest.mark.parametrize("system", SYSTEMS)
def test_python_reads_where_the_headers_say(tmp_path: Path, system: str) -> None:
    """Every size, offset and constant is that of Apple's headers."""
    assert held_against(tmp_path, system, FACTS) == []


def test_a_wrong_offset_is_caught(tmp_path: Path) -> None:
    """One field further is denied, by the name of our constant; the others are not."""
    wrong = [
        fact._replace(claim=re.sub(r"\d+$", lambda at: str(int(at[0]) + 8), fact.claim))
        if fact.names == ("_INSTRUCTIONS",)
        else fact
        for fact in FACTS
    ]

    assert held_against(tmp_path, SYSTEMS[0], wrong) == ["_INSTRUCTIONS"]


def test_every_number_has_its_assertion() -> None:
    """A number that is added to the reader of structures is held against the headers too."""
    ours = {"_LEAST_NS"}  # a threshold
    numbers = {name for name, value in vars(rusage).items() if type(value) is int}

    assert numbers - ours == {name for fact in FACTS for name in fact.names} & numbers


def test_what_the_headers_lack_is_listed() -> None:
    """Strings that stand in no header: each with why, and each in use."""
    used = {texts.THERMAL_KEY, TRANSLATED, *levels.PROPERTIES}
    used |= {f"hw.perflevel0.{name}" for name in ("logicalcpu", "physicalcpu")}

    assert set(LACKING) == used
