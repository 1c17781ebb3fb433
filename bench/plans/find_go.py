"""A server in Go: where its `package main` is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from bench.plans.found_server import UP, FoundServer, text_of

if TYPE_CHECKING:
    from pathlib import Path

_UNKNOWN: Final = "THE-PACKAGE"
_GIN: Final = "github.com/gin-gonic/gin"
_LOOK: Final = "is this the main package, and how is it given its port?"


def find_go(folder: Path, name: str) -> FoundServer | None:
    """The program of a Go module; None without go.mod."""
    if not (folder / "go.mod").is_file():
        return None
    output = f".build/{name}"
    package, look = _package(folder)
    build = ["go", "build", "-C", UP, "-buildvcs=false"]
    return FoundServer(
        kind="go.mod",
        language="Go",
        needs="go",
        # A program with the commit inside would differ between arms of equal content.
        build=[[*build, "-o", f"servers/{name}/{output}", package]],
        run=[output],
        look=look,
        unknown=_UNKNOWN if package.endswith(_UNKNOWN) else "",
        settings={"GIN_MODE": "release"} if _GIN in text_of(folder / "go.mod") else {},
    )


def _package(folder: Path) -> tuple[str, str]:
    """Where `package main` is: the top folder, or one of cmd/; and what to look at."""
    if any(_is_main(text_of(file)) for file in sorted(folder.glob("*.go"))):
        return ".", _LOOK
    commands = sorted(
        {file.parent.name for file in folder.glob("cmd/*/*.go") if _is_main(text_of(file))}
    )
    if not commands:
        return (
            f"./{_UNKNOWN}",
            f"no package main was found: name the one that listens for {_UNKNOWN}",
        )
    others = f"is it {commands[0]} and not {', '.join(commands[1:])}? how is it given its port?"
    return f"./cmd/{commands[0]}", others if commands[1:] else _LOOK


def _is_main(text: str) -> bool:
    lines = [line.split() for line in text.splitlines()]
    # A file that only `go run` uses belongs to no build.
    return ["package", "main"] in [words[:2] for words in lines] and "//go:build ignore" not in text
