"""The bundle that measures models on another machine, and what such a machine brings back."""
