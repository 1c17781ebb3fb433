"""The workloads' routes in Spikard, written as Spikard's own documentation shows them.

The port comes from the environment: SPIKARD_SERVER_PORT.
"""

import os
from typing import Any

import services
from database import add_routes
from spikard import App, Body

app = App()
services.register(app)


@app.get("/health")
async def health() -> dict[str, str]:
    """Tell that the server is ready."""
    return {"status": "ok"}


@app.get("/plaintext")
async def plaintext() -> str:
    """Answer a fixed text."""
    return "Hello, World!"


@app.post("/json/small")
@app.post("/json/medium")
@app.post("/json/large")
@app.post("/json/varied")
async def echo(body: Body[dict[str, Any]]) -> dict[str, Any]:
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
async def update_user(user_id: int, body: Body[dict[str, Any]]) -> dict[str, Any]:
    """Answer the path parameter and the JSON object that was sent."""
    return {"user_id": user_id, "updated": body}


@app.delete("/users/{user_id}")
async def delete_user(user_id: int) -> dict[str, Any]:
    """Answer the path parameter; nothing is stored, so nothing is deleted."""
    return {"user_id": user_id, "deleted": True}


if os.environ.get("POSTGRES_URL"):
    add_routes(app)

if __name__ == "__main__":
    app.run()
