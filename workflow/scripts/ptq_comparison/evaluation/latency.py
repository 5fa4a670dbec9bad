"""How long a model takes, against float32, on an otherwise idle machine.

The models take turns (A B C A B C ...), so that a drifting clock or another program disturbs all of
them alike. Each block has new sessions, since the place of a session in memory changes its times.
"""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import onnx
import onnxruntime

from ptq_comparison.evaluation.metrics import enclose
from ptq_comparison.evaluation.results import LatencyRow, Speed
from ptq_comparison.inference.batches import Batches
from ptq_comparison.inference.session import make_session

SESSION_OPTIONS = {
    # The threads of a session that waits for its turn would otherwise spin and disturb the others.
    "session.force_spinning_stop": "1",
    # And it would keep the memory of its last batch: sessions take turns with one arena.
    "session.use_env_allocators": "1",
}
BLOCK_COUNT = 30
WARM_UP_CALLS = 5  # of each model in each block, before the calls that are timed
BOOTSTRAP_SAMPLES = 2000
BOOTSTRAP_SEED = 0
BOOTSTRAP_GROUP = 6  # neighbouring blocks, a fifth of them

Settings = dict[tuple[int, int], Batches]  # by number of threads and batch size


class Times(NamedTuple):
    """Seconds, float64: of calls (blocks, rounds), and of the start of a session (blocks,)."""

    calls: np.ndarray
    starts: np.ndarray


def batches_by_setting(
    images: np.ndarray,
    model: onnx.ModelProto,
    preprocessing: dict[str, Any],
    thread_counts: Sequence[int | str],
    batch_sizes: Sequence[int],
    cores: int,
) -> Settings:
    """Return batches of the images for each setting, each once.

    `images` are uint8 (N, H, W, C). `thread_counts` are those of `count_threads`, of which `all`
    may be one of the others. A model with a fixed batch size has that one alone.
    """
    settings: Settings = {}
    for threads in thread_counts:
        for batch_size in batch_sizes:
            batches = Batches.of(images, model, preprocessing, batch_size)
            fixed_size = next(iter(batches)).size
            settings[count_threads(threads, cores), fixed_size] = batches
    return settings


def measure_models(
    models: Mapping[str, onnx.ModelProto], settings: Settings, seconds: float, progress: Any
) -> list[LatencyRow]:
    """Return a row a setting and model, in this order, without memory; one model is `fp32`.

    The arguments are those of `measure`.
    """
    measured = measure(models, settings, seconds, progress)
    return [
        {
            "model": name,
            **summarize(times[name], times["fp32"], threads, batch_size),
            "peak_memory_bytes": None,
        }
        for (threads, batch_size), times in zip(settings, measured, strict=True)
        for name in models
    ]


def measure(
    models: Mapping[str, onnx.ModelProto],
    settings: Settings,
    seconds: float,
    progress: Any,
    blocks: int = BLOCK_COUNT,
) -> list[dict[str, Times]]:
    """Time calls of every model, in turn, in each of the blocks of each setting.

    All models get the first batch of a setting, preprocessed before the clock starts, or as pixels
    if they preprocess it themselves. Settings take turns, too: the blocks of one are spread over
    the whole time. There are as many calls as the first model makes in about `seconds`, and at
    least one a block. `progress` is a tqdm bar, or None.
    """
    _make_arena()
    times: list[dict[str, Times]] = [{} for _ in settings]
    for block in range(blocks):
        for ((threads, _), batches), measured in zip(settings.items(), times, strict=True):
            fitted = {name: batches.fitted(model) for name, model in models.items()}
            types = {own.interface.dtype: own for own in fitted.values()}
            made = {kind: next(iter(own)).inputs for kind, own in types.items()}
            inputs = {name: made[own.interface.dtype] for name, own in fitted.items()}
            sessions, starts = {}, {}
            for name, model in models.items():
                begin = time.perf_counter()
                sessions[name] = make_session(model, threads, config_entries=SESSION_OPTIONS)
                starts[name] = time.perf_counter() - begin
            # The first model last: it sets the pace.
            for name, session in reversed(sessions.items()):
                for _ in range(WARM_UP_CALLS):
                    call = _time_call(session, inputs[name])
            if not measured:
                rounds = max(1, round(seconds / blocks / call))
                for name in models:
                    measured[name] = Times(np.empty((blocks, rounds)), np.empty(blocks))
            for name in models:
                measured[name].starts[block] = starts[name]
            for number in range(measured[name].calls.shape[1]):
                for name, session in sessions.items():
                    measured[name].calls[block, number] = _time_call(session, inputs[name])
            if progress is not None:
                progress.update()
    return times


@cache  # onnxruntime takes one a process
def _make_arena() -> None:
    arena = onnxruntime.OrtAllocatorType.ORT_ARENA_ALLOCATOR
    memory = onnxruntime.OrtMemoryInfo("Cpu", arena, 0, onnxruntime.OrtMemType.DEFAULT)
    onnxruntime.create_and_register_allocator(memory, None)


def count_threads(asked: int | str, cores: int) -> int:
    """Return the number of threads that the config asks for; `all` are the cores of the run."""
    # Snakemake may be allowed more cores than there are.
    return min(cores, os.cpu_count() or 1) if asked == "all" else int(asked)


def _time_call(session: onnxruntime.InferenceSession, inputs: dict[str, np.ndarray]) -> float:
    begin = time.perf_counter()
    session.run(None, inputs)
    return time.perf_counter() - begin


def summarize(times: Times, fp32: Times, threads: int, batch_size: int) -> Speed:
    """Return what was measured of a model in a setting, float32 in the same blocks.

    These are the number of calls, their median, p90 and p99, the throughput, the median session
    start, and what `speedup` returns.
    """
    median, p90, p99 = np.quantile(times.calls, [0.5, 0.9, 0.99])
    speed, interval = speedup(times, fp32)
    return {
        "threads": threads,
        "batch_size": batch_size,
        "calls": times.calls.size,
        "median_ms": 1e3 * float(median),
        "p90_ms": 1e3 * float(p90),
        "p99_ms": 1e3 * float(p99),
        "images_per_second": batch_size / float(median),
        "session_start_ms": 1e3 * float(np.median(times.starts)),
        "speedup": speed,
        "speedup_ci95": list(interval),
    }


def speedup(times: Times, fp32: Times) -> tuple[float, tuple[float, float]]:
    """Return how many times as fast as float32 a model is, and where about 95 % of repeats fall.

    The speed is the median over blocks of the ratio of median times. The interval is that speed
    plus the differences of two bootstrap samples, since a repeat varies as much as the measurement
    itself. A sample is a group of neighbouring blocks: what disturbs a machine lasts longer than
    one. D. N. Politis and J. P. Romano, A circular block-resampling procedure for stationary data,
    in R. LePage and L. Billard (eds.), Exploring the Limits of Bootstrap, 1992. It is a single
    group, not as many as make up a measurement, since a machine drifts between two runs, too: with
    as many, 85 % of the repeats were covered on an idle machine, with one 93 % (240 pairs).
    """
    ratios = np.median(fp32.calls, axis=1) / np.median(times.calls, axis=1)
    generator = np.random.default_rng(BOOTSTRAP_SEED)
    starts = generator.integers(0, len(ratios), (2, BOOTSTRAP_SAMPLES, 1))
    one, other = np.median(ratios[(starts + np.arange(BOOTSTRAP_GROUP)) % len(ratios)], axis=-1)
    speed = float(np.median(ratios))
    low, high = speed + np.quantile(one - other, [0.025, 0.975])
    return speed, enclose((float(low), float(high)), speed)


def peak_memory(model_path: Path, batches: Batches, threads: int) -> int:
    """Return by how many bytes loading a model and running one batch raises the peak memory.

    A new process measures it, since a peak never falls.
    """
    with tempfile.TemporaryDirectory() as scratch:
        # Without the name of the input, which is the model's and may be no name for a file.
        (images,) = next(iter(batches)).inputs.values()
        images_path = Path(scratch) / "images.npy"
        np.save(images_path, images)
        arguments = map(str, (model_path, images_path, threads))
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

images = np.load(sys.argv[2])
options = onnxruntime.SessionOptions()
options.intra_op_num_threads = int(sys.argv[3])
before = peak()
session = onnxruntime.InferenceSession(sys.argv[1], options, providers=["CPUExecutionProvider"])
session.run(None, {session.get_inputs()[0].name: images})
print(peak() - before)
"""
