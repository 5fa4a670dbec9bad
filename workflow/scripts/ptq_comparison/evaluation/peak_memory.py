"""The memory that a model needs, of a new process, since a peak never falls."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np


def peak_memory(
    model_path: Path, inputs: np.ndarray, threads: int, provider: str = "CPUExecutionProvider"
) -> int:
    """Return by how many bytes loading a model and running one batch raises the peak memory.

    `inputs` are those of its one input. Raises subprocess.CalledProcessError where the process
    fails, or dies: an onnxruntime that is too old for a model may crash.
    """
    with tempfile.TemporaryDirectory() as scratch:
        # Without the name of the input, which is the model's and may be no name for a file.
        inputs_path = Path(scratch) / "inputs.npy"
        np.save(inputs_path, inputs)
        arguments = map(str, (model_path, inputs_path, threads, provider))
        command = [sys.executable, "-c", PEAK_MEMORY_PROGRAM, *arguments]
        output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return int(output)


PEAK_MEMORY_PROGRAM = """
import resource, sys
from pathlib import Path
import numpy as np
import onnxruntime

def peak():
    status = Path("/proc/self/status")
    if status.exists():  # on Linux ru_maxrss starts with what the parent process had
        line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
        return 1024 * int(line.split()[1])
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

inputs = np.load(sys.argv[2])
options = onnxruntime.SessionOptions()
options.intra_op_num_threads = int(sys.argv[3])
before = peak()
session = onnxruntime.InferenceSession(sys.argv[1], options, providers=[sys.argv[4]])
session.run(None, {session.get_inputs()[0].name: inputs})
print(peak() - before)
"""
