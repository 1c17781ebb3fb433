"""Sweeps of a matrix: each profile once per number of connections, and of server CPUs."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import AfterValidator, ConfigDict, Field, model_validator

from bench.model.base import Model
from bench.model.fields import Whole

Swept = Literal["connections", "server_cpus"]
"""What a sweep varies."""


def _once(values: list[int]) -> list[int]:
    if len(set(values)) < len(values):
        raise ValueError("expected each value once")
    return values


_Connections = Annotated[
    list[Annotated[Whole, Field(ge=1, le=100_000)]],
    Field(min_length=1, max_length=100),
    AfterValidator(_once),
]
_Cpus = Annotated[
    list[Annotated[Whole, Field(ge=1, le=4096)]],
    Field(min_length=1, max_length=100),
    AfterValidator(_once),
]


class SweepConfig(Model):
    """Where does a server stop scaling: each profile once per value.

    Attributes:
        connections: such as `[1, 8, 64, 512]`, in place of those of the profile.
        server_cpus: such as `[1, 2, 4]`: how many of the server's CPUs it gets; more than there
            are are left out, and said.
    """

    model_config = ConfigDict(json_schema_extra={"minProperties": 1})

    connections: _Connections | None = None
    server_cpus: _Cpus | None = None

    @model_validator(mode="after")
    def _some(self) -> Self:
        if not self.model_fields_set:
            raise ValueError("expected connections or server_cpus, such as connections: [1, 8, 64]")
        return self
