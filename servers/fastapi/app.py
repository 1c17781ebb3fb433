"""The workloads' routes in FastAPI, written as FastAPI's own documentation shows them."""

from typing import Any

import services
from database import lifespan, router
from fastapi import FastAPI
from fastapi.responses import PlainTextResponse

app = FastAPI(lifespan=lifespan)


@app.get("/health")
async def health() -> dict[str, str]:
    """Tell that the server is ready."""
    return {"status": "ok"}


@app.get("/plaintext", response_class=PlainTextResponse)
async def plaintext() -> str:
    """Answer a fixed text."""
    return "Hello, World!"


@app.post("/json/small")
@app.post("/json/medium")
@app.post("/json/large")
@app.post("/json/varied")
async def echo(body: dict[str, Any]) -> dict[str, Any]:
    """Answer the JSON object that was sent."""
    return body


@app.get("/users/{user_id}/posts/{post_id}")
async def user_post(user_id: int, post_id: int) -> dict[str, int]:
    """Answer both path parameters as numbers."""
    return {"user_id": user_id, "post_id": post_id}


@app.get("/search")
async def search(q: str, limit: int, offset: int, sort: str = "relevance") -> dict[str, Any]:
    """Answer the query parameters with their types, and the default of the one not sent."""
    return {"q": q, "limit": limit, "offset": offset, "sort": sort}


@app.put("/users/{user_id}")
async def update_user(user_id: int, body: dict[str, Any]) -> dict[str, Any]:
    """Answer the path parameter and the JSON object that was sent."""
    return {"user_id": user_id, "updated": body}


@app.delete("/users/{user_id}")
async def delete_user(user_id: int) -> dict[str, Any]:
    """Answer the path parameter; nothing is stored, so nothing is deleted."""
    return {"user_id": user_id, "deleted": True}


# Behind the routes above: Starlette tries routes in their order, and each costs a request time.
app.include_router(services.router)
app.mount("/static", services.static)
app.mount("/static-gzip", services.compressed)
app.include_router(router)
