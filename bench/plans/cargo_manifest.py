"""Another version of a crate in the text of a Cargo.toml; pure."""

from __future__ import annotations

import json
import re
import tomllib
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

_TABLES: Final = ("dependencies", "dev-dependencies", "build-dependencies")
_ELSEWHERE: Final = ("path", "git", "branch", "tag", "rev")
"""Keys that name another place than the registry, where the versions lie."""
_BARE: Final = re.compile(r"[A-Za-z0-9_-]+")


def required(text: str, name: str, version: str) -> str | None:
    """The manifest with exactly that version of a crate, or None where it requires none.

    The result means the same and looks different: it is for a copy that nobody edits.

    Args:
        text: of a Cargo.toml.
        name: of the crate, also where it is renamed.
        version: such as `0.7.9`; across majors too.
    """
    try:
        data = tomllib.loads(text)
    except (ValueError, RecursionError):  # cargo will say what is wrong
        return None
    changed = False
    for table in _tables(data):
        for key, value in table.items():
            if _crate(key, value) == _plain(name) and not _inherited(value):
                table[key] = _pinned(value, version)
                changed = True
    return dump(data) if changed else None


def _tables(data: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Every table of dependencies: of the package, of its targets, of the workspace."""
    targets = data.get("target", {})
    for owner in (data, data.get("workspace", {}), *targets.values()):
        for key in _TABLES:
            if isinstance(owner, dict) and isinstance(owner.get(key), dict):
                yield owner[key]


def _crate(key: str, value: Any) -> str:
    renamed = value.get("package") if isinstance(value, dict) else None
    return _plain(str(renamed or key))


def _plain(name: str) -> str:
    return name.replace("_", "-").lower()


def _inherited(value: Any) -> bool:
    """Whether the version stands in the workspace's table."""
    return isinstance(value, dict) and bool(value.get("workspace"))


def _pinned(value: Any, version: str) -> Any:
    if not isinstance(value, dict):
        return f"={version}"
    kept = {key: one for key, one in value.items() if key not in _ELSEWHERE}
    return {**kept, "version": f"={version}"}


def dump(data: dict[str, Any]) -> str:
    """A TOML document: plain values first, then one table a key with everything inline."""
    plain = [(key, value) for key, value in data.items() if not isinstance(value, dict)]
    lines = [f"{_key(key)} = {_inline(value)}" for key, value in plain]
    for key, value in data.items():
        if isinstance(value, dict):
            lines += ["", f"[{_key(key)}]"]
            lines += [f"{_key(name)} = {_inline(one)}" for name, one in value.items()]
    return "\n".join(lines) + "\n"


def _inline(value: Any) -> str:
    if isinstance(value, dict):
        inner = ", ".join(f"{_key(key)} = {_inline(one)}" for key, one in value.items())
        return f"{{ {inner} }}" if inner else "{}"
    if isinstance(value, list):
        return f"[{', '.join(map(_inline, value))}]"
    if isinstance(value, bool):
        return str(value).lower()
    return _text(value) if isinstance(value, str) else str(value)


def _text(value: str) -> str:
    """A basic string: JSON's escapes are TOML's, but for DEL."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def _key(name: str) -> str:
    return name if _BARE.fullmatch(name) else _text(name)
