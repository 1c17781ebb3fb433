"""Reports: one file per form, each a pure function of a RunView."""
