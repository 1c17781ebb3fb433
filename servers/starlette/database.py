"""The routes that ask PostgreSQL, with asyncpg; Starlette's lifespan keeps the pool.

The address comes from the environment: POSTGRES_URL, and POSTGRES_POOL for the connections of all
PROCESSES together. Without an address there is no pool, and nothing asks these routes.
"""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route


@asynccontextmanager
async def lifespan(_: Starlette) -> AsyncIterator[dict[str, Any]]:
    """Keep a pool of connections as long as the application lives."""
    url = os.environ.get("POSTGRES_URL")
    if not url:
        yield {}
        return
    size = max(1, int(os.environ["POSTGRES_POOL"]) // int(os.environ["PROCESSES"]))
    async with asyncpg.create_pool(url, min_size=size, max_size=size) as pool:
        yield {"pool": pool}


async def read_item(request: Request) -> JSONResponse:
    """Answer one row."""
    query = "SELECT id, name, description FROM items WHERE id = $1"
    return _found(await request.state.pool.fetchrow(query, request.path_params["item"]))


async def read_stock(request: Request) -> JSONResponse:
    """Answer what was written last."""
    query = "SELECT id, stock FROM items WHERE id = $1"
    return _found(await request.state.pool.fetchrow(query, request.path_params["item"]))


async def write_stock(request: Request) -> JSONResponse:
    """Change one row and answer what it holds then."""
    query = "UPDATE items SET stock = $2 WHERE id = $1 RETURNING id, stock"
    stock = (await request.json())["stock"]
    return _found(await request.state.pool.fetchrow(query, request.path_params["item"], stock))


def _found(row: Any) -> JSONResponse:
    if row is None:
        raise HTTPException(status_code=404)
    return JSONResponse(dict(row))


routes = [
    Route("/db/items/{item:int}", read_item),
    Route("/db/items/{item:int}/stock", read_stock),
    Route("/db/items/{item:int}", write_stock, methods=["PUT"]),
]
