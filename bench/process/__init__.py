"""Starts, pins, watches and ends processes; the only package that does."""

from bench.process.client import Child, SupervisorClient
from bench.process.command import Command, Completed, capture
from bench.process.spaces import connect, network_space, socket_in, spaces_allowed
from bench.process.strays import Stray, strays

__all__ = [
    "Child",
    "Command",
    "Completed",
    "Stray",
    "SupervisorClient",
    "capture",
    "connect",
    "network_space",
    "socket_in",
    "spaces_allowed",
    "strays",
]
