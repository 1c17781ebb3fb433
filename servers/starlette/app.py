"""The workloads' routes in Starlette, written as Starlette's own documentation shows them."""

import database
import services
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse
from starlette.routing import Route


async def health(_: Request) -> JSONResponse:
    """Tell that the server is ready."""
    return JSONResponse({"status": "ok"})


async def plaintext(_: Request) -> PlainTextResponse:
    """Answer a fixed text."""
    return PlainTextResponse("Hello, World!")


async def echo(request: Request) -> JSONResponse:
    """Answer the JSON object that was sent."""
    return JSONResponse(await request.json())


async def user_post(request: Request) -> JSONResponse:
    """Answer both path parameters as numbers."""
    return JSONResponse(
        {"user_id": request.path_params["user_id"], "post_id": request.path_params["post_id"]}
    )


async def search(request: Request) -> JSONResponse:
    """Answer the query parameters with their types, and the default of the one not sent."""
    query = request.query_params
    return JSONResponse(
        {
            "q": query["q"],
            "limit": int(query["limit"]),
            "offset": int(query["offset"]),
            "sort": query.get("sort", "relevance"),
        }
    )


async def update_user(request: Request) -> JSONResponse:
    """Answer the path parameter and the JSON object that was sent."""
    return JSONResponse(
        {"user_id": request.path_params["user_id"], "updated": await request.json()}
    )


async def delete_user(request: Request) -> JSONResponse:
    """Answer the path parameter; nothing is stored, so nothing is deleted."""
    return JSONResponse({"user_id": request.path_params["user_id"], "deleted": True})


app = Starlette(
    routes=[
        Route("/health", health),
        Route("/plaintext", plaintext),
        *(
            Route(f"/json/{size}", echo, methods=["POST"])
            for size in ("small", "medium", "large", "varied")
        ),
        Route("/users/{user_id:int}/posts/{post_id:int}", user_post),
        Route("/users/{user_id:int}", update_user, methods=["PUT"]),
        Route("/users/{user_id:int}", delete_user, methods=["DELETE"]),
        Route("/search", search),
        *services.routes,
        *database.routes,
    ],
    lifespan=database.lifespan,
)
