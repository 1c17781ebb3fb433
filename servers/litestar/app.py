"""The workloads' routes in Litestar, written as Litestar's own documentation shows them."""

from typing import Any

import database
import services
from litestar import Litestar, MediaType, delete, get, post, put


@get("/health")
async def health() -> dict[str, str]:
    """Tell that the server is ready."""
    return {"status": "ok"}


@get("/plaintext", media_type=MediaType.TEXT)
async def plaintext() -> str:
    """Answer a fixed text."""
    return "Hello, World!"


@post(["/json/small", "/json/medium", "/json/large", "/json/varied"], status_code=200)
async def echo(data: dict[str, Any]) -> dict[str, Any]:
    """Answer the JSON object that was sent."""
    return data


@get("/users/{user_id:int}/posts/{post_id:int}")
async def user_post(user_id: int, post_id: int) -> dict[str, int]:
    """Answer both path parameters as numbers."""
    return {"user_id": user_id, "post_id": post_id}


@get("/search")
async def search(q: str, limit: int, offset: int, sort: str = "relevance") -> dict[str, Any]:
    """Answer the query parameters with their types, and the default of the one not sent."""
    return {"q": q, "limit": limit, "offset": offset, "sort": sort}


@put("/users/{user_id:int}")
async def update_user(user_id: int, data: dict[str, Any]) -> dict[str, Any]:
    """Answer the path parameter and the JSON object that was sent."""
    return {"user_id": user_id, "updated": data}


@delete("/users/{user_id:int}", status_code=200)
async def delete_user(user_id: int) -> dict[str, Any]:
    """Answer the path parameter; nothing is stored, so nothing is deleted."""
    return {"user_id": user_id, "deleted": True}


app = Litestar(
    route_handlers=[
        health,
        plaintext,
        echo,
        user_post,
        search,
        update_user,
        delete_user,
        *services.route_handlers,
        database.router,
    ],
    lifespan=[database.lifespan],
    openapi_config=None,
)
