"""Modes for development are recognized; production is never called so."""

from __future__ import annotations

import pytest

from bench.trial.development import development_sign


@pytest.mark.parametrize(
    ("command", "output", "sign"),
    [
        ("target/debug/app 3000", "", "target/debug/app"),
        ("../../target/x86_64-unknown-linux-musl/debug/app", "", "debug/app"),
        ("cargo run -- 3000", "", "cargo run without --release"),
        ("python -m uvicorn app:app --reload", "", "--reload"),
        ("python -m flask --app a:b run --port 1", "", "it says: This is a development server"),
        ("/bin/sh -c 'cd x' /f ./manage.py runserver 1", "", "manage.py runserver"),
        ("npx next dev -p 1", "", "next dev"),
        ("node --watch app.js", "", "--watch"),
        (".build/app", '[GIN-debug] [WARNING] Running in "debug" mode. Switch', "debug"),
        ("php -S 127.0.0.1:1", "[Fri] PHP 8.3.1 Development Server (http://", "PHP 8.3.1"),
    ],
)
def test_signs(command: str, output: str, sign: str) -> None:
    """By the command, or by what the server says of itself."""
    if "flask" in command:
        output = " * Debug mode: off\nWARNING: This is a development server. Do not use it"

    assert sign in development_sign(command.split(), output)


@pytest.mark.parametrize(
    "command",
    [
        "target/release/debug-api 3000",
        "debug/target/release/app",
        "cargo run --release",
        "cargo run --profile bench",
        "python -m uvicorn app:app --port 1",
        "node server.js --watchful",
        "npm run start",
        "next start",
        "gunicorn --chdir dev app:app",
    ],
)
def test_production_has_none(command: str) -> None:
    """Names that only look like it."""
    assert development_sign(command.split(), "Listening on http://127.0.0.1:1\n") == ""
