"""JSON Schema of the values in bench.model.fields, for editors: what users write.

Looser than the validators, which have the last word, and never stricter.
"""

from __future__ import annotations

from typing import Any, Final

from pydantic import WithJsonSchema

_QUANTITY: Final = r"^\s*\d+(\.\d+)?"
_ABOVE_ZERO: Final = r"^(?=.*[1-9])\s*\d+(\.\d+)?"
_NAME: Final = r"^(?!.*\.\.)[a-z0-9][a-z0-9._-]*$"
_COUNT_MAX: Final = 1024


def _text(pattern: str, *examples: str, **more: Any) -> WithJsonSchema:
    shown = {"examples": list(examples)} if examples else {}
    return WithJsonSchema({"type": "string", "pattern": pattern, **shown, **more})


WARMUP: Final = _text(_QUANTITY + r"(us|ms|s|m|h)\s*$", "0s", "2s")
DURATION: Final = _text(_ABOVE_ZERO + r"(us|ms|s|m|h)\s*$", "500ms", "10s", "2m")
SIZE: Final = _text(_ABOVE_ZERO + r" ?(B|KB|MB|GB)\s*$", "500B", "4KB", "64MB")
PERCENT: Final = _text(_ABOVE_ZERO + r" ?%\s*$", "2%", "0.5%")
IDENTIFIER: Final = _text(_NAME, maxLength=64)
PROFILE_ID: Final = _text(r"^[a-z0-9][a-z0-9_-]*$", maxLength=64)
DEPENDENCY: Final = _text(r"^@?[A-Za-z0-9].*(==|@)[A-Za-z0-9]", "spikard==0.17.1")
GIT_REF: Final = _text(r"\S", "main", maxLength=250)
URL_PATH: Final = _text(r"^/[^ #\\]*$")
RELATIVE_PATH: Final = _text(r"^[^/~\\][^\\]*$")
SERVER_URL: Final = _text(r"^http://[^/]+/?$", "http://127.0.0.1:3000")
SHA256: Final = _text(r"^[0-9a-f]{64}$")
SSH_NAME: Final = _text(r"^[^-\s][^\s]*$", "server-box", "me@10.0.0.2", "local")
ADDRESS: Final = _text(r"^[^\s/]+$", "10.0.0.2")
METHOD: Final = _text(r"^[A-Z]{1,16}$", "GET", "POST")
VALUE_NAME: Final = _text(r"^[a-z_][a-z0-9_]*$")
RATE: Final = WithJsonSchema(
    {
        "anyOf": [
            {"type": "number", "exclusiveMinimum": 0, "maximum": 10_000_000},
            PERCENT.json_schema,
        ],
        "examples": [2000, "50%"],
    }
)
PROMISE: Final = _text(
    r"^\s*(p50|p90|p95|p99|p99\.9|mean|max)\s*<\s*\d+(\.\d+)?(us|ms|s|m|h)\s*$",
    "p99<10ms",
    "mean<2ms",
)
SHARES: Final = WithJsonSchema(
    {
        "type": "array",
        "items": PERCENT.json_schema,
        "minItems": 1,
        "maxItems": 100,
        "uniqueItems": True,
        "examples": [["10%", "50%", "90%"]],
    }
)
PROCESSES: Final = WithJsonSchema(
    {"anyOf": [{"const": "auto"}, {"type": "integer", "minimum": 1, "maximum": _COUNT_MAX}]}
)
CPUS: Final = WithJsonSchema(
    {
        "anyOf": [
            {"const": "auto"},
            {"type": "integer", "minimum": 1},
            {
                "type": "array",
                "items": {"type": "integer", "minimum": 0},
                "minItems": 1,
                "uniqueItems": True,
            },
        ],
        "examples": ["auto", 2, [0, 1]],
    }
)
INT_RANGE: Final = WithJsonSchema(
    {
        "type": "array",
        "items": {"type": "integer"},
        "minItems": 2,
        "maxItems": 2,
        "examples": [[1, 100]],
    }
)
CHOICES: Final = WithJsonSchema(
    {
        "type": "array",
        "items": {"type": ["string", "integer"]},
        "minItems": 1,
        "examples": [["a", "b"]],
    }
)
WORKLOAD_CHOICE: Final = WithJsonSchema(
    {"anyOf": [{"const": "all"}, {"type": "array", "items": {"type": "string"}, "minItems": 1}]}
)
SERVICES: Final = WithJsonSchema(
    {
        "anyOf": [
            {"type": "array", "items": {"const": "postgres"}, "uniqueItems": True},
            {
                "type": "object",
                "properties": {"postgres": WORKLOAD_CHOICE.json_schema},
                "additionalProperties": False,
            },
        ],
        "examples": [["postgres"], {"postgres": ["db-read"]}],
    }
)
ENV: Final = WithJsonSchema(
    {
        "type": "object",
        "propertyNames": {"pattern": r"^[A-Za-z_][A-Za-z0-9_]*$"},
        "additionalProperties": {"type": "string"},
    }
)
HEADERS: Final = WithJsonSchema(
    {
        "type": "object",
        "propertyNames": {"pattern": r"^[!#$%&'*+.^_`|~0-9A-Za-z-]+$"},
        "additionalProperties": {"type": "string"},
    }
)
