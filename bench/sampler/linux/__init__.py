"""Processes and counters as Linux shows them."""
