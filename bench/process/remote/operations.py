"""What an agent can be asked for: functions that carry a mark, named by their module.

A higher room registers one by its mark alone; the agent imports the module when it is asked::

    @operation
    def free_port(agent: Agent, *, address: str) -> int:
        ...

    machine.call(free_port, address="10.0.0.2")

Arguments and results are plain data: None, numbers, text, bytes, lists, tuples and dicts of them.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any, Concatenate, Final, ParamSpec, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

    from bench.process.remote.agent import Agent

P = ParamSpec("P")
R = TypeVar("R")
_MARK: Final = "_bench_operation"


def operation(function: Callable[Concatenate[Agent, P], R]) -> Callable[Concatenate[Agent, P], R]:
    """Let an agent be asked for this function, which gets the agent as its first argument."""
    setattr(function, _MARK, True)
    return function


def operation_name(function: Callable[..., Any]) -> str:
    """How a function is named in a request: `bench.host.far:clock`."""
    return f"{function.__module__}:{function.__qualname__}"


def find_operation(name: str) -> Callable[..., Any]:
    """The function of that name.

    Raises:
        LookupError: there is no such function, or it does not carry the mark.
    """
    module, _, function = name.partition(":")
    found = getattr(importlib.import_module(module), function, None)
    if not getattr(found, _MARK, False):
        raise LookupError(f"{name} is not an operation")
    return found  # type: ignore[return-value] # the mark is set on functions only
