"""What to measure: files read and checked, expanded to a plan; also ab, try, variants and duets."""
