"""Processes and counters as macOS shows them."""
