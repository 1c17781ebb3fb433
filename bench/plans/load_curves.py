"""Load curves and searches in a matrix: what may stand in it, and what becomes of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from bench.loadtools import ranked
from bench.model.fields import Rate
from bench.model.promise import parse_promise
from bench.units import format_duration, parse_duration

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bench.model.config import ProfileConfig
    from bench.plans.yaml.document import Loc, YamlDocument

_TIMEOUT: Final = "10s"


def points(profile: ProfileConfig) -> Iterator[ProfileConfig]:
    """A profile for each of its `rates`; one without them as it is."""
    if profile.rates is None:
        yield profile
        return
    for share in profile.rates:
        yield profile.replace(rate=Rate(share=share))


def check_rates(document: YamlDocument, loc: Loc, profile: dict[str, Any]) -> None:
    """What a profile says of its rate, or of several."""
    loop = profile.get("loop", "closed")
    several, one = "rates" in profile, "rate" in profile
    if document.data.get("promise") is not None:
        _check_sought(document, loc, profile)
        return
    if several and one:
        document.add((*loc, "rates"), "a profile has a rate or several, not both")
    if several and loop == "closed":
        advice = f"write loop: open (tool: {ranked('open')[0]}), or remove rates"
        message = "a closed loop has no rates: it goes as fast as it is answered"
        document.add((*loc, "rates"), message, advice)
    if several and document.data.get("design") == "duet":
        message = "a load curve shows each server alone; a duet has two at a time"
        document.add((*loc, "rates"), message, "write design: blocks, or a single rate")
    if "of" in profile and not several:
        message = "it says what the shares of rates are of, and there are none"
        document.add((*loc, "of"), message, "such as rates: [10%, 50%, 90%]")
    if loop == "open" and not one and not several:
        advice = "such as rate: 2000, or rate: 50% of the slowest server's capacity"
        document.add((*loc, "rate"), "an open loop needs a rate", advice)


def _check_sought(document: YamlDocument, loc: Loc, profile: dict[str, Any]) -> None:
    """A profile of a matrix with a promise: the rate is what is searched."""
    if profile.get("loop", "closed") != "open":
        message = "a promise is about an offered rate, which a closed loop has not"
        document.add(loc, message, "write loop: open")
    for key in ("rate", "rates", "of"):
        if key in profile:
            message = "with a promise the rate is what is searched"
            document.add((*loc, key), message, f"remove {key}, or promise")


def check_promise(document: YamlDocument, data: dict[str, Any]) -> None:
    """What a matrix with a promise may not say besides."""
    if data.get("promise") is None:
        if "tolerance" in data:
            message = "it has an effect only together with promise"
            document.add(("tolerance",), message, "such as promise: p99<10ms")
        return
    if data.get("design") == "duet":
        message = "the rate that keeps a promise is searched for one server at a time"
        document.add(("design",), message, "write design: blocks")
    for key in ("rounds", "precision", "max_rounds"):
        if key in data:
            message = "a search takes as many trials as it needs"
            document.add((key,), message, f"remove {key}; tolerance says how finely is searched")
    if "profiles" not in data:
        message = "a search needs a profile of an open loop"
        document.add(("promise",), message, "such as profiles: [{loop: open}]")
    _check_limit(document, data)


def _check_limit(document: YamlDocument, data: dict[str, Any]) -> None:
    """A limit beyond the timeout is not a limit: what comes later has failed."""
    profiles = data.get("profiles")
    if document.is_bad(("promise",)) or not isinstance(profiles, list):
        return
    promise = parse_promise(data["promise"])
    for profile in profiles:
        written = profile.get("timeout", _TIMEOUT) if isinstance(profile, dict) else _TIMEOUT
        try:
            timeout_s = parse_duration(written)
        except ValueError:
            continue
        if promise.limit_us >= timeout_s * 1e6:
            message = (
                f"every rate keeps it: a response later than the timeout of "
                f"{format_duration(timeout_s)} counts as failed and has no time"
            )
            document.add(("promise",), message, "a lower limit, or a longer timeout")
            return
