"""Checks that several kinds of file share; each works on what is written, right or wrong."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from bench.errors import nearest
from bench.model.fields import is_identifier
from bench.plans.yaml.spelling import printable, shown, spelling

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from bench.plans.yaml.document import Loc, YamlDocument

PLACEHOLDERS: Final = ("host", "port", "cpus", "python", "postgres_url", "postgres_pool")
"""What is replaced in build, run, env and version; the last two where there is a PostgreSQL."""
OF_PROTOCOLS: Final = ("protocol", "cert", "key", "resume")
"""What is replaced in run and env besides."""

_BRACES: Final = re.compile(r"\{[^{}]*\}")
_ESCAPED: Final = re.compile(r"\{\{|\}\}")


def check_placeholders(
    document: YamlDocument, loc: Loc, value: Any, known: Sequence[str] = PLACEHOLDERS
) -> None:
    """Report every `{...}` below a place that is not replaced."""
    *others, last = (f"{{{name}}}" for name in known)
    shown_names = f"{', '.join(others)} and {last}"
    for where, text in texts(loc, value):
        for found in _BRACES.findall(_ESCAPED.sub("", text)):
            if found[1:-1] not in known:
                near = nearest(found[1:-1], known)
                advice = f"did you mean {{{near}}}?" if near else ""
                advice = advice or "write {{ and }} for braces that are meant as they stand"
                document.add(where, f"{found[:40]} is not replaced: only {shown_names} are", advice)


def texts(loc: Loc, value: Any) -> Iterator[tuple[Loc, str]]:
    """All texts below a place; keys of mappings are not among them."""
    if isinstance(value, str):
        yield loc, value
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield from texts((*loc, key), inner)
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from texts((*loc, index), inner)


def check_name(document: YamlDocument, name: str, where: str, what: str) -> None:
    """Report a file or folder whose name cannot be the id that it is."""
    if not is_identifier(name):
        expected = "lower-case letters, digits, '-', '_' or '.'"
        message = f"the {where}'s name is the {what}'s id: expected {expected}, got {shown(name)}"
        document.add((), message, line=1)


def check_duplicates(document: YamlDocument, loc: Loc, listed: Any) -> None:
    """Report a word that stands twice in a list."""
    seen: dict[str, int] = {}
    for index, word in enumerate(listed if isinstance(listed, list) else ()):
        if isinstance(word, str) and word in seen:
            document.add((*loc, index), f"{word} stands here twice", "remove one of them")
        elif isinstance(word, str):
            seen[word] = index


def check_known(
    document: YamlDocument, loc: Loc, what: str, name: Any, known: Collection[str]
) -> None:
    """Report an id that nothing in the project has."""
    if isinstance(name, str) and name not in known and not document.full:
        document.add(loc, f"there is no {what} {printable(name[:60])}", spelling(name, known))
