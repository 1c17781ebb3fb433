"""The tables of docs/formats.md and the glossary are what the models say."""

from __future__ import annotations

from scripts import formats


def test_tables_agree_with_the_models() -> None:
    """`just formats` would change nothing; it has one table of each model."""
    text = formats.DOCUMENT.read_text(encoding="utf-8")

    assert formats.renewed(text) == text, "run: scripts/just formats"
    assert sorted(formats.tables(text)) == sorted(formats.MODELS)


def test_who_answers_what_is_as_the_servers_say() -> None:
    """`just formats` would change nothing in docs/servers.md, which has each reason."""
    text = formats.SERVERS.read_text(encoding="utf-8")

    assert formats.renewed_servers(text) == text, "run: scripts/just formats"
    assert "| `stream` | yes" in text
    assert "Go net/http, `static-gzip`: net/http compresses no answers." in text


def test_a_slip_is_mended() -> None:
    """A table that was changed by hand becomes again what the model says."""
    text = formats.DOCUMENT.read_text(encoding="utf-8")
    row = next(line for line in text.splitlines() if line.startswith("| `rounds` | 5 |"))
    slip = text.replace(row, "| `rounds` | 50 | how many |")

    assert slip != text
    assert formats.renewed(slip) == text


def test_the_glossary_is_the_docstrings() -> None:
    """`just formats` would change nothing, and each word that the house uses is explained once."""
    assert formats.GLOSSARY.read_text(encoding="utf-8") == formats.glossary()
    assert set(formats.words()) == {
        "A/A copy",
        "arm",
        "baseline",
        "cell",
        "estimate",
        "finding",
        "load profile",
        "load tool",
        "matrix",
        "offered rate",
        "response time",
        "round",
        "run",
        "sample",
        "server",
        "service time",
        "target",
        "throughput",
        "trial",
        "validity",
        "verdict",
        "workload",
    }
