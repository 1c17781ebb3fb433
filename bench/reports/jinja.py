"""The jinja2 environment of the templates beside this file."""

from __future__ import annotations

from pathlib import Path

import jinja2

_FOLDER = Path(__file__).parent / "templates"


def environment(*, autoescape: bool) -> jinja2.Environment:
    """Templates with strict names; a missing one is an error, not a blank."""
    return jinja2.Environment(
        loader=jinja2.FileSystemLoader(_FOLDER),
        autoescape=autoescape,  # noqa: S701 - off for Markdown only, which has its own escaping
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )


def read(name: str) -> str:
    """A file beside the templates: styles and scripts that are put into the page."""
    return (_FOLDER / name).read_text(encoding="utf-8")
