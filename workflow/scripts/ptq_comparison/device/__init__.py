"""The models where they ship: files for devices, and what devices measured."""
