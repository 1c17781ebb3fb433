"""What is brought to another machine: bench itself, and libraries for its kind."""

from __future__ import annotations

import ast
import importlib.metadata
import subprocess
import sys
import zipfile
from io import BytesIO
from pathlib import Path

import pytest

from bench.errors import BenchError, MachineError
from bench.process.remote import parcel
from bench.process.remote.arrival import folder_digest, keep_parcel, machine_facts
from bench.process.remote.parcel import NEEDS, make_parcel, wheel_tags

ROOT = Path(__file__).parents[3]
ROOMS = (
    "model",
    "process",
    "store",
    "workload",
    "sampler",
    "host",
    "loadtools",
    "servers",
    "trial",
)


def test_agent_runs_from_the_parcel_alone(tmp_path: Path) -> None:
    """An interpreter without any installed library imports all that an agent uses from it."""
    made = make_parcel("here", machine_facts(), tmp_path)
    keep_parcel(tmp_path / "place", made.digest(), made.archive())
    program = (
        f"import sys; sys.path.insert(0, {str(tmp_path / 'place')!r})\n"
        "import bench.process.remote.agent, bench.run.machine_looks, bench.trial.load\n"
        "import bench.run.examining, bench.profiling.far_profile\n"
        "from bench.loadtools import TOOLS\n"
        "from bench.plans.project import builtin_root\n"
        "from pathlib import Path\n"
        "root = builtin_root(Path(bench.__file__).parent)\n"
        "print((root / 'servers' / 'ceiling' / 'ceiling.c').is_file(), 'paced' in TOOLS)\n"
    )
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", program], capture_output=True, text=True, check=False
    )

    assert done.stderr == ""
    assert done.stdout == "True True\n"


def test_damaged_parcel_is_refused(tmp_path: Path) -> None:
    """What does not have the hash that names it is not kept."""
    made = parcel.Parcel({"a/b.py": b"x = 1\n"})
    place = tmp_path / "place"
    with pytest.raises(ValueError, match="damaged"):
        keep_parcel(place, parcel.Parcel({"a/b.py": b"x = 2\n"}).digest(), made.archive())
    assert not place.exists()
    assert list(tmp_path.iterdir()) == []

    keep_parcel(place, made.digest(), made.archive())
    assert folder_digest(place) == made.digest()


def test_only_sources_travel(tmp_path: Path) -> None:
    """Nothing that a build or a run left behind, nothing of the user's."""
    names = list(make_parcel("here", machine_facts(), tmp_path).files)

    assert "bench/process/remote/agent.py" in names
    assert not [name for name in names if "__pycache__" in name or "/.build/" in name]
    assert not [name for name in names if name.startswith("/") or ".." in name.split("/")]
    with zipfile.ZipFile(BytesIO(parcel.Parcel({"a": b""}).archive())) as packed:
        assert packed.namelist() == ["a"]


def test_all_imports_are_brought() -> None:
    """What the rooms of an agent import comes along, but numpy and scipy, for reports only."""
    found = set()
    for room in ROOMS:
        for path in (ROOT / "bench" / room).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.Import):
                    found |= {alias.name.partition(".")[0] for alias in node.names}
                elif isinstance(node, ast.ImportFrom):
                    found.add((node.module or "").partition(".")[0])
    others = {name.replace("_", "-") for name in found - sys.stdlib_module_names - {"bench"}}

    others = {"backports-zstd" if name == "backports" else name for name in others}
    assert others - {"execnet", "compression", "trustme"} <= set(NEEDS)  # compression: 3.14


def test_pins_have_hashes() -> None:
    """The libraries for another kind of machine are those that are pinned for this one."""
    blocks = parcel._pins().decode().split("\n\n")[0]

    for need in NEEDS:
        assert f"{need}==" in blocks
    assert blocks.count("--hash=sha256:") > len(NEEDS)


@pytest.mark.parametrize(
    ("kind", "libc", "some"),
    [
        ("linux-x86_64", "glibc 2.36", ("manylinux_2_36_x86_64", "manylinux2014_x86_64")),
        ("linux-aarch64", "glibc 2.31", ("manylinux_2_31_aarch64", "manylinux_2_17_aarch64")),
        ("macosx-14.0-arm64", "", ("macosx_14_0_arm64", "macosx_11_0_arm64")),
        ("macosx-10.15-universal2", "", ("macosx_10_15_universal2", "macosx_10_9_universal2")),
    ],
)
def test_wheel_tags(kind: str, libc: str, some: tuple[str, ...]) -> None:
    """From the newest that the machine runs down to the oldest."""
    tags = wheel_tags(kind, libc)

    assert tags[0] == some[0]
    assert set(some) <= set(tags)


def test_another_kind_without_network(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The message says which kind of machine it is and that the network is needed once."""
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/simple")
    monkeypatch.setenv("PIP_RETRIES", "0")
    monkeypatch.setenv("PIP_NO_CACHE_DIR", "1")
    facts = {**machine_facts(), "soabi": "cpython-313-darwin", "python": [3, 13, 1]}
    facts |= {"platform": "macosx-14.0-arm64", "libc": ""}

    with pytest.raises(MachineError, match=r"mac is a macosx-14\.0-arm64 with Python 3\.13"):
        make_parcel("mac", facts, tmp_path)
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


def test_fetched_wheels_are_kept_and_arrive_whole(tmp_path: Path) -> None:
    """What was fetched once for another kind is read from the cache; leftovers of pip stay here."""
    facts = {**machine_facts(), "soabi": "cpython-313-darwin", "platform": "macosx-14.0-arm64"}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(parcel, "_fetch", _fake_fetch)
        first = make_parcel("mac", facts, tmp_path)
    again = make_parcel("mac", facts, tmp_path)
    keep_parcel(tmp_path / "there", again.digest(), again.archive())

    assert again.digest() == first.digest()
    assert again.files["orjson/orjson.so"] == b"code"
    assert again.files["typing_extensions.py"] == b"x = 1\n"
    assert not [name for name in again.files if "dist-info" in name or name.startswith("bin/")]


def _fake_fetch(_name: str, _facts: object, _pins: bytes, beside: Path) -> None:
    for name, data in {
        "orjson/orjson.so": b"code",
        "orjson/__pycache__/a.pyc": b"pyc",
        "orjson-3.dist-info/RECORD": b"",
        "__pycache__/typing_extensions.pyc": b"pyc",
        "typing_extensions.py": b"x = 1\n",
        "bin/tool": b"#!/bin/sh\n",
    }.items():
        path = beside / "made" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)


@pytest.mark.parametrize("lost", ["orjson", "psutil/_common.py"])
def test_a_library_that_is_not_here(monkeypatch: pytest.MonkeyPatch, lost: str) -> None:
    """Not installed, or a file of it is lost: a message with what to do."""
    real = importlib.metadata.distribution

    def distribution(name: str) -> importlib.metadata.Distribution:
        if name == lost:
            raise importlib.metadata.PackageNotFoundError(name)
        found = real(name)
        if name == lost.partition("/")[0]:
            monkeypatch.setattr(found, "locate_file", lambda path: Path("/nowhere", path))
        return found

    monkeypatch.setattr(importlib.metadata, "distribution", distribution)
    library = lost.partition("/")[0]
    with pytest.raises(BenchError, match=f"the library {library}, which agents") as caught:
        dict(parcel._installed())

    assert "install bench again" in caught.value.advice
