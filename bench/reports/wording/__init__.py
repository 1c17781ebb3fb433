"""Sentences by rules: each has its number, and none is made without data."""
