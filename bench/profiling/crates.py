"""Names for functions of stripped Rust libraries, by the source files that they mention.

Rust keeps, for the message of a panic, where in the sources it happened: a record of a file
name, a line and a column, to which the machine code refers. Stripping takes the names of
functions away and leaves those. A function is named after the file that it refers to most; the
name is marked with `~`, since code of other files may be inlined into it: of 2,233 functions of
an unstripped program, 87 % got a crate that their symbol names too. Layout of the records:
core::panic::Location; of the table of functions: the Linux Standard Base, .eh_frame_hdr.
"""

from __future__ import annotations

import re
import struct
from bisect import bisect_right
from collections import Counter
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

MARK: Final = "~"
_X86_64: Final = 62
_RELATIVE: Final = 8
_TABLE: Final = b"\x1b\x03\x3b"
"""Encodings of .eh_frame_hdr as every linker writes them: sorted pairs, 4 bytes, from its start."""
_LOCATION: Final = struct.Struct("<QII")
_LONGEST: Final = 400
_LEA: Final = re.compile(rb"[\x48\x4c]\x8d[\x05\x0d\x15\x1d\x25\x2d\x35\x3d]", re.DOTALL)
"""`lea reg, [rip + 4 bytes]`: how x86-64 code refers to a record."""
_LEA_BYTES: Final = 7
_STANDARD: Final = ("core", "alloc", "std", "hashbrown")
_CRATE: Final = re.compile(
    r"^(?:(?:.*/)?(?P<crate>[A-Za-z][\w-]*?)(?:-\d+\.[\w.+-]*)?/)?src/(?P<path>.+)\.rs$"
)
_OWN: Final = "crate"
"""The library's own crate, whose files are named from its own folder."""


class _Section(NamedTuple):
    """Where a section lies: address in memory, offset in the file, bytes."""

    address: int
    offset: int
    size: int

    def holds(self, address: int) -> bool:
        return self.address <= address < self.address + self.size

    def at(self, address: int) -> int:
        """The offset in the file of an address."""
        return address - self.address + self.offset


def crate_names(data: bytes, offsets: Iterable[int]) -> dict[int, str]:
    """Name the functions that hold these places, as far as they mention a source file.

    Args:
        data: an ELF file.
        offsets: places in it, as offsets in the file.

    Returns:
        offset -> such as `~hyper::proto::h1::role`; empty for other machines than x86-64 and
        for files that are not as expected.
    """
    try:
        sections = _sections(data)
        text = sections[".text"]
        begins = _begins(data, sections[".eh_frame_hdr"])
        files = _files(data, sections)
    except (IndexError, KeyError, ValueError, struct.error):
        return {}
    named: dict[tuple[int, int], str | None] = {}
    found = {}
    for offset in offsets:
        address = offset - text.offset + text.address
        at = bisect_right(begins, address) - 1
        if at < 0 or not text.holds(address):
            continue
        end = begins[at + 1] if at + 1 < len(begins) else text.address + text.size
        place = (begins[at], end)
        if place not in named:
            named[place] = _best(_mentions(data, text, place, files))
        if name := named[place]:
            found[offset] = MARK + name
    return found


def _sections(data: bytes) -> dict[str, _Section]:
    if data[:6] != b"\x7fELF\x02\x01" or struct.unpack_from("<H", data, 18)[0] != _X86_64:
        raise ValueError("not an ELF file of x86-64")
    (table,) = struct.unpack_from("<Q", data, 40)
    count, names = struct.unpack_from("<HH", data, 60)
    raw = [struct.unpack_from("<IIQQQQIIQQ", data, table + 64 * index) for index in range(count)]
    base = raw[names][4]
    return {
        data[base + row[0] : data.index(b"\0", base + row[0])].decode(): _Section(*row[3:6])
        for row in raw
    }


def _begins(data: bytes, table: _Section) -> list[int]:
    """Addresses of all functions, in order."""
    if data[table.offset + 1 : table.offset + 4] != _TABLE:
        raise ValueError("a table of functions of another kind")
    (count,) = struct.unpack_from("<I", data, table.offset + 8)
    pairs = struct.iter_unpack("<ii", data[table.offset + 12 : table.offset + 12 + 8 * count])
    return sorted(table.address + begin for begin, _ in pairs)


def _files(data: bytes, sections: Mapping[str, _Section]) -> dict[int, str]:
    """Address of a record -> the source file that it names."""
    moved, constant, strings = sections[".rela.dyn"], sections[".data.rel.ro"], sections[".rodata"]
    found = {}
    end = moved.offset + moved.size // 24 * 24
    for place, info, target in struct.iter_unpack("<QQq", data[moved.offset : end]):
        if info != _RELATIVE or not (constant.holds(place) and strings.holds(target)):
            continue
        length, line, column = _LOCATION.unpack_from(data, constant.at(place) + 8)
        if line and column and length < _LONGEST:
            start = strings.at(target)
            name = data[start : start + length]
            if name.endswith(b".rs"):
                found[place] = name.decode("utf-8", "replace")
    return found


def _mentions(
    data: bytes, text: _Section, place: tuple[int, int], files: Mapping[int, str]
) -> Iterator[str]:
    begin, end = (text.at(address) for address in place)
    for match in _LEA.finditer(data, begin, end):
        if match.start() + _LEA_BYTES <= end:
            (ahead,) = struct.unpack_from("<i", data, match.start() + 3)
            target = match.start() + _LEA_BYTES - text.offset + text.address + ahead
            if target in files:
                yield files[target]


def _best(files: Iterable[str]) -> str | None:
    """The module that is mentioned most; the standard library only where there is no other."""
    counts = Counter(name for file in files if (name := module_of(file)))
    if not counts:
        return None
    own = {name: n for name, n in counts.items() if name.split("::")[0] not in _STANDARD}
    return min(own or counts, key=lambda name: (-counts[name], name))


def module_of(file: str) -> str | None:
    """`/x/hyper-1.12.0/src/proto/h1/role.rs` -> `hyper::proto::h1::role`; None for others.

    A file named from the library's own folder (`src/server.rs`) is `crate::server`.
    """
    match = _CRATE.search(file)
    if match is None:
        return None
    parts = [part for part in match["path"].split("/") if part not in ("lib", "mod", "main")]
    return "::".join([(match["crate"] or _OWN).replace("-", "_"), *parts])


def nameless(script: str) -> dict[str, set[int]]:
    """Libraries and the places in them that perf could not name.

    Args:
        script: what `perf script` printed; places of a library are offsets in its file.
    """
    found: dict[str, set[int]] = {}
    for ip, path in _NAMELESS.findall(script):
        found.setdefault(path, set()).add(int(ip, 16))
    return found


_NAMELESS: Final = re.compile(r"^\s+([0-9a-f]+) \[unknown\] \((/[^()]+)\)$", re.MULTILINE)
