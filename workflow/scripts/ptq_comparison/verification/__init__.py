"""Requirements on the results of a run."""
