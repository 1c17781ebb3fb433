"""The machine as macOS shows it."""
