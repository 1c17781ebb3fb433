"""The sections of a report, one file each: a View in, blocks out."""
