"""Runs: start, calibrate, rounds, deadline, machine lock, finish, resume and import."""
