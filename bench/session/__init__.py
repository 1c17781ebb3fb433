"""A run: plan to trials to reports; owns clock, randomness, order, re-runs and resume."""

from bench.session.ab import Contest, Effort, plan_ab, with_arms
from bench.session.arms import Asked
from bench.session.lock import cache_folder, only_run
from bench.session.probes import plan_ceiling, plan_document, plan_noise
from bench.session.resume import Planned, planned_again
from bench.session.start import (
    Options,
    Result,
    plan_matrix,
    publish,
    resume_run,
    start_run,
    tool_versions,
)
from bench.session.trials import Ended, Session

__all__ = [
    "Asked",
    "Contest",
    "Effort",
    "Ended",
    "Options",
    "Planned",
    "Result",
    "Session",
    "cache_folder",
    "only_run",
    "plan_ab",
    "plan_ceiling",
    "plan_document",
    "plan_matrix",
    "plan_noise",
    "planned_again",
    "publish",
    "resume_run",
    "start_run",
    "tool_versions",
    "with_arms",
]
