# ruff: noqa: INP001 - a script beside what it writes, not a package
"""Writes the request bodies of this folder anew, the same bytes each time; sends nothing.

Usage: `python configs/bodies/generate.py [FOLDER]`. Only the standard library.
"""

from __future__ import annotations

import json
import random
import sys
from pathlib import Path
from typing import Any

SMALL: dict[str, Any] = {
    "id": 12345,
    "name": "test_item",
    "active": True,
    "count": 42,
    "tags": ["tag1", "tag2", "tag3"],
}
MEDIUM_BYTES = 4_000
LARGE_BYTES = 40_000
PAGE_BYTES = 65_536
VARIED_LINES = 1_000
_SEED = 86
_HALF, _MOST = 0.5, 0.8
# An order has about 600 bytes: room for the last one, whose place the note takes.
_ROOM = 700

_NAMES = [
    "Ada",
    "Bo",
    "Chloé",
    "Dmitri",
    "Emeka",
    "Fatima",
    "Grace",
    "Håkon",
    "Inés",
    "Jun",
    "Kofi",
    "Lin",
    "Maya",
    "Noor",
    "Olga",
    "Raúl",
]
_CITIES = [
    "Lagos",
    "Oslo",
    "Kyoto",
    "Lima",
    "Pune",
    "Zürich",
    "Málaga",
    "Austin",
    "Hanoi",
    "Accra",
    "Gdańsk",
    "Porto",
]
_WORDS = [
    "blue",
    "small",
    "steel",
    "cotton",
    "folding",
    "compact",
    "wooden",
    "garden",
    "travel",
    "winter",
    "glass",
    "spare",
]
_THINGS = [
    "lamp",
    "chair",
    "kettle",
    "rucksack",
    "jacket",
    "notebook",
    "bottle",
    "charger",
    "bicycle",
    "blanket",
    "clock",
]
_NOTE = (
    "Leave the parcel with the neighbor on the second floor if nobody opens, "
    "and ring before six in the evening. "
)


def compact(value: Any) -> str:
    """JSON without blanks and without escapes for letters beyond ASCII."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def hundredths(rng: random.Random, low: int, high: int) -> float:
    """A number with exactly two decimals: no server can shorten 68.0 to 68 on its way back."""
    return (rng.randrange(low * 10, high * 10) * 10 + rng.randrange(1, 10)) / 100


def item(rng: random.Random) -> dict[str, Any]:
    """One line of an order."""
    return {
        "sku": f"{rng.choice('ABCDEF')}-{rng.randrange(10_000, 99_999)}",
        "title": f"{rng.choice(_WORDS)} {rng.choice(_THINGS)}",
        "quantity": rng.randrange(1, 9),
        "price": hundredths(rng, 1, 1_000),
        "in_stock": rng.random() < _MOST,
    }


def order(rng: random.Random, number: int) -> dict[str, Any]:
    """An order of a shop, about 600 bytes."""
    name = rng.choice(_NAMES)
    return {
        "id": 100_000 + number,
        "customer": {
            "id": rng.randrange(1, 100_000),
            "name": name,
            "email": f"user{rng.randrange(1, 100_000)}@example.com",
            "address": {
                "street": f"{rng.randrange(1, 200)} {rng.choice(_WORDS).title()} Street",
                "city": rng.choice(_CITIES),
                "postcode": f"{rng.randrange(10_000, 99_999)}",
                "location": [hundredths(rng, -90, 90), hundredths(rng, -180, 180)],
            },
        },
        "items": [item(rng) for _ in range(3)],
        "paid": rng.random() < _HALF,
        "coupon": rng.choice([None, "SPRING", "FRIEND10"]),
        "tags": rng.sample(_WORDS, 2),
    }


def orders(rng: random.Random, size: int) -> str:
    """A page of orders of exactly `size` bytes; its note takes up what is left over."""
    page: dict[str, Any] = {"page": 1, "note": "", "orders": []}
    while len(compact(page).encode()) < size - _ROOM:
        page["orders"].append(order(rng, len(page["orders"])))
    missing = size - len(compact(page).encode())
    page["note"] = (_NOTE * (missing // len(_NOTE) + 1))[:missing]
    return compact(page)


def page(rng: random.Random, size: int) -> str:
    """A page of orders in HTML of exactly `size` bytes: what a server has as a static file."""
    head = "<!doctype html>\n<meta charset=utf-8>\n<title>Orders</title>\n<table>\n"
    tail = "</table>\n"
    rows: list[str] = []
    while len((head + "".join(rows) + tail).encode()) < size - _ROOM:
        one = order(rng, len(rows))
        cells = (one["id"], one["customer"]["name"], one["customer"]["address"]["city"])
        titles = "; ".join(
            f"{i['quantity']} x {i['title']}, {i['price']:.2f}" for i in one["items"]
        )
        rows.append(
            "".join(f"<td>{cell}</td>" for cell in (*cells, titles)).join(("<tr>", "</tr>\n"))
        )
    text = head + "".join(rows) + tail
    missing = size - len(text.encode()) - len("<p>\n")
    return text + "<p>" + (_NOTE * (missing // len(_NOTE) + 1))[:missing] + "\n"


def varied(rng: random.Random, number: int) -> dict[str, Any]:
    """A small body of one of five shapes; `number` keeps each one different."""
    scores = [rng.randrange(1_000) for _ in range(5)]
    point = [rng.randrange(1_920), rng.randrange(1_080)]
    celsius = hundredths(rng, -30, 45)
    tags = rng.sample(_WORDS, 3)
    shapes: list[dict[str, Any]] = [
        {"id": number, "name": rng.choice(_NAMES), "active": rng.random() < _HALF, "tags": tags},
        {"order": number, "item": item(rng)},
        {"sensor": f"t-{number}", "celsius": celsius, "ok": True, "error": None},
        {"user": {"id": number, "city": rng.choice(_CITIES)}, "scores": scores},
        {"event": "click", "seq": number, "at": point, "text": _NOTE[: rng.randrange(10, 73)]},
    ]
    return shapes[number % len(shapes)]


def bodies() -> dict[str, str]:
    """Every file of this folder with its content."""
    rng = random.Random(_SEED)  # noqa: S311 - content of requests, nothing secret
    return {
        "small.json": compact(SMALL),
        "medium.json": orders(rng, MEDIUM_BYTES),
        "large.json": orders(rng, LARGE_BYTES),
        "varied.jsonl": "".join(f"{compact(varied(rng, n + 1))}\n" for n in range(VARIED_LINES)),
    }


def static_page() -> bytes:
    """The file `static/page.html` of every server; each has its own, as an application would."""
    return page(random.Random(_SEED), PAGE_BYTES).encode()  # noqa: S311 - content, nothing secret


def main(folder: Path) -> None:
    """Write all files into `folder`."""
    for name, text in bodies().items():
        (folder / name).write_bytes(text.encode())


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent)
