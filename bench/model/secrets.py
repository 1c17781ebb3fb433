"""Which variables hold secrets, and how they look wherever they are shown or written."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated, Final

from pydantic import PlainSerializer

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_SECRET: Final = re.compile(
    r"(^|_)(TOKENS?|SECRETS?|PASSWORDS?|PASSWD|PASS|CREDENTIALS?|AUTH|API_?KEYS?|ACCESS_?KEYS?"
    r"|PRIVATE_?KEYS?|KEY)(_|$)",
    re.IGNORECASE,
)
_SETTING: Final = re.compile(r"(-*)([A-Za-z_][\w-]*)=(.*)", re.DOTALL)
HIDDEN: Final = "***"
_SHORTEST: Final = 4
"""Shorter values are left in printed text: `SORT_KEY: "1"` would take every 1 out of it."""


def is_secret(name: str) -> bool:
    """Whether a variable of that name is likely to hold a secret."""
    return bool(_SECRET.search(name))


def hidden(env: Mapping[str, str]) -> dict[str, str]:
    """The variables in their order; secrets become `***`."""
    return {name: HIDDEN if is_secret(name) else value for name, value in env.items()}


def without_values(text: str, env: Mapping[str, str]) -> str:
    """Printed text in which the values of those variables that are secrets became `***`."""
    secret = {one for name, one in env.items() if is_secret(name) and len(one) >= _SHORTEST}
    for value in sorted(secret, key=len, reverse=True):  # one may be part of another
        text = text.replace(value, HIDDEN)
    return text


def hidden_words(argv: Iterable[str]) -> tuple[str, ...]:
    """A command line in which the values of `TOKEN=...` and `--api-key=...` are `***`."""
    return tuple(_SETTING.sub(_hidden_setting, word) for word in argv)


def _hidden_setting(found: re.Match[str]) -> str:
    dashes, name, _ = found.groups()
    return f"{dashes}{name}={HIDDEN}" if is_secret(name.replace("-", "_")) else found.group()


Environment = Annotated[dict[str, str], PlainSerializer(hidden, when_used="json")]
"""Variables of a process: whole in memory, without secrets in any JSON."""
