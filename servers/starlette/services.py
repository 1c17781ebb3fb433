"""Routes for what real services do besides JSON, as Starlette's own documentation shows them."""

import asyncio
import hashlib
from collections.abc import AsyncIterator

from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, StreamingResponse
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles


async def delay(request: Request) -> JSONResponse:
    """Answer after a wait, which holds nobody else up."""
    ms = request.path_params["ms"]
    await asyncio.sleep(ms / 1000)
    return JSONResponse({"waited_ms": ms})


async def form(request: Request) -> JSONResponse:
    """Answer the fields of a form."""
    async with request.form() as fields:
        return JSONResponse({name: fields[name] for name in ("name", "email", "city", "note")})


async def multipart(request: Request) -> JSONResponse:
    """Answer a field, and what is known of a file once it was read."""
    async with request.form() as fields:
        file = fields["file"]
        content = await file.read()
        return JSONResponse(
            {
                "title": fields["title"],
                "filename": file.filename,
                "bytes": len(content),
                "sha256": hashlib.sha256(content).hexdigest(),
            }
        )


async def upload(request: Request) -> JSONResponse:
    """Read a body as it comes, and answer its length and hash."""
    digest, count = hashlib.sha256(), 0
    async for chunk in request.stream():
        digest.update(chunk)
        count += len(chunk)
    return JSONResponse({"bytes": count, "sha256": digest.hexdigest()})


async def twenty(topic: str) -> AsyncIterator[str]:
    """20 events, 5 ms apart."""
    for number in range(1, 21):
        if number > 1:
            await asyncio.sleep(0.005)
        yield f"data: {topic} {number}\n\n"


async def events(request: Request) -> StreamingResponse:
    """Send events as they happen."""
    return StreamingResponse(twenty(request.path_params["topic"]), media_type="text/event-stream")


static = StaticFiles(directory="static")

routes = [
    Route("/delay/{ms:int}", delay),
    Route("/form", form, methods=["POST"]),
    Route("/multipart", multipart, methods=["POST"]),
    Route("/upload", upload, methods=["POST"]),
    Route("/events/{topic}", events),
    Mount("/static", static),
    Mount("/static-gzip", static, middleware=[Middleware(GZipMiddleware, compresslevel=6)]),
]
