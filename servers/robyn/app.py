"""The workloads' routes in Robyn, written as Robyn's own documentation shows them.

Address and port come from the environment: HOST, PORT. Processes and workers come from the
command line.
"""

import os
from typing import Any

import services
from database import add_routes
from robyn import Request, Robyn

app = Robyn(__file__)
app.include_router(services.router)
app.serve_directory(route="/static", directory_path="static")


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
async def echo(request: Request) -> dict[str, Any]:
    """Answer the JSON object that was sent."""
    return request.json()


@app.get("/users/:user_id/posts/:post_id")
async def user_post(user_id: int, post_id: int) -> dict[str, int]:
    """Answer both path parameters as numbers."""
    return {"user_id": user_id, "post_id": post_id}


@app.get("/search")
async def search(q: str, limit: int, offset: int, sort: str = "relevance") -> dict[str, Any]:
    """Answer the query parameters with their types, and the default of the one not sent."""
    return {"q": q, "limit": limit, "offset": offset, "sort": sort}


@app.put("/users/:user_id")
async def update_user(request: Request, user_id: int) -> dict[str, Any]:
    """Answer the path parameter and the JSON object that was sent."""
    return {"user_id": user_id, "updated": request.json()}


@app.delete("/users/:user_id")
async def delete_user(user_id: int) -> dict[str, Any]:
    """Answer the path parameter; nothing is stored, so nothing is deleted."""
    return {"user_id": user_id, "deleted": True}


if os.environ.get("POSTGRES_URL"):
    add_routes(app)

if __name__ == "__main__":
    app.start(host=os.environ["HOST"], port=int(os.environ["PORT"]))
