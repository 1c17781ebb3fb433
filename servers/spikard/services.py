"""Routes for what real services do besides JSON, as Spikard's own documentation shows them."""

import asyncio
from typing import Annotated

import msgspec
from spikard import App, Body


class Contact(msgspec.Struct):
    """The fields of a form."""

    name: str
    email: str
    city: str
    note: str


class Signup(msgspec.Struct):
    """What `POST /validate` accepts."""

    id: Annotated[int, msgspec.Meta(ge=1)]
    display_name: Annotated[str, msgspec.Meta(min_length=2, max_length=40)]
    email: Annotated[str, msgspec.Meta(pattern=r"^[^@\s]+@[^@\s]+\.[a-z]+$")]
    seats: Annotated[int, msgspec.Meta(ge=1, le=99)]
    tags: Annotated[list[str], msgspec.Meta(max_length=5)]
    note: str


def register(app: App) -> None:
    """Add the routes to an app."""

    @app.get("/delay/{ms}")
    async def delay(ms: int) -> dict[str, int]:
        """Answer after a wait, which holds nobody else up."""
        await asyncio.sleep(ms / 1000)
        return {"waited_ms": ms}

    @app.post("/form")
    async def form(body: Body[Contact]) -> Contact:
        """Answer the fields of a form."""
        return body

    @app.post("/validate")
    async def validate(signup: Body[Signup]) -> Signup:
        """Answer what was sent, where all of it is right; Spikard answers 422 where it is not."""
        return signup
