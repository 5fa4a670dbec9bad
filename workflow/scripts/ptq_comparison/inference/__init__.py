"""Images through a model: preprocessing, batches, sessions."""
