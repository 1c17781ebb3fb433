"""The kinds of value that a user's file may hold, each with the words for what it expects.

Durations are seconds, sizes are bytes, shares are fractions once they are here.
"""

from __future__ import annotations

import hashlib
import math
import re
from typing import Annotated, Any, Final

from packaging.specifiers import InvalidSpecifier, Specifier
from pydantic import AfterValidator, BeforeValidator, Field, PlainSerializer

from bench.model import field_schemas as schemas
from bench.model.base import Model
from bench.model.secrets import hidden
from bench.model.target import Target
from bench.units import DAY_S, parse_duration, parse_percent, parse_size

_ID: Final = re.compile(r"[a-z0-9][a-z0-9._-]*")
_ID_MAX: Final = 64
_ARM_MAX: Final = 40
_REF_MAX: Final = 250
DEPENDENCY: Final = re.compile(
    r"(@?[A-Za-z0-9][A-Za-z0-9._/\-\[\]]*?)(?:==|@)([A-Za-z0-9][\w.+!\-]*)"
)
"""A version of a dependency: `spikard==0.17.1`, also `spikard@0.17.1`; two groups."""

_NAME: Final = re.compile(r"[a-z_][a-z0-9_]*")
_ENV_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_HEADER_NAME: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_METHOD: Final = re.compile(r"[A-Z]{1,16}")
_URL: Final = re.compile(r"http://([A-Za-z0-9](?:[A-Za-z0-9.-]*)|\[[0-9A-Fa-f:.]+\])(:\d{1,5})?/?")
_UNIT_MAX: Final = 32
_SIZE_MAX: Final = 10**15
_TEXT_MAX: Final = 10_000


def _identifier(text: str) -> str:
    if not _ID.fullmatch(text) or ".." in text:
        raise ValueError("expected lower-case letters, digits, '-', '_' or '.', such as json-small")
    if len(text) > _ID_MAX:
        raise ValueError(f"expected at most {_ID_MAX} characters")
    return text


def _profile_id(text: str) -> str:
    """No dots: `<trial>.2` is the re-run of a trial, and a profile's id ends a trial's."""
    if "." in _identifier(text):
        raise ValueError("expected lower-case letters, digits, '-' or '_', such as wrk-c50")
    return text


def is_identifier(text: str) -> bool:
    """Whether a text can be the id of a server, workload, matrix or profile."""
    return bool(_ID.fullmatch(text)) and ".." not in text and len(text) <= _ID_MAX


def arm_name(text: str) -> str:
    """A name in tables of a ref or version: `feature/X` becomes `feature-x`."""
    plain = re.sub(r"[^a-z0-9._]+", "-", text.lower().replace("==", "-"))
    name = re.sub(r"\.\.+", ".", plain).strip("-._")[:_ARM_MAX]
    return name if is_identifier(name) else f"arm-{hashlib.sha256(text.encode()).hexdigest()[:6]}"


def _dependency(text: str) -> str:
    if not DEPENDENCY.fullmatch(text):
        raise ValueError("expected NAME==VERSION, such as spikard==0.17.1")
    return text


def _git_ref(text: str) -> str:
    if not text.strip() or len(text) > _REF_MAX:
        raise ValueError("expected a branch, tag or commit, such as main")
    return _no_control(text)


def _duration(value: Any) -> float:
    """Seconds of `10s`; a longer text is refused unread: it may not fit a float."""
    return parse_duration(value if not isinstance(value, str) or len(value) <= _UNIT_MAX else "")


def _size(value: Any) -> int:
    size = parse_size(value if not isinstance(value, str) or len(value) <= _UNIT_MAX else "")
    if not 0 < size < _SIZE_MAX:
        raise ValueError("expected a size above 0B and below 1000000GB")
    return size


def _percent(value: Any) -> float:
    return parse_percent(value if not isinstance(value, str) or len(value) <= _UNIT_MAX else "")


def _above_zero(value: float) -> float:
    if not value > 0:
        raise ValueError("expected a duration above 0s")
    return value


def _within_a_day(value: float) -> float:
    if not value <= DAY_S:
        raise ValueError("expected a duration of at most 24h")
    return value


def _seconds(value: float) -> str:
    """Seconds in the form that users write, so that a dumped model can be read again."""
    return f"{value:.9f}".rstrip("0").rstrip(".") + "s"


def _share(value: float) -> float:
    if not 0 < value < 1:
        raise ValueError("expected a percentage above 0% and below 100%")
    return value


class Rate(Model):
    """An **offered rate**: requests per second, or a share of the slowest server's capacity."""

    rps: float | None = None
    share: float | None = Field(default=None, gt=0, le=1)


def _rate(value: Any) -> Any:
    """`2000` stays a number of requests per second, `50%` becomes a share."""
    if value is None or isinstance(value, Rate):
        return value
    if isinstance(value, str) and value.strip().endswith("%"):
        share = _percent(value)
        if not 0 < share <= 1:
            raise ValueError("expected a share above 0% and up to 100%")
        return {"share": share}
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError("expected requests per second such as 2000, or a share such as 50%")
    if not (math.isfinite(value) and 0 < value <= _RATE_MAX):
        raise ValueError(f"expected a rate above 0 and up to {_RATE_MAX} requests per second")
    return {"rps": float(value)}


_RATE_MAX: Final = 10_000_000


def _processes(value: Any) -> Any:
    if value in ("auto", None):
        return None
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= _PROCESSES_MAX:
        raise ValueError(f"expected auto or a whole number from 1 to {_PROCESSES_MAX}")
    return value


_PROCESSES_MAX: Final = 1024


def _is_cpu(value: Any, low: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and low <= value < _CPU_MAX


_CPU_MAX: Final = 65_536


def _cpus(value: Any) -> Any:
    if value in ("auto", None):
        return None
    listed = isinstance(value, list) and bool(value) and all(_is_cpu(cpu, 0) for cpu in value)
    if not listed and not _is_cpu(value, 1):
        raise ValueError("expected auto, a number of CPUs such as 2, or a list such as [0, 1]")
    if listed and len(set(value)) < len(value):
        raise ValueError("expected each CPU once")
    return value


def _no_control(text: str) -> str:
    if any(ord(char) < 0x20 or ord(char) == 0x7F for char in text):  # noqa: PLR2004 - ASCII control characters
        raise ValueError("expected text without control characters (no line breaks)")
    return text


def _argument(text: str) -> str:
    """A script given to `-c` may have lines; a NUL ends an argument and cannot stand in one."""
    if any(ord(char) < 0x20 and char not in "\n\t" for char in text):  # noqa: PLR2004 - the same
        raise ValueError("expected text without control characters")
    return text


def _command(words: list[str]) -> list[str]:
    if not words[0].strip():
        raise ValueError("expected the name of a program first")
    return words


def _env_name(text: str) -> str:
    if not _ENV_NAME.fullmatch(text):
        raise ValueError("expected a variable name of letters, digits and '_', such as PORT")
    return text


def _value_name(text: str) -> str:
    if not _NAME.fullmatch(text):
        raise ValueError("expected a name of lower-case letters, digits and '_', such as user_id")
    return text


def _header_name(text: str) -> str:
    if not _HEADER_NAME.fullmatch(text):
        raise ValueError("expected a header name such as content-type")
    return text


def _sent_header_name(text: str) -> str:
    if _header_name(text).lower() in _OWN_HEADERS:
        raise ValueError("this header is set by bench: remove it")
    return text


_OWN_HEADERS: Final = frozenset({"content-length", "transfer-encoding", "connection"})


def _header_value(text: str) -> str:
    try:
        _no_control(text).encode("latin-1")
    except UnicodeEncodeError:
        raise ValueError("expected a header value without characters beyond Latin-1") from None
    return text


def _method(text: str) -> str:
    if not _METHOD.fullmatch(text):
        raise ValueError("expected an HTTP method in capitals such as GET or POST")
    return text


def _path(text: str) -> str:
    if not text.startswith("/") or any(char in text for char in " #\\"):
        raise ValueError("expected a path that starts with / and has no blanks, '#' or backslash")
    if not text.isascii():
        raise ValueError("expected other characters than ASCII written as %XX")
    return _no_control(text)


def _relative(text: str) -> str:
    if not text.strip() or text.startswith(("/", "~")) or "\\" in text:
        raise ValueError("expected a path relative to this file")
    return _no_control(text)


def _pythons(text: str) -> str:
    problem = ValueError('expected versions of Python such as ">=3.11" or ">=3.11,<3.14"')
    try:
        clauses = [Specifier(part) for part in text.split(",")]
    except InvalidSpecifier:
        raise problem from None
    if any(clause.operator == "===" for clause in clauses):  # compares text: "===3.11" fits none
        raise problem
    return text


def _all_or_ids(value: Any) -> Any:
    listed = isinstance(value, list) and bool(value)
    if value == "all" or (listed and all(isinstance(one, str) for one in value)):
        return value
    raise ValueError("expected all, or a list of workloads such as [json-small]")


def _choices(value: Any) -> Any:
    fit = isinstance(value, list) and value and all(type(one) in (str, int) for one in value)
    if not fit:
        raise ValueError("expected a list of texts or whole numbers such as [a, b]")
    return value


def _int_range(value: Any) -> Any:
    fit = isinstance(value, list | tuple) and len(value) == 2 and all(type(n) is int for n in value)  # noqa: PLR2004 - low and high
    if not fit or value[0] > value[1]:
        raise ValueError("expected two whole numbers [low, high] with low <= high")
    return tuple(value)


def _server_url(text: str) -> str:
    """`http://host:port` and nothing else: bench asks for the workload's own paths."""
    expected = "expected an address such as http://127.0.0.1:3000, without a path"
    if not _URL.fullmatch(text):
        raise ValueError(expected)
    try:
        Target.of_url(text)  # knows which ports and IPv6 addresses there are
    except ValueError:
        raise ValueError(expected) from None
    return text.rstrip("/")


Whole = Annotated[int, Field(strict=True)]
Flag = Annotated[bool, Field(strict=True)]
Identifier = Annotated[str, AfterValidator(_identifier), schemas.IDENTIFIER]
Dependency = Annotated[str, AfterValidator(_dependency), schemas.DEPENDENCY]
GitRef = Annotated[str, AfterValidator(_git_ref), schemas.GIT_REF]
ProfileId = Annotated[str, AfterValidator(_profile_id), schemas.PROFILE_ID]
_Seconds = PlainSerializer(_seconds, return_type=str)
Duration = Annotated[
    float,
    BeforeValidator(_duration),
    AfterValidator(_above_zero),
    AfterValidator(_within_a_day),
    _Seconds,
    schemas.DURATION,
]
Warmup = Annotated[
    float,
    BeforeValidator(_duration),
    AfterValidator(_within_a_day),
    _Seconds,
    schemas.WARMUP,
]
Size = Annotated[
    int,
    BeforeValidator(_size),
    PlainSerializer(lambda count: f"{count}B", return_type=str),
    schemas.SIZE,
]
Percent = Annotated[float, BeforeValidator(_percent), AfterValidator(_share), schemas.PERCENT]
Title = Annotated[str, Field(max_length=_TEXT_MAX), AfterValidator(_no_control)]
Text = Annotated[str, Field(min_length=1, max_length=_TEXT_MAX), AfterValidator(_no_control)]
_HeaderValue = Annotated[str, AfterValidator(_header_value)]
_SentName = Annotated[str, AfterValidator(_sent_header_name)]
SentHeaders = Annotated[dict[_SentName, _HeaderValue], schemas.HEADERS]
HeaderName = Annotated[str, AfterValidator(_header_name)]
ExpectedHeaders = Annotated[dict[HeaderName, _HeaderValue], schemas.HEADERS]
Env = Annotated[
    dict[Annotated[str, AfterValidator(_env_name)], Annotated[str, AfterValidator(_no_control)]],
    PlainSerializer(hidden, when_used="json"),
    schemas.ENV,
]
UrlPath = Annotated[str, Field(max_length=_TEXT_MAX), AfterValidator(_path), schemas.URL_PATH]
RelativePath = Annotated[str, AfterValidator(_relative), schemas.RELATIVE_PATH]
Argv = Annotated[
    list[Annotated[str, AfterValidator(_argument)]], Field(min_length=1), AfterValidator(_command)
]
CpuChoice = Annotated[int | list[int] | None, BeforeValidator(_cpus), schemas.CPUS]
OfferedRate = Annotated[Rate | None, BeforeValidator(_rate), schemas.RATE]
Processes = Annotated[int | None, BeforeValidator(_processes), schemas.PROCESSES]
IntRange = Annotated[tuple[int, int], BeforeValidator(_int_range), schemas.INT_RANGE]
Method = Annotated[str, AfterValidator(_method), schemas.METHOD]
ServerUrl = Annotated[str, AfterValidator(_server_url), schemas.SERVER_URL]
Pythons = Annotated[str, AfterValidator(_pythons)]
ValueName = Annotated[str, AfterValidator(_value_name), schemas.VALUE_NAME]
Choices = Annotated[list[str | int], BeforeValidator(_choices), schemas.CHOICES]
WorkloadChoice = Annotated[str | list[str], BeforeValidator(_all_or_ids), schemas.WORKLOAD_CHOICE]
