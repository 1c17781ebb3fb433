"""Functions of stripped Rust libraries are named after the source files that they mention."""
# ruff: noqa: E101 - perf prints tabs

from __future__ import annotations

import shutil
import struct
from typing import TYPE_CHECKING

import pytest

from bench.process import capture
from bench.profiling.crates import crate_names, module_of, nameless
from bench.profiling.stacks import parse_perf

if TYPE_CHECKING:
    from pathlib import Path

TEXT, RECORDS, STRINGS, TABLE = 0x4000, 0x8000, 0x6000, 0x7000
FILES = (
    "/build/.cargo/registry/src/index-1949/hyper-1.12.0/src/proto/h1/role.rs",
    "/rustc/5980/library/core/src/str/mod.rs",
)


def lea(at: int, record: int) -> bytes:
    """`lea rdi, [rip + x]` at an address, to one of the records."""
    return b"\x48\x8d\x3d" + struct.pack("<i", RECORDS + 24 * record - at - 7)


def library(machine: int = 62, table: bytes = b"\x01\x1b\x03\x3b") -> bytes:
    """An ELF file of four functions of 32 bytes, two records and no symbols.

    The first function mentions the standard library twice and hyper once, the second one only
    the standard library, the third nothing, the fourth a place that is no record.
    """
    code = bytearray(b"\x90" * 128)
    code[0:7], code[7:14], code[14:21] = lea(TEXT, 1), lea(TEXT + 7, 1), lea(TEXT + 14, 0)
    code[32:39] = lea(TEXT + 32, 1)
    code[96:103] = lea(TEXT + 96, 9)
    strings = "".join(FILES).encode()
    records = b"".join(struct.pack("<QQII", 0, len(name), 12, 5) for name in FILES)
    moved = b"".join(
        struct.pack("<QQq", RECORDS + 24 * index, 8, STRINGS + start)
        for index, start in enumerate((0, len(FILES[0])))
    )
    pairs = b"".join(struct.pack("<ii", TEXT + 32 * n - TABLE, 0) for n in range(4))
    head = table + struct.pack("<iI", 0, 4) + pairs
    parts = {
        ".text": (TEXT, bytes(code)),
        ".data.rel.ro": (RECORDS, records),
        ".rodata": (STRINGS, strings),
        ".rela.dyn": (0x9000, moved),
        ".eh_frame_hdr": (TABLE, head),
    }
    return elf(machine, parts)


def elf(machine: int, parts: dict[str, tuple[int, bytes]]) -> bytes:
    """A file of these sections, which lie in it elsewhere than in memory."""
    names = b"\0" + b"".join(name.encode() + b"\0" for name in (*parts, ".shstrtab"))
    body, rows = bytearray(64), []
    for name, (address, data) in (*parts.items(), (".shstrtab", (0, names))):
        place = names.index(b"\0" + name.encode() + b"\0") + 1
        rows.append(
            struct.pack("<IIQQQQIIQQ", place, 1, 0, address, len(body), len(data), *[0] * 4)
        )
        body += data
    table = len(body)
    body += b"".join(rows)
    body[0:6] = b"\x7fELF\x02\x01"
    struct.pack_into("<H", body, 18, machine)
    struct.pack_into("<Q", body, 40, table)
    struct.pack_into("<HH", body, 60, len(rows), len(rows) - 1)
    return bytes(body)


def test_a_function_is_named_after_the_file_it_mentions_outside_the_standard_library() -> None:
    """One mention of a crate says more than two of core; a place without a mention has no name."""
    text = 64  # the first section lies right behind the header

    found = crate_names(library(), [text, text + 31, text + 40, text + 70, text + 100, 5, 4000])

    assert found == {
        text: "~hyper::proto::h1::role",
        text + 31: "~hyper::proto::h1::role",
        text + 40: "~core::str",
    }


@pytest.mark.parametrize(
    "data",
    [b"", b"\x7fELF", library(machine=183), library(table=b"\x01\x1b\x03\x3c"), library()[:300]],
)
def test_what_is_no_such_file_has_no_names(data: bytes) -> None:
    """Other machines, other tables and damaged files name nothing, and are no error."""
    assert crate_names(data, [64]) == {}


@pytest.mark.parametrize(
    ("file", "module"),
    [
        (FILES[0], "hyper::proto::h1::role"),
        ("/rust/deps/hashbrown-0.16.1/src/raw/mod.rs", "hashbrown::raw"),
        ("crates/spikard-http/src/lib.rs", "spikard_http"),
        ("src/executors/mod.rs", "crate::executors"),
        ("build.rs", None),
        ("notes.txt", None),
    ],
)
def test_files_become_modules(file: str, module: str | None) -> None:
    """Version, `src`, `mod` and `lib` are no part of a module's name."""
    assert module_of(file) == module


PERF = """\
worker 1/2  4098.4: cpu-clock:
	          5d9a67 [unknown] (/app/lib.abi3.so)
	          5d9a99 [unknown] (/app/lib.abi3.so)
	            26b3 main (/app/lib.abi3.so)
	ffffffffffffffff [unknown] ([unknown])

"""


def test_places_without_a_name_are_found_and_get_theirs() -> None:
    """Only frames of libraries that perf could not name are asked for, and only those change."""
    assert nameless(PERF) == {"/app/lib.abi3.so": {0x5D9A67, 0x5D9A99}}

    (stack,) = parse_perf(PERF, 499, 0, {"/app/lib.abi3.so": {"5d9a67": "~hyper::rt"}}).stacks

    assert [frame.symbol for frame in stack.frames] == [
        "~hyper::rt",
        "[unknown]",
        "main",
        "[unknown]",
    ]


SOURCE = """
#[no_mangle] #[inline(never)]
pub extern "C" fn far(numbers: *const u64, count: usize, at: usize) -> u64 {
    let all = unsafe { std::slice::from_raw_parts(numbers, count) };
    all[at]
}
"""


@pytest.mark.real
def test_a_stripped_library_of_this_compiler_is_understood(tmp_path: Path) -> None:
    """What rustc writes today still holds the records: the exported function gets its crate."""
    if shutil.which("rustc") is None or shutil.which("nm") is None:
        pytest.skip("needs rustc and nm")
    source, out = tmp_path / "near" / "src" / "index.rs", tmp_path / "near.so"
    source.parent.mkdir(parents=True)
    source.write_text(SOURCE)
    argv = ("rustc", "--crate-type=cdylib", "-O", "-Cstrip=symbols", "-o", str(out), str(source))
    built = capture(argv, timeout_s=120, cwd=tmp_path)
    if built is None or built.rc != 0:
        pytest.skip("rustc cannot build here")
    data = out.read_bytes()
    if data[18] != 62:
        pytest.skip("only x86-64 libraries are read")
    symbols = capture(("nm", "-D", "--defined-only", str(out)))
    assert symbols is not None
    address = next(
        int(line.split()[0], 16) for line in symbols.stdout.splitlines() if "far" in line
    )
    headers = capture(("readelf", "-SW", str(out)))
    assert headers is not None
    row = next(line.split() for line in headers.stdout.splitlines() if " .text " in line)
    start, offset = (int(word, 16) for word in row[row.index("PROGBITS") + 1 :][:2])
    place = address - start + offset

    assert crate_names(data, [place]) == {place: "~near::index"}
