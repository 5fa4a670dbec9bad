"""Measurements of time and memory; each module is a command, `python -m benchmarks.NAME`."""

import os

# Before a benchmark, or a process that it starts, imports onnxruntime, which would look a host up.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
