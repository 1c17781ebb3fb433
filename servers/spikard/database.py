"""The routes that ask PostgreSQL, with asyncpg: the pool is opened by the first request.

The address comes from the environment: POSTGRES_URL, and POSTGRES_POOL for its connections.
"""

import asyncio
import os
from typing import Any

import asyncpg
from spikard import App, Body

_state: dict[str, Any] = {}
_opening = asyncio.Lock()


async def _pool() -> Any:
    if "pool" not in _state:
        async with _opening:
            if "pool" not in _state:
                url, size = os.environ["POSTGRES_URL"], int(os.environ["POSTGRES_POOL"])
                _state["pool"] = await asyncpg.create_pool(url, min_size=size, max_size=size)
    return _state["pool"]


def add_routes(app: App) -> None:
    """Add the routes, which share one pool of connections."""

    @app.get("/db/items/{item}")
    async def read_item(item: int) -> dict[str, Any]:
        query = "SELECT id, name, description FROM items WHERE id = $1"
        return dict(await (await _pool()).fetchrow(query, item))

    @app.get("/db/items/{item}/stock")
    async def read_stock(item: int) -> dict[str, Any]:
        query = "SELECT id, stock FROM items WHERE id = $1"
        return dict(await (await _pool()).fetchrow(query, item))

    @app.put("/db/items/{item}")
    async def write_stock(item: int, body: Body[dict[str, Any]]) -> dict[str, Any]:
        query = "UPDATE items SET stock = $2 WHERE id = $1 RETURNING id, stock"
        return dict(await (await _pool()).fetchrow(query, item, body["stock"]))
