"""JSON Schema of the files that users write, for editors, and their keys in words, for docs.

All of it comes from the models and their docstrings; nothing is written twice.
"""

from __future__ import annotations

import inspect
import json
import re
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from pydantic import BaseModel, RootModel
from pydantic.json_schema import GenerateJsonSchema

from bench.loadtools import TOOLS
from bench.model import field_schemas
from bench.model.config import MatrixConfig
from bench.model.machines import MachinesConfig
from bench.model.server_config import ServerConfig
from bench.model.workload_config import WorkloadConfig
from bench.units import format_duration

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pydantic.fields import FieldInfo
    from pydantic.json_schema import JsonSchemaValue
    from pydantic_core import core_schema

FILES: Final[Mapping[str, type[BaseModel]]] = {
    "matrix": MatrixConfig,
    "workload": WorkloadConfig,
    "server": ServerConfig,
}
"""Kind of file of a project -> its model."""

KINDS: Final[Mapping[str, type[BaseModel]]] = {**FILES, "machines": MachinesConfig}
"""The same with the user's own file of machines, which belongs to no project."""

FOLDER: Final = PurePosixPath(".bench", "schema")
"""Where a project keeps its schemas."""

_DRAFT: Final = "http://json-schema.org/draft-07/schema#"  # what all editors know
_HEADER: Final = "# yaml-language-server: $schema="
_DEFAULT: Final = re.compile(r"\bDefault: (.+)\.$")
_ENTRY: Final = re.compile(r"^    (\w+): (.+(?:\n {8}.+)*)", re.MULTILINE)


class Key(NamedTuple):
    """A key of a file in words.

    Attributes:
        name: as written.
        default: what holds where it is missing; "required" where it may not be.
        meaning: a sentence or two, in Markdown.
    """

    name: str
    default: str
    meaning: str


def schema_text(kind: str) -> str:
    """The JSON Schema of a kind of file; the same text for the same version of `bench`."""
    made: dict[str, Any] = KINDS[kind].model_json_schema(schema_generator=_Generator)
    if kind == "matrix":  # the model does not know the registry of load tools
        tool = made["$defs"]["ProfileConfig"]["properties"]["tool"]
        tool["enum"] = list(TOOLS)
        tool.pop("default", None)
        made["properties"]["profiles"].pop("default", None)  # it says no tool: the loop's own
    head = {"$schema": _DRAFT, "$comment": "Made by `bench schema`; not to be edited."}
    return json.dumps({**head, **made}, indent=2, ensure_ascii=False) + "\n"


def schema_files() -> dict[PurePosixPath, str]:
    """All schemas, by their place in a project."""
    return {FOLDER / f"{kind}.json": schema_text(kind) for kind in FILES}


def schema_line(kind: str, place: PurePosixPath) -> str:
    """The first line of a file of that kind, which tells editors its schema."""
    up = "../" * (len(place.parts) - 1)
    return f"{_HEADER}{up}{FOLDER / kind}.json\n"


def keys(model: type[BaseModel]) -> tuple[Key, ...]:
    """The keys of a model in the order of its fields."""
    return tuple(_key(model, name) for name in model.model_fields)


def _key(model: type[BaseModel], name: str) -> Key:
    field = model.model_fields[name]
    text = descriptions(model)[name]
    said = _DEFAULT.search(text)
    if said:
        return Key(field.alias or name, said[1], text[: said.start()].strip())
    default = "required" if field.is_required() else _in_words(_written(field, field.default))
    return Key(field.alias or name, default, text)


def _in_words(default: Any) -> str:
    if default in (None, [], {}):
        return "none"
    if isinstance(default, dict):
        inner = ", ".join(f"{key}: {value}" for key, value in default.items())
        return f"`{{{inner}}}`"
    return str(default) if type(default) is int else f"`{_yaml(default)}`"


def _yaml(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def descriptions(model: type[BaseModel]) -> dict[str, str]:
    """What the docstring of a model says about its fields, by their names in Python."""
    found = _ENTRY.findall(inspect.cleandoc(model.__doc__ or "").partition("\nAttributes:\n")[2])
    return {name: " ".join(text.split()) for name, text in found}


def _written(field: FieldInfo, value: Any) -> Any:
    """A default as users would write it: `10s`, not 10.0."""
    if isinstance(value, BaseModel):
        fields = type(value).model_fields.items()
        pairs = {one.alias or key: _written(one, getattr(value, key)) for key, one in fields}
        return {key: inner for key, inner in pairs.items() if inner not in (None, {})}
    if isinstance(value, list):
        return [_written(field, one) for one in value]
    if {field_schemas.DURATION, field_schemas.WARMUP} & set(field.metadata):
        return format_duration(value)
    return f"{value * 100:g}%" if field_schemas.PERCENT in field.metadata else value


class _Generator(GenerateJsonSchema):
    """pydantic's generator, with what is written in place of what is read.

    No null is allowed: a key without a value is a slip everywhere but inside JSON.
    """

    def field_title_should_be_set(self, schema: Any) -> bool:  # noqa: ARG002 - pydantic's signature
        return False

    def nullable_schema(self, schema: core_schema.NullableSchema) -> JsonSchemaValue:
        return self.generate_inner(schema["schema"])

    def default_schema(self, schema: core_schema.WithDefaultSchema) -> JsonSchemaValue:
        return self.generate_inner(schema["schema"])

    def dict_schema(self, schema: core_schema.DictSchema) -> JsonSchemaValue:
        made = super().dict_schema(schema)
        return {**made, "additionalProperties": False} if "patternProperties" in made else made

    def model_schema(self, schema: core_schema.ModelSchema) -> JsonSchemaValue:
        model: type[BaseModel] = schema["cls"]
        made = super().model_schema(schema)
        made["title"] = model.__name__.removesuffix("Config")
        made["description"] = inspect.cleandoc(model.__doc__ or "").partition("\n\nAttributes:")[0]
        if issubclass(model, RootModel):  # keys of the user's own
            return made
        texts = descriptions(model)
        for name, field in model.model_fields.items():
            about = made["properties"][field.alias or name]
            about["description"] = texts[name]
            default = None if field.is_required() else _written(field, field.default)
            if default not in (None, "", [], {}):
                about["default"] = default
        return made
