"""The report of the default run, as a reader sees it."""
