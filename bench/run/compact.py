"""What a session keeps of a finished trial in memory; the whole record, 20 KB, is on disk.

A model that is copied brings along its dictionary of values and a set of the fields that were
given, which for a trial of seven models is 15 KB. Here both hold what later decisions of the run
ask for and nothing else; all that is empty is shared.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, Final, TypeVar, cast

from bench.analysis.trials import UNCOMPARED
from bench.model.load_result import LatencySummary, LoadResult
from bench.model.trial_record import (
    Counters,
    Partner,
    Phases,
    Resources,
    SidechannelResult,
    TrialRecord,
)

if TYPE_CHECKING:
    from bench.model.base import Model

_M = TypeVar("_M", bound="Model")
_GIVEN: Final[set[str]] = set()
_EMPTY: Final[dict[str, Any]] = {
    "server_process": None,
    "pacing": None,
    "counters": Counters(),
    "sidechannel": SidechannelResult(),
    "exchanges": (),
    "warmup_series": (),
    "window_series": (),
}
_NONE: Final[dict[str, str]] = {}
_UNMEASURED: Final[dict[str, Any]] = {"load": None, "resources": Resources()}
_NO_RESOURCES: Final = Resources().__dict__
_NO_PHASES: Final = Phases().__dict__


def slim(record: TrialRecord, *, metrics: bool = True) -> TrialRecord:
    """The record without what no later decision of the run asks for.

    Args:
        record: a finished trial.
        metrics: keep of both arms what the metrics of `bench.analysis.trials` are made of, which
            only a run with a precision to reach asks for; id, cell, status and length are kept
            in any case.
    """
    rest: dict[str, Any] = {
        "trial": record.trial,
        "commands": (),
        "findings": tuple(each for each in record.findings if each.code in UNCOMPARED),
        "raw_sha256": _NONE,
        "started": "",
        "detail": "",
        "phases_s": _made(Phases, _NO_PHASES | {"total": record.phases_s.total}),
        "partner": _partner(record.partner) if record.partner and metrics else None,
    }
    measured = _measured(record) if metrics else _UNMEASURED
    return _made(TrialRecord, {**_shared(record), **_EMPTY, **measured, **rest})


def _partner(part: Partner) -> Partner:
    return _made(Partner, {**_shared(part), **_EMPTY, **_measured(part)})


def _measured(record: TrialRecord | Partner) -> dict[str, Any]:
    """Load and resources, in the same words in either."""
    used = record.resources
    resources = {
        "server_cpu_s": used.server_cpu_s,
        "span_s": used.span_s,
        "instructions": used.instructions,
        "rss_peak_bytes": used.rss_peak_bytes,
    }
    return {
        "load": record.load and _load(record.load),
        "resources": _made(Resources, _NO_RESOURCES | resources),
    }


def _load(load: LoadResult) -> LoadResult:
    latency = load.latency_us
    summary = latency and _made(LatencySummary, _shared(latency))
    rest = {"latency_us": summary, "status": None, "errors": None, "histogram": None}
    return _made(LoadResult, {**_shared(load), **rest})


def _shared(model: Model) -> dict[str, Any]:
    """The values of a model; texts that every trial repeats are one object."""
    return {
        name: sys.intern(value) if type(value) is str else value
        for name, value in model.__dict__.items()
    }


def _made(kind: type[_M], values: dict[str, Any]) -> _M:
    """A model of values that were checked once."""
    return cast("_M", kind.model_construct(_fields_set=_GIVEN, **values))
