"""What users write: workload files, checked key by key; see bench.model.config."""

from __future__ import annotations

import re
from typing import Annotated, Any, Final, Self

from pydantic import (
    AfterValidator,
    ConfigDict,
    Field,
    JsonValue,
    SerializerFunctionWrapHandler,
    model_serializer,
    model_validator,
)

from bench.model import field_schemas as schemas
from bench.model.base import GrownModel, Model
from bench.model.fields import (
    Choices,
    Duration,
    ExpectedHeaders,
    HeaderName,
    IntRange,
    Method,
    RelativePath,
    SentHeaders,
    Size,
    Text,
    Title,
    UrlPath,
    ValueName,
    Whole,
)

_HEX_64: Final = re.compile(r"[0-9a-f]{64}")


def _sha256(text: str) -> str:
    if not _HEX_64.fullmatch(text):
        raise ValueError("expected 64 digits 0-9a-f, as `shasum -a 256 FILE` prints them")
    return text


Sha256 = Annotated[str, AfterValidator(_sha256), schemas.SHA256]

RANDOM_MAX: Final = 8_000_000
"""Bytes of one random value: a load process holds several requests in memory."""

_ONE_KEY: Final[dict[str, Any]] = {"minProperties": 1, "maxProperties": 1}


class Generator(GrownModel):
    """How the values of one `{NAME}` are drawn: exactly one of `int`, `choice` and `random`.

    Attributes:
        int_range: `[low, high]`: a whole number, both ends included.
        choice: `[a, b]`: one of these texts or whole numbers.
        random: such as `100KB`: so many random bytes, for `body` alone; `{NAME:sha256}` in
            `expect` is their hash.
    """

    model_config = ConfigDict(json_schema_extra=_ONE_KEY)

    int_range: IntRange | None = Field(default=None, alias="int")
    choice: Choices | None = None
    random: Size | None = Field(default=None, le=RANDOM_MAX)

    @classmethod
    def grown(cls) -> tuple[str, ...]:
        """Names of the fields that came later."""
        return ("random",)

    @model_validator(mode="after")
    def _one(self) -> Self:
        if sum(one is not None for one in (self.int_range, self.choice, self.random)) != 1:
            raise ValueError("expected one of int: [low, high], choice: [a, b], random: SIZE")
        return self


class BodyConfig(Model):
    """A request body: exactly one of file, text, json, lines.

    Attributes:
        file: a file whose content is sent as it is.
        text: sent as it stands.
        json_value: any value; sent without blanks, keys in the order of the file.
        lines: a file with one body per line, drawn at random.
    """

    model_config = ConfigDict(json_schema_extra=_ONE_KEY)

    file: RelativePath | None = None
    text: str | None = None
    json_value: JsonValue = Field(default=None, alias="json")
    lines: RelativePath | None = None

    @model_validator(mode="after")
    def _one(self) -> Self:
        if len(self.model_fields_set) != 1:
            raise ValueError("expected exactly one of file, text, json, lines")
        return self

    @model_serializer(mode="wrap")
    def _only_set(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        return _without_unset_json(self, handler)


_BODY_FORMS: Final = ("json", "text", "sha256", "events")
_GROWN: Final = ("sha256", "contains", "events", "has_headers", "min_time", "min_stream")
"""Keys of `expect` that came later: without them a workload has the hash that it always had."""


class Expect(Model):
    """The response that a request must get.

    Attributes:
        status: the status code.
        json_value: compared by meaning: the order of keys does not count; or `same-as-body`.
        text: the exact body.
        sha256: the hash of the body, unpacked where it comes packed (gzip, deflate, br, zstd).
        contains: each of these texts stands somewhere in the body.
        events: the data of every server-sent event, in order.
        headers: only those that are named are compared.
        has_headers: headers that are there, whatever their value.
        min_time: no answer is complete earlier than this after its request was sent. Asked
            under load too: an earlier answer, or more of them than the connections can carry,
            makes a trial invalid.
        min_stream: from the first byte of the body to its end takes at least this long: an
            answer that is held back and sent at once does not.
    """

    model_config = ConfigDict(
        json_schema_extra={
            "allOf": [
                {"not": {"required": [one, other]}}
                for number, one in enumerate(_BODY_FORMS)
                for other in _BODY_FORMS[number + 1 :]
            ]
        }
    )

    status: Whole = Field(default=200, ge=200, le=599)
    json_value: JsonValue = Field(default=None, alias="json")
    text: str | None = None
    sha256: Sha256 | None = None
    contains: list[Text] = []
    events: list[str] = []
    headers: ExpectedHeaders = {}
    has_headers: list[HeaderName] = []
    min_time: Duration | None = None
    min_stream: Duration | None = None

    @model_validator(mode="after")
    def _one_body(self) -> Self:
        forms = (self.has_json, self.text is not None, self.sha256 is not None, bool(self.events))
        if sum(forms) > 1:
            raise ValueError("expected one of json, text, sha256, events")
        return self

    @model_serializer(mode="wrap")
    def _only_set(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        dumped = _without_unset_json(self, handler)
        for name in _GROWN:
            if not getattr(self, name):
                dumped.pop(name, None)
        return dumped

    @property
    def has_body(self) -> bool:
        """Whether anything is expected of the body."""
        return (
            self.has_json
            or self.text is not None
            or bool(self.sha256 or self.contains or self.events)
        )

    @property
    def has_json(self) -> bool:
        """Whether a JSON value is expected at all (null is a value)."""
        return "json_value" in self.model_fields_set


def _without_unset_json(
    model: BodyConfig | Expect, handler: SerializerFunctionWrapHandler
) -> dict[str, Any]:
    """Dump so that a JSON null that was written differs from one that was not."""
    dumped: dict[str, Any] = handler(model)
    if "json_value" in model.model_fields_set:
        return dumped
    return {key: value for key, value in dumped.items() if key not in ("json_value", "json")}


class Then(Model):
    """A GET that is asked right after a request when answers are verified; no part of the load.

    Attributes:
        path: may hold the `{NAME}` of the request's values.
        expect: the answer that it must get, as for a request.
    """

    path: UrlPath
    expect: Expect = Expect()


class RequestConfig(Model):
    """One kind of request in a workload.

    Attributes:
        weight: its share of all requests.
        method: in capitals.
        path: may hold `{NAME}`.
        headers: sent besides those that the load tool needs; `host` too, for servers that
            answer only to a name.
        body: one of `file: PATH`, `text: "..."`, `json: {...}`, `lines: PATH` (one body per
            line, drawn at random).
        values: what each `{NAME}` stands for: `{int: [low, high]}`, `{choice: [a, b]}`, or
            `{random: 100KB}`: random bytes for the body, with their hash as `{NAME:sha256}`.
        expect: the answer that it must get, see below. Default: status 200.
        then: `{path, expect}`: asked right after it, with the same values, when answers are
            verified, so that what was written is read again. Default: nothing.
    """

    weight: Whole = Field(default=1, ge=1, le=10_000)
    method: Method = "GET"
    path: UrlPath
    headers: SentHeaders = {}
    body: BodyConfig | None = None
    values: dict[ValueName, Generator] = {}
    expect: Expect = Expect()
    then: Then | None = None


class WorkloadConfig(Model):
    """A **workload**: the requests, and the response that each must get.

    Attributes:
        title: shown in reports. Default: the name of the file.
        requests: one or more kinds of request.
        lua: a wrk script of your own, which runs inside ours.
    """

    title: Title = ""
    requests: Annotated[list[RequestConfig], Field(min_length=1, max_length=100)]
    lua: RelativePath | None = None
