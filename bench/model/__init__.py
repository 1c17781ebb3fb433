"""What `bench` talks about, as frozen pydantic models; no I/O. The docstrings are the glossary."""
