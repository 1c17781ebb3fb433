"""Variants of a matrix: arms of one server by ref, dependency or environment; makes none."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from bench.errors import ConfigError, Problem
from bench.model.config import Variant
from bench.model.fields import is_identifier
from bench.plans.yaml.document import key_of
from bench.plans.yaml.file_rules import OF_PROTOCOLS, PLACEHOLDERS, check_known, check_placeholders

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bench.plans.project import Project
    from bench.plans.yaml.document import Loc, YamlDocument


def variants_in(data: dict[str, Any]) -> Iterator[tuple[Loc, Variant]]:
    """The variants of a document that can be read at all, with their places."""
    listed = data.get("variants")
    for index, entry in enumerate(listed if isinstance(listed, list) else ()):
        try:
            yield ("variants", index), Variant.model_validate(entry, by_alias=True, by_name=False)
        except ValidationError:
            continue  # reported with the whole document


def check_variants(document: YamlDocument, project: Project | None) -> None:
    """Report what a model cannot see: names too long, braces, servers that are not there."""
    for loc, variant in variants_in(document.data):
        check_placeholders(document, (*loc, "env"), variant.env, (*PLACEHOLDERS, *OF_PROTOCOLS))
        if not is_identifier(variant.place):
            message = f"{variant.place} is too long for the name of an arm"
            document.add(loc, message, "give it a short one: as: NAME")
        if project is not None:
            check_known(document, (*loc, "id"), "server", variant.id, project.servers)


def variant_error(
    document: YamlDocument, index: int, key: str, message: str, advice: str
) -> ConfigError:
    """What went wrong when a variant was made, under its line in the matrix."""
    loc = ("variants", index, key)
    return ConfigError([Problem(document.file, document.line(loc), key_of(loc), message, advice)])
