"""Starts, pins, watches and ends processes; the only package that does."""

from bench.process.command import Command, Completed, capture

__all__ = ["Command", "Completed", "capture"]
