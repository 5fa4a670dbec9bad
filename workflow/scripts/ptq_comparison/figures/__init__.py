"""The figures of the report: one module each, and the style that they share."""
