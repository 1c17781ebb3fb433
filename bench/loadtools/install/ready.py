"""Builds a load tool that comes as sources when it is first needed; a matter of a second."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Final

from bench.errors import ToolMissingError
from bench.loadtools import TOOLS
from bench.loadtools.install.find import built_path, find_tool, search_path
from bench.process.command import capture
from bench.process.executables import executable

if TYPE_CHECKING:
    from bench.loadtools.install.find import Installed
    from bench.loadtools.tool import SourceBuild

_BUILD_S: Final = 120.0


def ready(name: str) -> Installed | None:
    """Find a load tool; one of sources is built where it is missing and a compiler is here.

    Raises:
        ToolMissingError: the compiler refused it, or the cache cannot be written.
    """
    found = find_tool(name)
    sources = TOOLS[name].installation.sources
    if sources is None or (found is not None and found.usable):
        return found
    compiler = executable("cc", search_path())
    if compiler is None:
        return found
    try:
        _build(name, sources, compiler)
    except OSError as error:
        raise ToolMissingError(
            f"{name} could not be built in {built_path(name, sources).parent}: {error.strerror}",
            advice="make the cache writable, or set XDG_CACHE_HOME to a folder that is",
        ) from error
    return find_tool(name)


def _build(name: str, sources: SourceBuild, compiler: str) -> None:
    """Compile beside the place and rename: another process that does the same loses nothing."""
    place = built_path(name, sources)
    place.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=place.parent) as scratch:
        made = Path(scratch, name)
        files = map(str, sources.files)
        argv = (compiler, *sources.flags, "-o", str(made), *files, *sources.libraries)
        said = capture(argv, timeout_s=_BUILD_S)
        if said is None or said.rc != 0:
            lines = said.stderr.strip().splitlines() if said else ["it did not end"]
            raise ToolMissingError(
                f"{name} could not be built by {compiler}: {lines[0] if lines else 'no message'}",
                advice=f"`bench setup --tool {name}` shows all of it",
            )
        made.rename(place)
