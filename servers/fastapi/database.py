"""The routes that ask PostgreSQL, with asyncpg as its documentation shows it in a web application.

The address comes from the environment: POSTGRES_URL, and POSTGRES_POOL for the connections of all
PROCESSES together. Without an address there is no pool, and nothing asks these routes.
"""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
from fastapi import APIRouter, FastAPI, HTTPException, Request
from pydantic import BaseModel

router = APIRouter(prefix="/db/items")


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    """Keep a pool of connections as long as the application lives."""
    url = os.environ.get("POSTGRES_URL")
    if not url:
        yield
        return
    size = max(1, int(os.environ["POSTGRES_POOL"]) // int(os.environ["PROCESSES"]))
    async with asyncpg.create_pool(url, min_size=size, max_size=size) as pool:
        app.state.pool = pool
        yield


class Stock(BaseModel):
    """What is written."""

    stock: int


@router.get("/{item}")
async def read_item(item: int, request: Request) -> dict[str, Any]:
    """Answer one row."""
    query = "SELECT id, name, description FROM items WHERE id = $1"
    return _found(await request.app.state.pool.fetchrow(query, item))


@router.get("/{item}/stock")
async def read_stock(item: int, request: Request) -> dict[str, Any]:
    """Answer what was written last."""
    query = "SELECT id, stock FROM items WHERE id = $1"
    return _found(await request.app.state.pool.fetchrow(query, item))


@router.put("/{item}")
async def write_stock(item: int, body: Stock, request: Request) -> dict[str, Any]:
    """Change one row and answer what it holds then."""
    query = "UPDATE items SET stock = $2 WHERE id = $1 RETURNING id, stock"
    return _found(await request.app.state.pool.fetchrow(query, item, body.stock))


def _found(row: Any) -> dict[str, Any]:
    if row is None:
        raise HTTPException(status_code=404)
    return dict(row)
