"""The machine as Linux shows it."""
