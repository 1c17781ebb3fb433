"""The routes that ask PostgreSQL, with asyncpg; a handler of Robyn's start-up opens the pool.

The address comes from the environment: POSTGRES_URL, and POSTGRES_POOL for the connections of all
PROCESSES together. Without an address there is no pool, and nothing asks these routes.
"""

import os
from typing import Any

import asyncpg
from robyn import Request, Response, Robyn

_state: dict[str, Any] = {}


def add_routes(app: Robyn) -> None:
    """Add the routes and the pool of connections that they share."""

    @app.startup_handler
    async def open_pool() -> None:
        size = max(1, int(os.environ["POSTGRES_POOL"]) // int(os.environ["PROCESSES"]))
        url = os.environ["POSTGRES_URL"]
        _state["pool"] = await asyncpg.create_pool(url, min_size=size, max_size=size)

    @app.get("/db/items/:item")
    async def read_item(item: int) -> Any:
        query = "SELECT id, name, description FROM items WHERE id = $1"
        return _found(await _state["pool"].fetchrow(query, item))

    @app.get("/db/items/:item/stock")
    async def read_stock(item: int) -> Any:
        query = "SELECT id, stock FROM items WHERE id = $1"
        return _found(await _state["pool"].fetchrow(query, item))

    @app.put("/db/items/:item")
    async def write_stock(request: Request, item: int) -> Any:
        query = "UPDATE items SET stock = $2 WHERE id = $1 RETURNING id, stock"
        stock = request.json()["stock"]
        return _found(await _state["pool"].fetchrow(query, item, int(stock)))


def _found(row: Any) -> Any:
    return Response(404, {}, "") if row is None else dict(row)
