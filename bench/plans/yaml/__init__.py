"""Reads YAML with the line of each key and puts problems into plain words; all that knows YAML."""
