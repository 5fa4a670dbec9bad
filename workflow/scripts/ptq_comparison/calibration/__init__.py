"""Ranges of activations from calibration images."""
