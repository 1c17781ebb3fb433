"""The small servers that `bench init` writes for checkouts of known frameworks; texts only."""

from __future__ import annotations

from typing import Final

HELLO: Final = "Hello, World!"

NODE: Final[dict[str, tuple[str, bool]]] = {
    "express": (
        """const express = require("../..");
const app = express();
app.get("PATH", (request, response) => response.send("Hello, World!"));
app.listen(Number(process.env.PORT), "127.0.0.1");
""",
        False,
    ),
    "fastify": (
        """const app = require("../..")({ logger: false });
app.get("PATH", async () => "Hello, World!");
app.listen({ port: Number(process.env.PORT), host: "127.0.0.1" });
""",
        False,
    ),
    "koa": (
        """const Koa = require("../..");
const app = new Koa();
app.use((context) => {
  if (context.path === "PATH") context.body = "Hello, World!";
});
app.listen(Number(process.env.PORT), "127.0.0.1");
""",
        False,
    ),
    "hono": (
        """import { createServer } from "node:http";
import { Hono } from "../../dist/index.js";
const app = new Hono();
app.get("PATH", (context) => context.text("Hello, World!"));
// Node's own server hands requests without a body to the application.
createServer(async (request, response) => {
  const url = `http://${request.headers.host}${request.url}`;
  const answer = await app.fetch(new Request(url, { method: request.method }));
  response.writeHead(answer.status, Object.fromEntries(answer.headers));
  response.end(Buffer.from(await answer.arrayBuffer()));
}).listen(Number(process.env.PORT), "127.0.0.1");
""",
        True,
    ),
}
"""Name in package.json -> the program, and whether `npm run build` makes the library first."""

_UVICORN: Final = ("-m", "uvicorn", "app:app", "--no-access-log", "--port", "{port}")

PYTHON: Final[dict[str, tuple[str, tuple[str, ...], tuple[str, ...], str]]] = {
    "starlette": (
        """from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route


async def hello(request):
    return PlainTextResponse("Hello, World!")


app = Starlette(routes=[Route("PATH", hello)])
""",
        ("uvicorn",),
        _UVICORN,
        "uvicorn serves it",
    ),
    "fastapi": (
        """from fastapi import FastAPI
from fastapi.responses import PlainTextResponse

app = FastAPI()


@app.get("PATH", response_class=PlainTextResponse)
async def hello():
    return "Hello, World!"
""",
        ("uvicorn",),
        _UVICORN,
        "uvicorn serves it",
    ),
    "litestar": (
        """from litestar import Litestar, MediaType, get


@get("PATH", media_type=MediaType.TEXT)
async def hello() -> str:
    return "Hello, World!"


app = Litestar([hello])
""",
        ("uvicorn", "pydantic"),
        _UVICORN,
        "uvicorn serves it",
    ),
    "flask": (
        """from flask import Flask

app = Flask(__name__)


@app.get("PATH")
def hello():
    return "Hello, World!"
""",
        ("gunicorn",),
        ("-m", "gunicorn", "app:app", "-b", "127.0.0.1:{port}"),
        "gunicorn serves it, with one worker",
    ),
    "aiohttp": (
        """import os

from aiohttp import web


async def hello(request):
    return web.Response(text="Hello, World!")


app = web.Application()
app.router.add_get("PATH", hello)
web.run_app(app, host="127.0.0.1", port=int(os.environ["PORT"]), access_log=None, print=None)
""",
        (),
        ("app.py",),
        "its C parts need the submodules of the checkout (git submodule update --init)",
    ),
    "robyn": (
        """import os

from robyn import Robyn

app = Robyn(__file__)


@app.get("PATH")
async def hello(request):
    return "Hello, World!"


app.start(host="127.0.0.1", port=int(os.environ["PORT"]))
""",
        (),
        ("app.py", "--disable-openapi"),
        "its Rust parts are built by cargo: are they optimized as in a release?",
    ),
}
"""Name in pyproject.toml -> program, further packages, words behind the interpreter, remark."""

_GO: Final = """package main

import (
	IMPORTS"os"

	"MODULE"
)

func main() {
	BODY
}
"""
_LISTEN: Final = 'http.ListenAndServe("127.0.0.1:"+os.Getenv("PORT"), app)'


def _go(body: str, ends: str, *, http: bool = True) -> str:
    """A Go program of these lines, which ends with a call that returns an error."""
    tail = f"if err := {ends}; err != nil {{\n\t\tpanic(err)\n\t}}"
    lines = "\n\t".join([*body.splitlines(), tail])
    return _GO.replace("BODY", lines).replace("IMPORTS", '"net/http"\n\t' if http else "")


_GIN: Final = _go(
    """gin.SetMode(gin.ReleaseMode)
app := gin.New()
app.GET("PATH", func(c *gin.Context) { c.String(http.StatusOK, "Hello, World!") })""",
    _LISTEN,
)
_ECHO: Final = _go(
    """app := echo.New()
app.GET("PATH", func(c CONTEXT) error { return c.String(http.StatusOK, "Hello, World!") })""",
    _LISTEN,
)
_CHI: Final = _go(
    """app := chi.NewRouter()
app.Get("PATH", func(w http.ResponseWriter, _ *http.Request) {
	w.Write([]byte("Hello, World!"))
})""",
    _LISTEN,
)
_FIBER: Final = _go(
    """app := fiber.New()
app.Get("PATH", func(c CONTEXT) error { return c.SendString("Hello, World!") })""",
    'app.Listen("127.0.0.1:" + os.Getenv("PORT"))',
    http=False,
)

GO: Final[dict[str, tuple[str, str]]] = {
    "github.com/gin-gonic/gin": (_GIN, _GIN),
    "github.com/labstack/echo": (
        _ECHO.replace("CONTEXT", "echo.Context"),
        _ECHO.replace("CONTEXT", "*echo.Context"),
    ),
    "github.com/go-chi/chi": (_CHI, _CHI),
    "github.com/gofiber/fiber": (
        _FIBER.replace("CONTEXT", "*fiber.Ctx"),
        _FIBER.replace("CONTEXT", "fiber.Ctx"),
    ),
}
"""Module without its major version -> program for the older versions and for the newest."""

GO_OLDER: Final = ("echo/v4", "fiber/v2", "labstack/echo", "gofiber/fiber")

_TOKIO: Final = '{ version = "1", features = ["full"] }'

RUST: Final[dict[str, tuple[str, str, dict[str, str]]]] = {
    "axum": (
        "axum",
        """use axum::{routing::get, Router};

#[tokio::main]
async fn main() {
    let port = std::env::var("PORT").expect("PORT");
    let app = Router::new().route("PATH", get(|| async { "Hello, World!" }));
    let listener = tokio::net::TcpListener::bind(format!("127.0.0.1:{port}")).await.unwrap();
    let _ = axum::serve(listener, app).await; // newer versions return no error
}
""",
        {"tokio": _TOKIO},
    ),
    "actix-web": (
        "actix-web",
        """use actix_web::{web, App, HttpServer};

#[actix_web::main]
async fn main() -> std::io::Result<()> {
    let port: u16 = std::env::var("PORT").expect("PORT").parse().expect("a number");
    HttpServer::new(|| App::new().route("PATH", web::get().to(|| async { "Hello, World!" })))
        .bind(("127.0.0.1", port))?
        .run()
        .await
}
""",
        {},
    ),
    "rocket": (
        "core/lib",
        """use rocket::{get, launch, routes};

#[get("PATH")]
fn hello() -> &'static str {
    "Hello, World!"
}

#[launch]
fn rocket() -> _ {
    let port: u16 = std::env::var("PORT").expect("PORT").parse().expect("a number");
    let config = rocket::Config::figment()
        .merge(("port", port))
        .merge(("address", "127.0.0.1"))
        .merge(("log_level", "off"));
    rocket::custom(config).mount("/", routes![hello])
}
""",
        {},
    ),
    "hyper": (
        ".",
        """use http_body_util::Full;
use hyper::{body::Bytes, body::Incoming, service::service_fn, Request, Response};
use hyper_util::rt::TokioIo;
use std::convert::Infallible;

async fn hello(_: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    Ok(Response::new(Full::new(Bytes::from("Hello, World!"))))
}

#[tokio::main]
async fn main() {
    let port = std::env::var("PORT").expect("PORT");
    let listener = tokio::net::TcpListener::bind(format!("127.0.0.1:{port}")).await.unwrap();
    loop {
        let (stream, _) = listener.accept().await.unwrap();
        tokio::spawn(async move {
            let served = hyper::server::conn::http1::Builder::new();
            let _ = served.serve_connection(TokioIo::new(stream), service_fn(hello)).await;
        });
    }
}
""",
        {
            "hyper": ', features = ["server", "http1"]',
            "http-body-util": '"0.1"',
            "hyper-util": '{ version = "0.1", features = ["tokio"] }',
            "tokio": _TOKIO,
        },
    ),
}
"""Crate -> its folder, program, and what the program needs besides (of the crate: features)."""
