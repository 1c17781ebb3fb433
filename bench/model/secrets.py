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


def is_secret(name: str) -> bool:
    """Whether a variable of that name is likely to hold a secret."""
    return bool(_SECRET.search(name))


def hidden(env: Mapping[str, str]) -> dict[str, str]:
    """The variables in their order; secrets become `***`."""
    return {name: HIDDEN if is_secret(name) else value for name, value in env.items()}


def hidden_words(argv: Iterable[str]) -> tuple[str, ...]:
    """A command line in which the values of `TOKEN=...` and `--api-key=...` are `***`."""
    return tuple(_SETTING.sub(_hidden_setting, word) for word in argv)


def _hidden_setting(found: re.Match[str]) -> str:
    dashes, name, _ = found.groups()
    return f"{dashes}{name}={HIDDEN}" if is_secret(name.replace("-", "_")) else found.group()


Environment = Annotated[dict[str, str], PlainSerializer(hidden, when_used="json")]
"""Variables of a process: whole in memory, without secrets in any JSON."""
