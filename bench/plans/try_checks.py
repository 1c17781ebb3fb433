"""What `bench try` refuses, named by the option: the user has written no file."""

from __future__ import annotations

import contextlib
import re
from typing import TYPE_CHECKING, Final

from bench.errors import ConfigError, UsageError
from bench.plans.doctor_plans import by_option

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from bench.plans.first_answers import Request

_NO_BODY: Final = ("HEAD", "CONNECT")
_PATH_MAX: Final = 10_000
"""As in a workload."""
_OPTIONS: Final[Mapping[str, str]] = {
    "path": "--path",
    "method": "--method",
    "headers": "--header",
    "body": "--body",
    "connections": "--connections",
    "duration": "--duration",
    "warmup": "--warmup",
    "rounds": "--rounds",
}
"""Key of the workload or the matrix -> the option that it came from."""


@contextlib.contextmanager
def told_by_option(file: str) -> Iterator[None]:
    """Name problems of a file that `bench` wrote by the option that they came from.

    Raises:
        UsageError: in place of a ConfigError of that file.
    """
    try:
        yield
    except ConfigError as error:
        raise by_option(error, file, _OPTIONS) from None


def check_request(request: Request) -> None:
    """Refuse a path or method that cannot be sent.

    Raises:
        UsageError: it names the option.
    """
    path = request.path
    plain = path.isascii() and path.isprintable() and not set(path) & set(" {}#")
    if len(path) > _PATH_MAX:
        raise UsageError(f"--path: expected at most {_PATH_MAX} characters, got {len(path)}")
    if not path.startswith("/") or not plain:
        raise UsageError(
            f"--path {path!r}: expected a path such as /users?id=5",
            advice="other characters as %XX: %20 for a space",
        )
    if not re.fullmatch(r"[A-Z]{1,16}", request.method) or request.method in _NO_BODY:
        raise UsageError(
            f"--method {request.method!r}: expected one that is answered with a body, such as POST",
        )
