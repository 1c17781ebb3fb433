"""Results measured elsewhere as a run; see run.py."""

from bench.importing.facts import Facts, Imported, Source
from bench.importing.run import make_run, store

__all__ = ["Facts", "Imported", "Source", "make_run", "store"]
