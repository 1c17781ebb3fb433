"""Sample Request/Response: real ones, as they were verified in this run."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Final

from bench.reports.blocks import Code, Heading, OnPage, Paragraph, code, strong
from bench.units import format_bytes

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bench.model.trial_record import Exchange
    from bench.reports.blocks import Block, Text
    from bench.reports.view import View


_PLAIN_ARRAY: Final = re.compile(r"\[\n\s+([^\[\]{}]{1,200})\n\s*\]")
_BREAK: Final = re.compile(r"\n\s+")


def sample_blocks(view: View) -> tuple[Block, ...]:
    """The first workload's exchange in full, the other kinds and workloads folded."""
    found = list(_exchanges(view))
    if not found:
        return ()
    (title, first), *rest = found
    blocks: list[Block] = [Heading("Sample Request/Response"), *_exchange(title, first)]
    if rest:
        more = tuple(block for name, item in rest for block in _exchange(name, item))
        blocks.append(OnPage(f"{len(rest)} more kinds of request", more))
    return tuple(blocks)


def _exchanges(view: View) -> Iterator[tuple[str, Exchange]]:
    """Per workload the exchanges of the first server that has some."""
    seen: set[str] = set()
    for group in view.groups:
        # An exchange without a method is a size that was told with imported results.
        known = ([x for x in e.detail.exchanges if x.method] for e in group.entries)
        found = next((exchanges for exchanges in known if exchanges), [])
        if found and group.workload not in seen:
            seen.add(group.workload)
            title = view.run.plan.workload_titles.get(group.workload, group.workload)
            yield from ((title, exchange) for exchange in found)


def _exchange(title: str, item: Exchange) -> list[Block]:
    head: Text = (strong("Request"), f" ({title}): ", code(f"{item.method} {item.path}"))
    blocks: list[Block] = [Paragraph(head)]
    if item.request_text:
        blocks.append(_body(item.request_text))
    echoed = item.request_text and _meaning(item.request_text) == _meaning(item.response_text)
    size = f"{item.status}, {format_bytes(item.response_bytes)}"
    if echoed:
        return [*blocks, Paragraph((strong("Response"), f" ({size}): the same JSON echoed back"))]
    blocks.append(Paragraph((strong("Response"), f" ({size}):")))
    return [*blocks, _body(item.response_text)] if item.response_text else blocks


def _body(text: str) -> Code:
    value = _meaning(text)
    if isinstance(value, dict | list):
        text = json.dumps(value, indent=2, ensure_ascii=False)
        return Code(_PLAIN_ARRAY.sub(_in_one_line, text), "json")
    return Code(text)


def _in_one_line(array: re.Match[str]) -> str:
    return f"[{_BREAK.sub(' ', array[1])}]"


def _meaning(text: str) -> object:
    """The JSON value, or the text itself where it is not JSON (as shortened bodies)."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text
