"""Checks where a request's random bytes may stand: in its body, and as their hash; pure."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, Final

from bench.workload.requests import HASH_OF

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bench.plans.yaml.document import Loc, YamlDocument

_HASHED: Final = re.compile(r"\{([A-Za-z_][A-Za-z0-9_]*)" + re.escape(HASH_OF) + r"\}")
_BODIES: Final = frozenset({"text", "file"})


def check_random(document: YamlDocument, loc: Loc, request: Mapping[str, Any]) -> None:
    """Report random bytes that stand where only text can, and hashes of what is not random.

    Args:
        document: receives the problems.
        loc: place of the request.
        request: as written.
    """
    written = request.get("values")
    values = written if isinstance(written, dict) else {}
    blobs = {name for name, one in values.items() if isinstance(one, dict) and "random" in one}
    body = request.get("body")
    for name in sorted(blobs):
        for key in ("path", "expect"):
            if f"{{{name}}}" in _text(request.get(key)):
                message = f"{{{name}}} is random bytes, which only a body can hold"
                document.add((*loc, key), message, f"their hash is {{{name}{HASH_OF}}}, in expect")
        if isinstance(body, dict) and f"{{{name}}}" in _text(body) and not _BODIES & body.keys():
            message = f"{{{name}}} is random bytes, which JSON and lines cannot hold"
            document.add((*loc, "body"), message, "write body: {text: ...} or {file: ...}")
    for name in sorted({*_HASHED.findall(_text(request.get("expect")))} - blobs):
        if name in values:
            message = f"{{{name}{HASH_OF}}} is a hash of random bytes, which {name} is not"
            document.add((*loc, "expect"), message, f"write values: {{{name}: {{random: 100KB}}}}")


def _text(value: Any) -> str:
    return json.dumps(value, default=str, ensure_ascii=False)
