"""What servers and load profiles say of protocols, checked against each other; pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from bench.model.http_protocol import IN_HTTP2, WITH_TLS
from bench.model.plan import Skipped
from bench.plans.yaml.file_rules import check_duplicates, texts

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from bench.model.plan import Arm, LoadProfile
    from bench.plans.yaml.document import Loc, YamlDocument

_FILES: Final = ("{cert}", "{key}")


def check_server_protocols(document: YamlDocument) -> None:
    """Report protocols that a server does not hear of, and a certificate that it never gets."""
    data = document.data
    check_duplicates(document, ("protocols",), data.get("protocols"))
    if any(document.has_bad((key,)) for key in ("protocols", "run", "env")) or "run" not in data:
        return
    spoken = data.get("protocols", ["http"])
    given = [text for key in ("run", "env") for _, text in texts((key,), data.get(key))]
    for name in _FILES:
        named = any(name in text for text in given)
        if WITH_TLS & {*spoken} and not named:
            message = f"https and h2 need a certificate: {name} stands neither in run nor in env"
            document.add(("protocols",), message, f'such as env: {{TLS_FILE: "{name}"}}')
        elif named and not WITH_TLS & {*spoken}:
            message = f"{name} is always empty: none of its protocols has TLS"
            document.add(("run",), message, "add protocols: [http, https]")
    if len(spoken) > 1 and not any("{protocol}" in text or "{cert}" in text for text in given):
        message = "which of them is it to speak? {protocol} stands neither in run nor in env"
        document.add(("protocols",), message, 'such as env: {PROTOCOL: "{protocol}"}')


def check_profile_protocol(document: YamlDocument, loc: Loc, written: dict[str, Any]) -> None:
    """Report what a profile asks of a protocol that has no such thing."""
    protocol = written.get("protocol", "http")
    if protocol in IN_HTTP2 and written.get("keepalive") is False:
        message = "no load tool opens a connection per request over HTTP/2"
        document.add((*loc, "keepalive"), message, "protocol: https has that; or remove keepalive")
    if "resume" not in written:
        return
    if protocol not in WITH_TLS:
        message = f"protocol: {protocol} has no TLS session to take up again"
        document.add((*loc, "resume"), message, "write protocol: https, or remove resume")
    elif written["resume"] is False and written.get("keepalive") is not False:
        message = "connections are made once, before the window: no handshake is measured"
        document.add((*loc, "resume"), message, "write keepalive: false, or remove resume")


def lacking(arm: Arm, load: LoadProfile) -> str:
    """Why a server takes no part in a profile, "" where it can."""
    config, load = arm.config, arm.under(load)
    if load.protocol not in config.protocols:
        if arm.url is not None:
            return f"a server at a url is asked by plain HTTP, not by {load.protocol}"
        said = ", ".join(config.protocols)
        return f"it does not speak {load.protocol} (`protocols` in its server.yaml: {said})"
    if not load.resume and not config.is_told("resume"):
        return "it may take up TLS sessions again: {resume} stands neither in its run nor its env"
    return ""


def left_out(arms: Sequence[Arm], loads: Sequence[LoadProfile]) -> Iterator[Skipped]:
    """Servers that take part in some profiles and cannot in others: one entry per reason."""
    for arm in arms:
        reasons: dict[str, list[str]] = {}
        for load in loads:
            reason = lacking(arm, load)
            if reason:
                reasons.setdefault(reason, []).append(load.id)
        for reason, names in reasons.items():
            yield Skipped(server=arm.name, reason=reason, profiles=tuple(names))


def unspoken(arm: Arm, loads: Sequence[LoadProfile]) -> str:
    """Why a server can take part in none of the profiles, "" where it can in some."""
    reasons = [lacking(arm, load) for load in loads]
    return reasons[0] if reasons and all(reasons) else ""
