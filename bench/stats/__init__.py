"""Statistics: numbers in, NamedTuples out; never sees a model."""
