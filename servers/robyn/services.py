"""Routes for what real services do besides JSON, as Robyn's own documentation shows them.

A wait, forms, uploads, validation, a stream of events; a router of its own, which app.py includes.
"""

import asyncio
import hashlib
from collections.abc import AsyncGenerator
from typing import Any

from pydantic import BaseModel, Field
from robyn import Request, SSEMessage, SSEResponse, SubRouter

router = SubRouter(__file__)


class Signup(BaseModel):
    """What `POST /validate` accepts."""

    id: int = Field(ge=1)
    display_name: str = Field(min_length=2, max_length=40)
    email: str = Field(pattern=r"^[^@\s]+@[^@\s]+\.[a-z]+$")
    seats: int = Field(ge=1, le=99)
    tags: list[str] = Field(max_length=5)
    note: str


@router.get("/delay/:ms")
async def delay(ms: int) -> dict[str, int]:
    """Answer after a wait, which holds nobody else up."""
    await asyncio.sleep(ms / 1000)
    return {"waited_ms": ms}


@router.post("/multipart")
async def multipart(request: Request) -> dict[str, Any]:
    """Answer a field, and what is known of a file once it was read."""
    ((filename, content),) = request.files.items()
    return {
        "title": request.form_data["title"],
        "filename": filename,
        "bytes": len(content),
        "sha256": hashlib.sha256(content).hexdigest(),
    }


@router.post("/upload")
async def upload(request: Request) -> dict[str, Any]:
    """Answer length and hash of a body."""
    body = request.body if isinstance(request.body, bytes) else bytes(request.body, "latin-1")
    return {"bytes": len(body), "sha256": hashlib.sha256(body).hexdigest()}


@router.post("/validate")
async def validate(signup: Signup) -> Signup:
    """Answer what was sent, where all of it is right; Robyn answers 422 where it is not."""
    return signup


async def twenty(topic: str) -> AsyncGenerator[str, None]:
    """20 events, 5 ms apart."""
    for number in range(1, 21):
        if number > 1:
            await asyncio.sleep(0.005)
        yield SSEMessage(f"{topic} {number}")


@router.get("/events/:topic")
async def events(topic: str):
    """Send events as they happen."""
    return SSEResponse(twenty(topic))
