"""Foreign text is harmless in each medium."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from bench.reports import escape
from bench.reports.blocks import Piece, Text, code, link, pieces, plain, strong

HOSTILE = (
    "<script>alert(1)</script>",
    "[click](javascript:alert(1))",
    "![x](https://example.invalid/x.png)",
    "https://example.invalid",
    "**bold** _em_ `code` ~~gone~~ $x$",
    "a | b",
    "&lt;b&gt; &#60;",
    "# heading",
    "> quote",
    "- item",
    "1. item",
    "[x] done",
    "<https://example.invalid>",
    "[ref]: https://example.invalid",
)
MARKDOWN = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])


def _inline_types(source: str) -> set[str]:
    tokens = MARKDOWN.parse(source)
    return {child.type for token in tokens for child in token.children or ()}


@pytest.mark.parametrize("text", HOSTILE)
def test_markdown_leaves_only_text(text: str) -> None:
    """A Markdown parser finds nothing but the same text."""
    tokens = MARKDOWN.parse(escape.markdown_paragraph(text))

    assert [token.type for token in tokens] == ["paragraph_open", "inline", "paragraph_close"]
    assert "".join(child.content for child in tokens[1].children or ()) == text


@given(st.text(st.characters(codec="utf-8"), max_size=60))
def test_markdown_never_becomes_markup(text: str) -> None:
    """Whatever the text is, no element but text comes of it."""
    found = _inline_types(f"x {escape.markdown(text)} x")

    assert found <= {"text", "text_special", "html_entity"}


@given(st.text(st.sampled_from("`| \\a"), max_size=12))
def test_code_span_holds_any_backticks(text: str) -> None:
    """A code span is as long as the text in it, whatever backticks it holds."""
    found = _inline_types(f"x {escape.markdown_code(text)} x")

    assert found <= {"text", "code_inline"}
    assert "code_inline" in found


@pytest.mark.parametrize("text", ["```", "a\n````\nb", ""])
def test_fence_is_longer_than_any_inside(text: str) -> None:
    """A code block ends where it should."""
    fence = escape.markdown_fence(text)
    tokens = MARKDOWN.parse(f"{fence}\n{text}\n{fence}\nafter")

    assert tokens[0].type == "fence"
    assert tokens[0].content.rstrip("\n") == text.rstrip("\n")


def test_control_characters_become_visible() -> None:
    """Escape sequences, bidirectional overrides and line breaks never reach a terminal."""
    assert escape.line("a\x1b[31m\u202eb\r\nc\x07") == "a\\x1b[31m\\u202eb c\\x07"


def test_lines_keep_layout_only() -> None:
    """Tabs and line breaks stay in blocks, nothing else does."""
    assert escape.lines("a\tb\r\nc\x1bd\x0c") == "a\tb\nc\\x1bd\\x0c"


def test_lone_surrogates_can_be_encoded() -> None:
    """Text from broken input does not stop a report."""
    assert escape.line("a\ud800b").encode() == b"a\\ud800b"


def test_numbers_and_names_stay_readable() -> None:
    """What is harmless is left alone: intervals, ids, underscores inside words."""
    for text in ("0.279x [0.271, 0.287]", "json-small.wrk-c50", "perf_event_paranoid", "a (b)"):
        assert escape.markdown(text) == text


def test_link_target_cannot_leave_its_link() -> None:
    """A target is a relative path whatever its characters."""
    assert escape.link_target("a b)(c") == "a%20b%29%28c"
    assert escape.link_target("javascript:alert(1)") == "javascript%3Aalert%281%29"


def test_neighboring_plain_pieces_are_escaped_as_one() -> None:
    """A link is not put together from two harmless halves."""
    assert escape.markdown_inline(("[a]", "(b)")) == "[a\\](b)"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a*b", "a\\*b"),
        (strong("a*b"), "**a\\*b**"),
        (("run ", code("a`b"), "."), "run ``a`b``."),
        ((link("x", "y z"),), "[x](y%20z)"),
    ],
)
def test_pieces_in_markdown(text: Text, expected: str) -> None:
    """Each style has its markup, with the text inside escaped."""
    assert escape.markdown_inline(text) == expected


def test_pieces_without_styles() -> None:
    """Plain text and the terminal drop the markup and keep the words; links show their path."""
    text: Text = (strong("a"), " b ", link("c", "d/e"))

    assert plain(text) == "a b c"
    assert escape.terminal_inline(text) == "a b d/e"
    assert pieces(Piece("a")) == (Piece("a"),)


def test_html_attribute_is_quoted() -> None:
    """Quotes and angles cannot end an attribute."""
    assert escape.html_attribute("\"><img src=x onerror='x'>\n") == (
        "&quot;&gt;&lt;img src=x onerror=&#x27;x&#x27;&gt; "
    )
