"""Hardware and system, read through functions given as arguments; changes nothing."""
