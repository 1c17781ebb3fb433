"""The load tools on this machine, and how those that are missing get here."""
