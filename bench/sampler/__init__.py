"""Watches processes and machine during a trial; starts nothing, judges nothing, prints nothing."""

from bench.sampler.marks import Mark, Observation, with_load_cpu
from bench.sampler.sampling import Sampler

__all__ = ["Mark", "Observation", "Sampler", "with_load_cpu"]
