"""Tables, pages, notes and verdicts for people."""
