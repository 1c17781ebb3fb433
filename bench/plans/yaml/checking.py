"""Checks a document against a model and says each fault in plain words, never in pydantic's."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final, TypeVar, get_args, get_origin

from pydantic import BaseModel, RootModel, ValidationError

from bench.errors import nearest
from bench.plans.yaml.advice import type_advice, value_advice
from bench.plans.yaml.spelling import shown, spelling

if TYPE_CHECKING:
    from pydantic.fields import FieldInfo
    from pydantic_core import ErrorDetails

    from bench.plans.yaml.document import Loc, YamlDocument

M = TypeVar("M", bound=BaseModel)

_TYPES: Final = {
    "string_type": "expected text",
    "int_type": "expected a whole number",
    "bool_type": "expected true or false",
    "list_type": "expected a list",
    "dict_type": "expected keys and values",
    "model_type": "expected keys and values",
    "model_attributes_type": "expected keys and values",
}
_BOUNDS: Final = {
    "greater_than_equal": ("at least", "ge"),
    "greater_than": ("more than", "gt"),
    "less_than_equal": ("at most", "le"),
    "less_than": ("less than", "lt"),
}


_LENGTHS: Final = {
    "too_short": "expected at least one entry",
    "too_long": "expected at most {max_length} entries",
    "string_too_short": "expected some text",
    "string_too_long": "expected at most {max_length} characters",
}
_NO_VALUE: Final = ("no value stands here", "write one or remove the key")


def check(model: type[M], document: YamlDocument) -> M | None:
    """Build the model from a document; None and problems in the document where it does not fit."""
    if not document.readable:
        return None
    result: M | None = None
    try:
        result = model.model_validate(document.data, by_alias=True, by_name=False)
    except ValidationError as error:
        for detail in error.errors(include_url=False):
            if document.full:
                break
            _report(model, document, detail)
    _report_nulls(document, (), document.data)
    return None if document.problems else result


def _report(model: type[BaseModel], document: YamlDocument, detail: ErrorDetails) -> None:
    loc = detail["loc"]
    if detail["type"] == "extra_forbidden":
        words = spelling(str(loc[-1]), _keys(model, loc[:-1]))
        document.add(loc, "unknown key", words)
    elif detail["type"] == "missing":
        document.add(loc, "this key is required and missing", line=document.line(loc[:-1]))
    else:
        place = _written(document.data, loc)
        message, advice = _words(place, detail, document.source(place))
        document.add(place, message, advice)


def _written(data: Any, loc: Loc) -> Loc:
    """The part of a place that stands in the file: `axum` for `{id: axum}` has no `id`."""
    for end, step in enumerate(loc):
        if isinstance(data, dict) and step in data:
            data = data[str(step)]
        elif isinstance(data, list) and isinstance(step, int):
            data = data[step]
        else:
            return loc[:end]
    return loc


def _words(loc: Loc, detail: ErrorDetails, source: str | None) -> tuple[str, str]:
    """What was expected and got, and advice; a number is shown as it was written."""
    kind, value = detail["type"], detail["input"]
    context: dict[str, Any] = detail.get("ctx", {})
    if value is None:
        return _NO_VALUE
    if kind in _TYPES:
        return f"{_TYPES[kind]}, got {source or shown(value)}", type_advice(
            loc, kind, value, source
        )
    if kind == "value_error":
        expected = str(context["error"])
        bare = isinstance(value, dict) or not expected.startswith("expected")
        got = "" if bare else f", got {source or shown(value)}"
        return f"{expected}{got}", value_advice(expected, value)
    if kind == "literal_error":
        return _literal(context["expected"], value, source)
    return _limit(kind, context, source or shown(value)), ""


def _literal(expected: str, value: Any, source: str | None) -> tuple[str, str]:
    choices = re.findall(r"'([^']*)'", expected)
    words = " or ".join([", ".join(choices[:-1]), choices[-1]] if choices[1:] else choices)
    near = nearest(value, choices) if isinstance(value, str) else None
    return (
        f"expected {words}, got {source or shown(value)}",
        f"did you mean {near}?" if near else "",
    )


def _limit(kind: str, context: dict[str, Any], got: str) -> str:
    if kind in _BOUNDS:
        word, key = _BOUNDS[kind]
        return f"expected {word} {context[key]}, got {got}"
    if kind in _LENGTHS:
        return _LENGTHS[kind].format(**context)
    return f"this value cannot stand here, got {got}"


def _keys(model: type[BaseModel], loc: Loc) -> list[str]:
    """The keys that may stand at a place."""
    here, free = model, False
    if issubclass(model, RootModel):  # its first step is a key of the user's own
        here, loc = _inner(model.model_fields["root"].annotation), loc[1:]
    for step in loc:
        field = None if free else _field(here, step)
        free = field is not None and get_origin(field.annotation) is dict
        here = _inner(field.annotation) if field is not None else here
    return [field.alias or name for name, field in here.model_fields.items()]


def _field(model: type[BaseModel], step: str | int) -> FieldInfo | None:
    fields = model.model_fields.items()
    return next((field for name, field in fields if step in (name, field.alias)), None)


def _is_model(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, BaseModel)


def _inner(annotation: Any) -> Any:
    """The model in an annotation such as `Annotated[list[Model], ...] | None`."""
    if _is_model(annotation):
        return annotation
    found = (_inner(part) for part in get_args(annotation))
    return next((part for part in found if _is_model(part)), None)


def _report_nulls(document: YamlDocument, loc: Loc, value: Any) -> None:
    """A key without a value is a slip everywhere but inside JSON."""
    if value is None:
        document.add(loc, *_NO_VALUE)
    elif isinstance(value, dict):
        for key, inner in value.items():
            if key != "json":
                _report_nulls(document, (*loc, key), inner)
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            _report_nulls(document, (*loc, index), inner)
