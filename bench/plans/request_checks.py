"""Checks one request of a workload as it is written: placeholders, headers, JSON bodies; pure."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, Final

from bench.errors import nearest
from bench.plans.yaml.spelling import shown, spelling
from bench.workload.json_equal import is_json_type, parse
from bench.workload.requests import AS_TEXT, HASH_OF, SAME_AS_BODY

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from bench.plans.yaml.document import Loc, YamlDocument


_NAMED: Final = re.compile(rf"\{{([A-Za-z_][A-Za-z0-9_]*)(?:{AS_TEXT}|{HASH_OF})?\}}")
_FORM: Final = re.compile(r"\{([A-Za-z_][A-Za-z0-9_]*)(:[^{}]*)\}")
_BRACES: Final = re.compile(r"\{([^{}]*)\}")

_CARRIERS: Final = ("path", "body", "expect")


_HASHED: Final = re.compile(r"\{([A-Za-z_][A-Za-z0-9_]*)" + re.escape(HASH_OF) + r"\}")
_BODIES: Final = frozenset({"text", "file"})


def check_request(
    document: YamlDocument, loc: Loc, request: Mapping[str, Any], bodies: Sequence[bytes]
) -> None:
    """Report what is wrong between the keys of one request.

    Args:
        document: receives the problems.
        loc: place of the request.
        request: as written.
        bodies: read from disk; empty where there is none or where it has problems.
    """
    _check_headers(document, loc, request)
    _check_values(document, loc, request, bodies)
    check_random(document, loc, request)
    _check_json(document, loc, request, bodies)


def _check_headers(document: YamlDocument, loc: Loc, request: Mapping[str, Any]) -> None:
    headers = request.get("headers")
    seen: set[str] = set()
    for name in headers if isinstance(headers, dict) else ():
        if name.lower() in seen:
            message = "the header stands here twice: capitals make no difference"
            document.add((*loc, "headers", name), message, "remove one of them")
        seen.add(name.lower())


def _check_values(
    document: YamlDocument, loc: Loc, request: Mapping[str, Any], bodies: Sequence[bytes]
) -> None:
    written = request.get("values")
    values = written if isinstance(written, dict) else {}
    used: set[str] = set()
    path = request.get("path")
    if isinstance(path, str):
        used |= _check_path(document, (*loc, "path"), path, values)
    body, expect = request.get("body"), request.get("expect")
    inline = body if isinstance(body, dict) and not {"file", "lines"} & body.keys() else None
    used |= _check_then(document, (*loc, "then"), request.get("then"), values)
    for key, value in (("body", inline), ("expect", expect)):
        used |= _check_inline(document, (*loc, key), value, values)
    for one in bodies:
        used |= set(_NAMED.findall(one.decode("utf-8", "replace"))) & values.keys()
    if "path" not in request or any(document.has_bad((*loc, key)) for key in _CARRIERS):
        return
    for name in values:
        if name not in used:
            message = f"the value is not used: {{{name}}} stands neither in path, body nor expect"
            document.add((*loc, "values", name), message)


def _check_then(document: YamlDocument, loc: Loc, then: Any, values: Mapping[str, Any]) -> set[str]:
    """Names used in the request that follows; it has no body, and so none to come back."""
    if not isinstance(then, dict):
        return set()
    path, expect = then.get("path"), then.get("expect")
    used = _check_path(document, (*loc, "path"), path, values) if isinstance(path, str) else set()
    if isinstance(expect, dict) and expect.get("json") == SAME_AS_BODY:
        document.add((*loc, "expect", "json"), f"{SAME_AS_BODY}: this request has no body")
    return used | _check_inline(document, (*loc, "expect"), expect, values)


def _check_path(document: YamlDocument, loc: Loc, path: str, values: Mapping[str, Any]) -> set[str]:
    used = set(_BRACES.findall(path))
    for name in sorted(used - values.keys()):
        advice = (
            spelling(name, values)
            if values
            else f"add values: {{{name or 'id'}: {{int: [1, 1000]}}}}"
        )
        document.add(loc, f"{{{name[:40]}}} has no entry in values", advice)
    if "{" in _BRACES.sub("", path) or "}" in _BRACES.sub("", path):
        document.add(loc, "a brace is opened or closed alone", "write %7B or %7D for a real one")
    return used


def _check_inline(
    document: YamlDocument, loc: Loc, value: Any, values: Mapping[str, Any]
) -> set[str]:
    """Names used in a value; unknown ones are problems only where the request draws values."""
    used: set[str] = set()
    if isinstance(value, dict):
        for key, inner in value.items():
            used |= set(_NAMED.findall(key)) & values.keys()
            used |= _check_inline(document, (*loc, key), inner, values)
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            used |= _check_inline(document, (*loc, index), inner, values)
    elif isinstance(value, str):
        used = set(_NAMED.findall(value))
        for name in sorted(used - values.keys()) if values else ():
            document.add(loc, f"{{{name[:40]}}} has no entry in values", spelling(name, values))
        for name, form in _FORM.findall(value):
            if name in values and form not in (AS_TEXT, HASH_OF):
                wanted = f"{{{name}}}, or {{{name}{AS_TEXT}}} for the value as text"
                document.add(loc, f"{{{name}{form[:20]}}} is not a form of a value", wanted)
    return used


def _check_json(
    document: YamlDocument, loc: Loc, request: Mapping[str, Any], bodies: Sequence[bytes]
) -> None:
    expect = request.get("expect")
    wanted = expect.get("json") if isinstance(expect, dict) else None
    same = wanted == SAME_AS_BODY
    if isinstance(wanted, str) and not same and nearest(wanted, [SAME_AS_BODY]):
        message = f"{shown(wanted)} is only nearly {SAME_AS_BODY}"
        document.add((*loc, "expect", "json"), message, f"write {SAME_AS_BODY}")
    if not same and not _says_json(request.get("headers")):
        return
    if same and "body" not in request:
        message = f"{SAME_AS_BODY} needs a body in JSON, and the request has none"
        document.add((*loc, "expect", "json"), message)
        return
    values = request.get("values")
    samples = _samples(values if isinstance(values, dict) else {})
    for number, body in enumerate(bodies, start=1):
        fault = _json_fault(body, samples)
        if fault:
            line = f" (line {number} of the file)" if len(bodies) > 1 else ""
            why = f"expect.json is {SAME_AS_BODY}" if same else "content-type says JSON"
            document.add((*loc, "body"), f"the body is not JSON though {why}: {fault}{line}")
            return


def _says_json(headers: Any) -> bool:
    return isinstance(headers, dict) and any(
        name.lower() == "content-type" and isinstance(value, str) and is_json_type(value)
        for name, value in headers.items()
    )


def _samples(values: Mapping[str, Any]) -> dict[str, str]:
    """One drawn value per name as it would stand in a text body."""
    samples: dict[str, str] = {}
    for name, generator in values.items():
        choice = generator.get("choice") if isinstance(generator, dict) else None
        samples[name] = str(choice[0]) if isinstance(choice, list) and choice else "1"
    return samples


def _json_fault(body: bytes, samples: Mapping[str, str]) -> str:
    """Why a body is not JSON once placeholders are replaced, or ""."""
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError:
        return "it is not UTF-8"
    try:
        parse(text)
    except (ValueError, RecursionError):
        filled = _NAMED.sub(lambda match: samples.get(match[1], match[0]), text)
        return _parse_fault(filled)
    return ""


def _parse_fault(text: str) -> str:
    try:
        parse(text)
    except json.JSONDecodeError as error:
        around = shown(text[max(0, error.pos - 10) : error.pos + 20])
        place = f"line {error.lineno}, column {error.colno}"
        return f"it stops being JSON at {place}, near {around}"
    except RecursionError:
        return "it is nested too deeply"
    except ValueError as error:
        return str(error)
    return ""


def check_random(document: YamlDocument, loc: Loc, request: Mapping[str, Any]) -> None:
    """Report random bytes that stand where only text can, and hashes of what is not random.

    Args:
        document: receives the problems.
        loc: place of the request.
        request: as written.
    """
    written = request.get("values")
    values = written if isinstance(written, dict) else {}
    blobs = {name for name, one in values.items() if isinstance(one, dict) and "random" in one}
    body = request.get("body")
    for name in sorted(blobs):
        for key in ("path", "expect"):
            if f"{{{name}}}" in _text(request.get(key)):
                message = f"{{{name}}} is random bytes, which only a body can hold"
                document.add((*loc, key), message, f"their hash is {{{name}{HASH_OF}}}, in expect")
        if isinstance(body, dict) and f"{{{name}}}" in _text(body) and not _BODIES & body.keys():
            message = f"{{{name}}} is random bytes, which JSON and lines cannot hold"
            document.add((*loc, "body"), message, "write body: {text: ...} or {file: ...}")
    for name in sorted({*_HASHED.findall(_text(request.get("expect")))} - blobs):
        if name in values:
            message = f"{{{name}{HASH_OF}}} is a hash of random bytes, which {name} is not"
            document.add((*loc, "expect"), message, f"write values: {{{name}: {{random: 100KB}}}}")


def _text(value: Any) -> str:
    return json.dumps(value, default=str, ensure_ascii=False)
