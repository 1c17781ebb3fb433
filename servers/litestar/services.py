"""Routes for what real services do besides JSON, as Litestar's own documentation shows them."""

import asyncio
import hashlib
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import Annotated, Any

from litestar import Request, Response, get, post
from litestar.config.compression import CompressionConfig
from litestar.datastructures import UploadFile
from litestar.enums import RequestEncodingType
from litestar.exceptions import ValidationException
from litestar.middleware import DefineMiddleware
from litestar.middleware.compression import CompressionMiddleware
from litestar.params import Body
from litestar.response import ServerSentEvent
from litestar.static_files import create_static_files_router
from pydantic import BaseModel, Field


@dataclass
class Contact:
    """The fields of a form."""

    name: str
    email: str
    city: str
    note: str


@dataclass
class Photo:
    """The fields of a form with a file."""

    title: str
    file: UploadFile


class Signup(BaseModel):
    """What `POST /validate` accepts; of Pydantic's models Litestar reports every error."""

    id: int = Field(ge=1)
    display_name: str = Field(min_length=2, max_length=40)
    email: str = Field(pattern=r"^[^@\s]+@[^@\s]+\.[a-z]+$")
    seats: int = Field(ge=1, le=99)
    tags: list[str] = Field(max_length=5)
    note: str


@get("/delay/{ms:int}")
async def delay(ms: int) -> dict[str, int]:
    """Answer after a wait, which holds nobody else up."""
    await asyncio.sleep(ms / 1000)
    return {"waited_ms": ms}


@post("/form", status_code=200)
async def form(
    data: Annotated[Contact, Body(media_type=RequestEncodingType.URL_ENCODED)],
) -> Contact:
    """Answer the fields of a form."""
    return data


@post("/multipart", status_code=200)
async def multipart(
    data: Annotated[Photo, Body(media_type=RequestEncodingType.MULTI_PART)],
) -> dict[str, Any]:
    """Answer a field, and what is known of a file once it was read."""
    content = await data.file.read()
    return {
        "title": data.title,
        "filename": data.file.filename,
        "bytes": len(content),
        "sha256": hashlib.sha256(content).hexdigest(),
    }


@post("/upload", status_code=200)
async def upload(request: Request) -> dict[str, Any]:
    """Read a body as it comes, and answer its length and hash."""
    digest, count = hashlib.sha256(), 0
    async for chunk in request.stream():
        digest.update(chunk)
        count += len(chunk)
    return {"bytes": count, "sha256": digest.hexdigest()}


async def twenty(topic: str) -> AsyncGenerator[str, None]:
    """20 events, 5 ms apart."""
    for number in range(1, 21):
        if number > 1:
            await asyncio.sleep(0.005)
        yield f"{topic} {number}"


@get("/events/{topic:str}")
async def events(topic: str) -> ServerSentEvent:
    """Send events as they happen."""
    return ServerSentEvent(twenty(topic))


def not_valid(_: Request, problem: ValidationException) -> Response[dict[str, Any]]:
    """Answer 422 with every error, as the workload wants it; Litestar's own status is 400."""
    return Response({"detail": problem.detail, "errors": problem.extra}, status_code=422)


@post("/validate", status_code=200, exception_handlers={ValidationException: not_valid})
async def validate(data: Signup) -> Signup:
    """Answer what was sent, where all of it is right."""
    return data


static = create_static_files_router(path="/static", directories=["static"])
compressed = create_static_files_router(
    path="/static-gzip",
    directories=["static"],
    middleware=[
        DefineMiddleware(
            CompressionMiddleware, config=CompressionConfig(backend="gzip", gzip_compress_level=6)
        )
    ],
)

route_handlers = [delay, form, multipart, upload, events, validate, static, compressed]
