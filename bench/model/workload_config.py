"""What users write: workload files, checked key by key; see bench.model.config."""

from __future__ import annotations

from typing import Annotated, Any, Final, Self

from pydantic import (
    ConfigDict,
    Field,
    JsonValue,
    SerializerFunctionWrapHandler,
    model_serializer,
    model_validator,
)

from bench.model.base import Model
from bench.model.fields import (
    Choices,
    ExpectedHeaders,
    IntRange,
    Method,
    RelativePath,
    SentHeaders,
    Title,
    UrlPath,
    ValueName,
    Whole,
)

_ONE_KEY: Final[dict[str, Any]] = {"minProperties": 1, "maxProperties": 1}


class Generator(Model):
    """How the values of one `{NAME}` are drawn: exactly one of `int` and `choice`.

    Attributes:
        int_range: `[low, high]`: a whole number, both ends included.
        choice: `[a, b]`: one of these texts or whole numbers.
    """

    model_config = ConfigDict(json_schema_extra=_ONE_KEY)

    int_range: IntRange | None = Field(default=None, alias="int")
    choice: Choices | None = None

    @model_validator(mode="after")
    def _one(self) -> Self:
        if (self.int_range is None) == (self.choice is None):
            raise ValueError("expected either int: [low, high] or choice: [a, b]")
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


class Expect(Model):
    """The response that a request must get.

    Attributes:
        status: the status code.
        json_value: compared by meaning: the order of keys does not count; or `same-as-body`.
        text: the exact body.
        headers: only those that are named are compared.
    """

    model_config = ConfigDict(json_schema_extra={"not": {"required": ["json", "text"]}})

    status: Whole = Field(default=200, ge=200, le=599)
    json_value: JsonValue = Field(default=None, alias="json")
    text: str | None = None
    headers: ExpectedHeaders = {}

    @model_validator(mode="after")
    def _one_body(self) -> Self:
        if self.has_json and self.text is not None:
            raise ValueError("expected json or text, not both")
        return self

    @model_serializer(mode="wrap")
    def _only_set(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        return _without_unset_json(self, handler)

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
        values: what each `{NAME}` stands for: `{int: [low, high]}` or `{choice: [a, b]}`.
        expect: `status`; `json` (compared by meaning: the order of keys does not count) or
            `same-as-body`; `text` (exact); `headers` (those named). Default: status 200.
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
