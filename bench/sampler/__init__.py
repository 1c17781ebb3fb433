"""Watches processes and machine during a trial; starts nothing, judges nothing, prints nothing."""

from bench.sampler.linux.handshakes import HandshakeCount
from bench.sampler.marks import Mark, Observation, with_load_cpu
from bench.sampler.platforms import handshake_count
from bench.sampler.sampling import Sampler

__all__ = [
    "HandshakeCount",
    "Mark",
    "Observation",
    "Sampler",
    "handshake_count",
    "with_load_cpu",
]
