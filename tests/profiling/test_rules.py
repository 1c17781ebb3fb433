"""Rules are data; which category a stack gets is decided by them in a fixed order."""

from __future__ import annotations

import pytest

from bench.profiling.rules import UNKNOWN, read_rules, rule_book
from bench.profiling.stacks import Frame


def kernel(name: str) -> Frame:
    return Frame(name, "[kernel]", "kernel")


def python(name: str, place: str) -> Frame:
    return Frame(name, place, "script")


def native(name: str, place: str = "libpython3.12.so.1.0") -> Frame:
    return Frame(name, place, "native")


EVAL = native("_PyEval_EvalFrameDefault")
RUST = native("[unknown]", "_spikard.abi3.so")
STARLETTE = python("Route.matches", "/v/site-packages/starlette/routing.py")
HANDLER = python("echo", "/app/app.py")


@pytest.mark.parametrize(
    ("frames", "category"),
    [
        ((kernel("do_futex"), native("take_gil"), HANDLER), "waiting for the GIL"),
        (
            (kernel("do_futex"), native("syscall", "libc.so.6"), RUST),
            "handing over between threads",
        ),
        ((kernel("tcp_sendmsg"), native("writev", "libc.so.6"), RUST), "kernel and network"),
        ((native("PyDict_SetItem"), RUST), "crossing between Rust and Python"),
        ((RUST,), "native framework code"),
        ((native("_int_malloc", "libc.so.6"), RUST), "allocator and GC"),
        ((native("gc_collect_main"), EVAL, HANDLER), "allocator and GC"),
        ((native("scan_once_unicode", "_json.so"), EVAL, HANDLER), "JSON decode"),
        ((native("_PyObject_Malloc"), native("scanner_call", "_json.so")), "JSON decode"),
        ((EVAL, python("JSONEncoder.iterencode", "/l/json/encoder.py")), "JSON encode"),
        ((EVAL, STARLETTE), "routing and middleware"),
        ((native("PyObject_Call"), EVAL, python("x", "/v/uvicorn/protocols/h.py")), "HTTP parsing"),
        ((EVAL, python("BaseEventLoop._run_once", "/l/asyncio/base_events.py")), "event loop"),
        ((RUST, EVAL, HANDLER), "native code called by Python"),
        ((EVAL, HANDLER), "interpreter and handler"),
        ((native("unicode_hash"),), "interpreter and handler"),
        ((native("[unknown]", "[unknown]"),), UNKNOWN),
    ],
)  # fmt: skip
def test_a_python_stack_gets_its_category(frames: tuple[Frame, ...], category: str) -> None:
    """The frame that tells decides, whatever CPython functions lie within it."""
    assert rule_book("python").category(frames) == category


@pytest.mark.parametrize(
    ("frames", "category"),
    [
        ((native("Builtins_JsonStringify", "node"), HANDLER), "JSON encode"),
        ((native("llhttp__internal_execute", "node"),), "HTTP parsing"),
        ((python("route", "/a/node_modules/fastify/lib/route.js"),), "routing and middleware"),
        ((kernel("__x64_sys_writev"), native("uv_try_write", "node")), "kernel and network"),
        ((native("v8::internal::Heap::Scavenge", "node"),), "allocator and GC"),
        ((python("echo", "/app/server.js"),), "interpreter and handler"),
        ((python("clearBuffer", "node:internal/streams/writable"),), "event loop"),
    ],
)
def test_a_node_stack_gets_its_category(frames: tuple[Frame, ...], category: str) -> None:
    """The same for V8, libuv and llhttp."""
    assert rule_book("node").category(frames) == category


@pytest.mark.parametrize(
    ("symbol", "category"),
    [
        ("serde_json::de::from_slice", "JSON decode"),
        ("hyper::proto::h1::dispatch", "HTTP parsing"),
        ("tokio::runtime::park", "event loop"),
        ("matchit::Router::at", "routing and middleware"),
        ("main::work", "native framework code"),
        ("[unknown]", UNKNOWN),
    ],
)
def test_a_native_stack_gets_its_category(symbol: str, category: str) -> None:
    """The same for machine code with symbols."""
    assert rule_book("native").category((native(symbol, "server"),)) == category


@pytest.mark.parametrize("runtime", ["python", "node", "native"])
def test_unknown_is_always_shown_last(runtime: str) -> None:
    """Every runtime has the category unknown."""
    assert rule_book(runtime).categories[-1] == UNKNOWN


def test_a_runtime_without_rules_is_refused() -> None:
    """There is no guessing with the rules of another runtime."""
    with pytest.raises(ValueError, match="cobol"):
        rule_book("cobol")


@pytest.mark.parametrize(
    "text",
    [
        '[[category]]\nname="a"\n[[nearest]]\ncategory="b"\n',
        '[[category]]\nname="a"\n[[nearest]]\ncategory="a"\nsymbl="x"\n',
        '[[category]]\nname="a"\n[[nearest]]\nsymbol="x"\n',
    ],
)
def test_a_wrong_rule_is_refused(text: str) -> None:
    """A misspelled field or category is an error, not a rule that never holds."""
    with pytest.raises(ValueError, match="rule"):
        read_rules("x", text)


LIBRARY = "_spikard.abi3.so"


@pytest.mark.parametrize(
    ("names", "category"),
    [
        (("~serde_json::read", "~axum::handler"), "JSON decode"),
        (("~hyper::proto::h1::io", "~tokio::task::local"), "HTTP parsing"),
        (("~tokio::task::local",), "event loop"),
        (("~spikard_core::lifecycle",), "routing and middleware"),
        (("~pyo3::instance",), "crossing between Rust and Python"),
        (("~parking_lot_core::parking_lot",), "handing over between threads"),
        (("~hashbrown::raw", "~http::header::map"), "HTTP parsing"),
        (("~bytes::bytes", "~alloc::collections::btree::map"), "native framework code"),
        (("[unknown]", "~axum::handler"), "native framework code"),
    ],
)
def test_guessed_names_of_a_stripped_library_decide(names: tuple[str, ...], category: str) -> None:
    """The crate decides; helpers count for their caller; what has no name is not guessed."""
    frames = tuple(native(name, LIBRARY) for name in names)

    assert rule_book("python").category(frames) == category
