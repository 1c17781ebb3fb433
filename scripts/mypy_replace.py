"""For mypy: `value.replace(name=...)` of a model takes its fields, each with its type."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mypy.nodes import ARG_NAMED_OPT, Var
from mypy.plugin import Plugin
from mypy.types import Instance, get_proper_type

if TYPE_CHECKING:
    from collections.abc import Callable

    from mypy.plugin import MethodSigContext
    from mypy.types import CallableType


class _Replace(Plugin):
    def get_method_signature_hook(
        self, fullname: str
    ) -> Callable[[MethodSigContext], CallableType] | None:
        # mypy names the class it is called on, which has the method from `Model`.
        return _by_field if fullname.endswith(".replace") else None


def _by_field(context: MethodSigContext) -> CallableType:
    model = get_proper_type(context.type)
    if not isinstance(model, Instance) or not model.type.has_base("bench.model.base.Model"):
        return context.default_signature
    fields = model.type.metadata["pydantic-mypy-metadata"]["fields"]
    nodes = {name: symbol.node for name in fields if (symbol := model.type.get(name))}
    types = {n: node.type for n, node in nodes.items() if isinstance(node, Var) and node.type}
    return context.default_signature.copy_modified(
        arg_types=list(types.values()),
        arg_kinds=[ARG_NAMED_OPT] * len(types),
        arg_names=list(types),
    )


def plugin(version: str) -> type[Plugin]:  # noqa: ARG001 - mypy calls it so
    """What mypy asks for."""
    return _Replace
