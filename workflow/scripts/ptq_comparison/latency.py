"""How long a model takes, against float32, on an otherwise idle machine.

The models take turns (A B C A B C ...), so that a clock that drifts or a neighbour that wakes up
meets all of them. Sessions are made anew for every block: where a session lies in memory moves its
times, too.
"""

import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import onnx

from ptq_comparison.inference import Batches, make_session

# The threads of a session that waits for its turn would otherwise spin and disturb the others.
QUIET = {"session.force_spinning_stop": "1"}
BLOCKS = 8
WARM_UP = 5  # calls of each model before a block is measured
RESAMPLES = 2000
SEED = 0  # of the bootstrap


class Times(NamedTuple):
    """Seconds, float64: of calls (blocks, rounds), and of the start of a session (blocks,)."""

    calls: np.ndarray
    starts: np.ndarray


def measure(
    models: Mapping[str, onnx.ModelProto],
    settings: Sequence[tuple[Batches, int]],
    rounds: int,
    progress: Any,
) -> list[dict[str, Times]]:
    """Time `rounds` calls of every model, in turn, in each of `BLOCKS` blocks of each setting.

    A setting is batches, of which all models get the first, and a number of threads. Settings take
    turns, too: the blocks of one are spread over the whole time. `progress` is a tqdm bar.
    """
    times = [
        {name: Times(np.empty((BLOCKS, rounds)), np.empty(BLOCKS)) for name in models}
        for _ in settings
    ]
    for block in range(BLOCKS):
        for (batches, threads), measured in zip(settings, times, strict=True):
            inputs = next(iter(batches)).inputs
            sessions = {}
            for name, model in models.items():
                begin = time.perf_counter()
                sessions[name] = make_session(model, threads, config_entries=QUIET)
                measured[name].starts[block] = time.perf_counter() - begin
            for session in sessions.values():
                for _ in range(WARM_UP):
                    session.run(None, inputs)
            for number in range(rounds):
                for name, session in sessions.items():
                    begin = time.perf_counter()
                    session.run(None, inputs)
                    measured[name].calls[block, number] = time.perf_counter() - begin
            progress.update()
    return times


def summarize(times: Times, images: int) -> dict[str, Any]:
    """Return median, p90 and p99 of a call of `images` images, throughput, and session start."""
    median, p90, p99 = np.quantile(times.calls, [0.5, 0.9, 0.99])
    return {
        "median_ms": 1e3 * float(median),
        "p90_ms": 1e3 * float(p90),
        "p99_ms": 1e3 * float(p99),
        "images_per_second": images / float(median),
        "session_start_ms": 1e3 * float(np.median(times.starts)),
    }


def speedup(times: Times, fp32: Times) -> tuple[float, tuple[float, float]]:
    """Return how many times as fast as float32 a model is, with a 95 % bootstrap interval.

    The median over blocks of the ratio of median times. Blocks are drawn with replacement, both
    models together: within a block calls are not independent.
    B. Efron and R. J. Tibshirani, An Introduction to the Bootstrap, 1993, chapter 13.
    """
    ratios = np.median(fp32.calls, axis=1) / np.median(times.calls, axis=1)
    generator = np.random.default_rng(SEED)
    drawn = generator.choice(ratios, (RESAMPLES, len(ratios)))
    low, high = np.quantile(np.median(drawn, axis=1), [0.025, 0.975])
    return float(np.median(ratios)), (float(low), float(high))


def peak_memory(model: Path, batches: Batches, threads: int) -> int:
    """Return by how many bytes loading a model and running one batch raises the peak memory.

    Measured in a process of its own, since a peak never falls.
    """
    with tempfile.TemporaryDirectory() as scratch:
        inputs = Path(scratch) / "inputs.npz"
        np.savez(inputs, **next(iter(batches)).inputs)  # type: ignore[arg-type]  # names of inputs
        command = [sys.executable, "-c", PEAK, str(model), str(inputs), str(threads)]
        output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return int(output)


PEAK = """
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

inputs = dict(np.load(sys.argv[2]))
options = onnxruntime.SessionOptions()
options.intra_op_num_threads = int(sys.argv[3])
before = peak()
session = onnxruntime.InferenceSession(sys.argv[1], options, providers=["CPUExecutionProvider"])
session.run(None, inputs)
print(peak() - before)
"""
