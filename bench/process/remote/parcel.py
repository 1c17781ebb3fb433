"""The parcel: `bench` and the few distributions that an agent imports, for one kind of machine.

A machine of the same kind as this one gets copies of what is installed here, so that no network
is asked. For another kind, wheels are fetched by the pinned requirements with their hashes, once,
and kept in this user's cache.
"""

from __future__ import annotations

import functools
import importlib.metadata
import io
import re
import sys
import tempfile
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from bench.errors import BenchError, MachineError
from bench.process.command import capture
from bench.process.remote.arrival import content_digest, machine_facts

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

NEEDS: Final = (
    "annotated-types",
    "backports-zstd",
    "brotli",
    "h2",
    "hpack",
    "hyperframe",
    "orjson",
    "packaging",
    "psutil",
    "pydantic",
    "pydantic-core",
    "typing-extensions",
    "typing-inspection",
)
"""What the rooms below `plans` import, but for scipy and numpy, which no agent needs."""

_UNTIL_3_14: Final = "backports-zstd"
"""Python has it itself from 3.14 on."""
_PACKAGE: Final = Path(__file__).resolve().parents[2]
_DATA: Final = {
    "scripts/lua": "lua",
    "scripts/paced": "paced",
    "configs": "configs",
    "servers": "servers",
}
"""Folder of a checkout -> its name in bench/_data, as in a wheel (pyproject.toml)."""
_LEFT_OUT: Final = frozenset(
    {"__pycache__", ".build", ".venv", "node_modules", "target", "fuzz", ".stamp"}
)
_FETCH_S: Final = 300.0
_BLOCK: Final = re.compile(r"^([\w.-]+)==[^\n]*(?:\n[ \t]+[^\n]*)*", re.MULTILINE)


class Parcel(NamedTuple):
    """Files by their name in the parcel."""

    files: Mapping[str, bytes]

    def digest(self) -> str:
        """The sha256 that names it."""
        return content_digest(self.files.items())

    def archive(self) -> bytes:
        """All of it as one zip file; ssh compresses on the way."""
        made = io.BytesIO()
        with zipfile.ZipFile(made, "w") as packed:
            for name, data in sorted(self.files.items()):
                packed.writestr(name, data)
        return made.getvalue()


def make_parcel(name: str, facts: Mapping[str, Any], cache: Path) -> Parcel:
    """The parcel for a machine.

    Args:
        name: of the machine, for messages.
        facts: what `arrival.machine_facts` said there.
        cache: folder of this user's cache.

    Raises:
        MachineError: the wheels for its kind cannot be had.
    """
    if _same_kind(facts):
        return _for_our_kind()
    return Parcel({**dict(_own()), **_fetched(name, facts, cache)})


@functools.cache
def _for_our_kind() -> Parcel:
    return Parcel({**dict(_own()), **dict(_installed())})


def _same_kind(facts: Mapping[str, Any]) -> bool:
    """Whether compiled modules of this interpreter run there."""
    here = machine_facts()
    alike = all(facts[name] == here[name] for name in ("soabi", "platform"))
    return alike and _number(str(facts["libc"])) >= _number(str(here["libc"]))


def _number(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", version))


def _own() -> Iterator[tuple[str, bytes]]:
    """The package itself, with what a wheel of it holds in bench/_data."""
    yield from _tree(_PACKAGE, "bench")
    for folder, inside in _DATA.items():
        if (source := _PACKAGE.parent / folder).is_dir() and not (_PACKAGE / "_data").is_dir():
            yield from _tree(source, f"bench/_data/{inside}")


def _tree(folder: Path, name: str) -> Iterator[tuple[str, bytes]]:
    for path in folder.iterdir():
        if path.name in _LEFT_OUT or path.is_symlink():
            continue
        if path.is_dir():
            yield from _tree(path, f"{name}/{path.name}")
        else:
            yield f"{name}/{path.name}", path.read_bytes()


def _installed() -> Iterator[tuple[str, bytes]]:
    for need in NEEDS:
        if need == _UNTIL_3_14 and sys.version_info >= (3, 14):
            continue
        try:
            yield from _files_of(need)
        except (importlib.metadata.PackageNotFoundError, OSError):
            raise BenchError(
                f"the library {need}, which agents on other machines need, is not installed whole "
                "beside bench on this machine",
                advice="install bench again: `scripts/just setup` in a checkout, else `pip install "
                "--force-reinstall` of it",
            ) from None


def _files_of(name: str) -> Iterator[tuple[str, bytes]]:
    """The modules of an installed distribution.

    Raises:
        PackageNotFoundError: it is not there, or nothing says which files are its own.
        OSError: one of its files is not there.
    """
    files = importlib.metadata.distribution(name).files
    if not files:
        raise importlib.metadata.PackageNotFoundError(name)
    for file in files:
        if file.parts[0] != ".." and file.suffix != ".pyc" and ".dist-info" not in str(file):
            yield file.as_posix(), Path(str(file.locate())).read_bytes()


def _fetched(name: str, facts: Mapping[str, Any], cache: Path) -> dict[str, bytes]:
    """The wheels for another kind of machine, from the cache or the package index."""
    pins = _pins()
    kind = f"{facts['platform']}-{facts['soabi']}-{content_digest([('pins', pins)])[:16]}"
    place = cache / "agents" / "wheels" / kind
    if not place.is_dir():
        place.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix="new-", dir=place.parent) as beside:
            _fetch(name, facts, pins, Path(beside))
            (Path(beside) / "made").rename(place)
    return dict(_tree_below(place))


def _tree_below(place: Path) -> Iterator[tuple[str, bytes]]:
    for path in place.iterdir():
        if path.is_dir():
            if path.suffix != ".dist-info" and path.name not in {"bin", *_LEFT_OUT}:
                yield from _tree(path, path.name)
        elif path.suffix in (".py", ".so"):
            yield path.name, path.read_bytes()


def _pins() -> bytes:
    """The lines of requirements/run.txt about what an agent needs, with their hashes."""
    places = (_PACKAGE / "_data" / "requirements", _PACKAGE.parent / "requirements")
    text = next(place for place in places if place.is_dir()).joinpath("run.txt").read_text("utf-8")
    blocks = [block[0] for block in _BLOCK.finditer(text) if block[1] in NEEDS]
    return "\n".join(blocks).encode() + b"\n"


def _fetch(name: str, facts: Mapping[str, Any], pins: bytes, beside: Path) -> None:
    (beside / "pins.txt").write_bytes(pins)
    python = ".".join(map(str, facts["python"][:2]))
    tags = wheel_tags(str(facts["platform"]), str(facts["libc"]))
    target = ["--target", str(beside / "made"), "--only-binary", ":all:", "--no-deps"]
    pins_file = ["--require-hashes", "-r", str(beside / "pins.txt")]
    plain = [sys.executable, "-m", "pip", "install", "-q", "--disable-pip-version-check"]
    kinds = [word for tag in tags for word in ("--platform", tag)]
    said = capture(
        [*plain, *target, *kinds, "--python-version", python, "--implementation", "cp", *pins_file],
        timeout_s=_FETCH_S,
    )
    if said is None or said.rc:
        last = said.stderr.strip().splitlines()[-1:] if said else ["pip took too long"]
        raise MachineError(
            f"{name} is a {facts['platform']} with Python {python}, unlike this machine, and the "
            f"wheels for it cannot be had: {' '.join(last)}",
            machine=name,
            advice="they are fetched once and kept: give this machine the network for one start",
        )


def wheel_tags(kind: str, libc: str) -> tuple[str, ...]:
    """The platform tags of wheels that run on a machine, the newest first.

    Args:
        kind: what sysconfig calls the platform, such as `linux-x86_64` or `macosx-14.0-arm64`.
        libc: `glibc 2.36`, or "" elsewhere.
    """
    system, *_, cpu = (
        kind.replace("-", " ", 2).split(" ") if "macosx" in kind else kind.split("-", 1)
    )
    if system == "linux":
        if libc == "musl":
            return tuple(f"musllinux_1_{step}_{cpu}" for step in (2, 1))
        minor = _number(libc)[1] if libc.startswith("glibc") else 17
        steps = range(minor, 16, -1)
        return (*(f"manylinux_2_{step}_{cpu}" for step in steps), f"manylinux2014_{cpu}")
    major = _number(kind)[0]
    cpus = (cpu, "universal2")
    newer = tuple(f"macosx_{step}_0_{one}" for step in range(major, 10, -1) for one in cpus)
    return (*newer, *(f"macosx_10_{step}_{one}" for step in range(15, 8, -1) for one in cpus))
