"""Starts, pins, watches and ends processes; the only package that does."""

from bench.process.client import Child, Supervisor
from bench.process.command import Command, Completed, capture

__all__ = ["Child", "Command", "Completed", "Supervisor", "capture"]
