"""The base of every model: frozen, nothing unknown accepted."""

from __future__ import annotations

from typing import Any, ClassVar, Self

from pydantic import BaseModel, ConfigDict, SerializerFunctionWrapHandler, model_serializer

from bench.errors import INTERRUPTIONS

SCHEMA_VERSION = 1


class Model(BaseModel):
    """A value that never changes and refuses keys it does not know."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    def replace(self, **changes: Any) -> Self:
        """This value with other fields; they are checked by mypy (scripts/mypy_replace.py) only."""
        unknown = changes.keys() - type(self).model_fields.keys()
        if unknown:
            raise TypeError(f"{type(self).__name__} has no {', '.join(sorted(unknown))}")
        return self.model_copy(update=changes)

    def model_dump(self, **options: Any) -> dict[str, Any]:
        """As pydantic's, and never interrupted.

        What is raised in a serializer becomes a PydanticSerializationError there, Ctrl-C too.
        """
        with INTERRUPTIONS:
            return super().model_dump(**options)

    def model_dump_json(self, **options: Any) -> str:
        """As pydantic's, and never interrupted; see `model_dump`."""
        with INTERRUPTIONS:
            return super().model_dump_json(**options)


class GrownModel(Model):
    """A model of files that got fields since; those that have their default are left out of JSON.

    So what an older version wrote stays the same bytes when it is written again.
    """

    GROWN: ClassVar[tuple[str, ...]] = ()
    """Names of the fields that came later."""

    @model_serializer(mode="wrap")
    def _without_unused(self, dump: SerializerFunctionWrapHandler) -> dict[str, Any]:
        data: dict[str, Any] = dump(self)
        for name in self.grown():
            if getattr(self, name) == type(self).model_fields[name].default:
                data.pop(name, None)
        return data

    @classmethod
    def grown(cls) -> tuple[str, ...]:
        """Names of the fields that came later."""
        return cls.GROWN
