"""The life of one trial, of one server alone or of two at the same time."""

from bench.trial.life import Outcome, Setting
from bench.trial.single import run_trial

__all__ = ["Outcome", "Setting", "run_trial"]
