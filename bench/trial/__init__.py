"""The life of one trial, of one server alone or of two at the same time."""

from bench.trial.duet import DuetOutcome, run_duet
from bench.trial.life import TrialRun, TrialSetting
from bench.trial.outcome import Outcome
from bench.trial.single import run_trial

__all__ = ["DuetOutcome", "Outcome", "TrialRun", "TrialSetting", "run_duet", "run_trial"]
