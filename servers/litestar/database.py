"""The routes that ask PostgreSQL, with asyncpg; a lifespan context of Litestar's keeps the pool.

The address comes from the environment: POSTGRES_URL, and POSTGRES_POOL for the connections of all
PROCESSES together. Without an address there is no pool, and nothing asks these routes.
"""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import asyncpg
from litestar import Litestar, Request, Router, get, put
from litestar.exceptions import NotFoundException


@asynccontextmanager
async def lifespan(app: Litestar) -> AsyncIterator[None]:
    """Keep a pool of connections as long as the application lives."""
    url = os.environ.get("POSTGRES_URL")
    if not url:
        yield
        return
    size = max(1, int(os.environ["POSTGRES_POOL"]) // int(os.environ["PROCESSES"]))
    async with asyncpg.create_pool(url, min_size=size, max_size=size) as pool:
        app.state.pool = pool
        yield


@dataclass
class Stock:
    """What is written."""

    stock: int


@get("/{item:int}")
async def read_item(item: int, request: Request) -> dict[str, Any]:
    """Answer one row."""
    query = "SELECT id, name, description FROM items WHERE id = $1"
    return _found(await request.app.state.pool.fetchrow(query, item))


@get("/{item:int}/stock")
async def read_stock(item: int, request: Request) -> dict[str, Any]:
    """Answer what was written last."""
    query = "SELECT id, stock FROM items WHERE id = $1"
    return _found(await request.app.state.pool.fetchrow(query, item))


@put("/{item:int}")
async def write_stock(item: int, data: Stock, request: Request) -> dict[str, Any]:
    """Change one row and answer what it holds then."""
    query = "UPDATE items SET stock = $2 WHERE id = $1 RETURNING id, stock"
    return _found(await request.app.state.pool.fetchrow(query, item, data.stock))


def _found(row: Any) -> dict[str, Any]:
    if row is None:
        raise NotFoundException
    return dict(row)


router = Router(path="/db/items", route_handlers=[read_item, read_stock, write_stock])
