"""Profiles of a server: samples to stacks, stacks to categories, categories to words."""
