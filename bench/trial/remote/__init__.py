"""A trial whose server and load have machines of their own.

`server_side` and `load_side` run in the agents on those machines (see `bench.process.remote`);
`lab` holds the machines of a run; the other modules are what a trial has in place of server,
sampler, load and questions. Nothing is sent to any machine inside a window.
"""
