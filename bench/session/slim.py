"""What a session keeps of a finished trial in memory; the whole record, 20 KB, is on disk."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from bench.model.trial import TrialRecord

_NOTHING: Final[dict[str, Any]] = {
    "server_process": None,
    "exchanges": (),
    "warmup_series": (),
    "window_series": (),
}


def slim(record: TrialRecord) -> TrialRecord:
    """The record without what no later decision of the run asks for."""
    partner = record.partner and record.partner.model_copy(update=_NOTHING)
    rest: dict[str, Any] = {
        "commands": (),
        "findings": (),
        "raw_sha256": {},
        "detail": "",
        "partner": partner,
    }
    return record.model_copy(update={**_NOTHING, **rest})
