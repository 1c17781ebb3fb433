"""Routes for what real services do besides JSON, as FastAPI's own documentation shows them.

A wait, forms, uploads, validation, a stream of events; a router of its own, which app.py includes.
"""

import asyncio
import hashlib
from collections.abc import AsyncIterable
from typing import Annotated, Any

from fastapi import APIRouter, FastAPI, Form, Request, UploadFile
from fastapi.middleware.gzip import GZipMiddleware
from fastapi.sse import EventSourceResponse, ServerSentEvent
from fastapi.staticfiles import StaticFiles
from pydantic import BaseModel, Field

router = APIRouter()

static = StaticFiles(directory="static")

compressed = FastAPI()
compressed.add_middleware(GZipMiddleware, compresslevel=6)
compressed.mount("/", static)


class Signup(BaseModel):
    """What `POST /validate` accepts."""

    id: int = Field(ge=1)
    display_name: str = Field(min_length=2, max_length=40)
    email: str = Field(pattern=r"^[^@\s]+@[^@\s]+\.[a-z]+$")
    seats: int = Field(ge=1, le=99)
    tags: list[str] = Field(max_length=5)
    note: str


@router.get("/delay/{ms}")
async def delay(ms: int) -> dict[str, int]:
    """Answer after a wait, which holds nobody else up."""
    await asyncio.sleep(ms / 1000)
    return {"waited_ms": ms}


@router.post("/form")
async def form(
    name: Annotated[str, Form()],
    email: Annotated[str, Form()],
    city: Annotated[str, Form()],
    note: Annotated[str, Form()],
) -> dict[str, str]:
    """Answer the fields of a form."""
    return {"name": name, "email": email, "city": city, "note": note}


@router.post("/multipart")
async def multipart(title: Annotated[str, Form()], file: UploadFile) -> dict[str, Any]:
    """Answer a field, and what is known of a file once it was read."""
    content = await file.read()
    return {
        "title": title,
        "filename": file.filename,
        "bytes": len(content),
        "sha256": hashlib.sha256(content).hexdigest(),
    }


@router.post("/upload")
async def upload(request: Request) -> dict[str, Any]:
    """Read a body as it comes, and answer its length and hash."""
    digest, count = hashlib.sha256(), 0
    async for chunk in request.stream():
        digest.update(chunk)
        count += len(chunk)
    return {"bytes": count, "sha256": digest.hexdigest()}


@router.post("/validate")
async def validate(signup: Signup) -> Signup:
    """Answer what was sent, where all of it is right; FastAPI answers 422 where it is not."""
    return signup


@router.get("/events/{topic}", response_class=EventSourceResponse)
async def events(topic: str) -> AsyncIterable[ServerSentEvent]:
    """Send 20 events, 5 ms apart."""
    for number in range(1, 21):
        if number > 1:
            await asyncio.sleep(0.005)
        yield ServerSentEvent(raw_data=f"{topic} {number}")
