"""The sentences of one finding as templates, and how their figures are written."""

from __future__ import annotations

from string import Formatter
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from bench.reports.wording.verdict_words import percent
from bench.units import format_percent

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    Values = Mapping[str, Any]
    Template = str | Callable[[Values], str]

_GIB: Final = 2**30
_FORMS: Final[dict[str, Callable[[Any], str]]] = {
    "percent": percent,
    "signed": lambda share: percent(share, sign=True),
    "share": format_percent,
    "gib": lambda size: f"{size / _GIB:.1f} GiB",
    "whole_gib": lambda size: f"{size / _GIB:.0f}",
    "first": lambda name: str(name).partition("+")[0],
}
"""Format after the colon of a field -> how the figure is written."""


class Words(NamedTuple):
    """What is said of one kind of finding.

    Each part is a template with the names of the finding's figures, or a function of them
    where the sentence depends on them; "" = nothing is said.

    Attributes:
        text: what was seen.
        advice: what to do about it.
        why: what it does to a measurement.
        undo: the command that takes the advised change back.
    """

    text: Template
    advice: Template = ""
    why: Template = ""
    undo: Template = ""


class _Figures(Formatter):
    def format_field(self, value: Any, format_spec: str) -> str:
        form = _FORMS.get(format_spec)
        return form(value) if form else str(super().format_field(value, format_spec))


_FORMATTER: Final = _Figures()


def fill(template: Template, values: Values) -> str:
    """The sentence with its figures.

    Raises:
        LookupError: a figure of the template is not among the values.
        TypeError: a figure is None or of another type than the template takes.
        ValueError: the same, for text where a number is needed.
    """
    return (
        _FORMATTER.vformat(template, (), values) if isinstance(template, str) else template(values)
    )
