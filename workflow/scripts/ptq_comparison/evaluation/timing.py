"""Times of models in turn, and how many times as fast as float32 one is.

The models take turns (A B C A B C ...), so that a drifting clock or another program disturbs all of
them alike. Each block has new sessions, since the place of a session in memory changes its times.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import onnxruntime

from ptq_comparison.evaluation.enclosed import enclose
from ptq_comparison.evaluation.results import Speed

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


class Times(NamedTuple):
    """Seconds, float64: of calls (blocks, rounds), and of the start of a session (blocks,)."""

    calls: np.ndarray
    starts: np.ndarray


class Setting(NamedTuple):
    """The threads of a session, and a function that makes the inputs of each model by its name."""

    threads: int
    make_inputs: Callable[[], Mapping[str, Mapping[str, np.ndarray]]]


def measure_in_turn(
    makers: Mapping[str, Callable[[int], onnxruntime.InferenceSession]],
    settings: Sequence[Setting],
    seconds: float,
    blocks: int,
) -> Iterator[list[dict[str, Times]]]:
    """Time calls of every model, in turn; yield the times of each setting behind each block.

    `makers` are functions that make the session of a model for a number of threads. All models get
    the inputs of a setting, which are made before the clock starts. Settings take turns, too: the
    blocks of one are spread over the whole time. There are as many calls as the first model makes
    in about `seconds`, and at least one a block.
    """
    _make_arena()
    times: list[dict[str, Times]] = [{} for _ in settings]
    for block in range(blocks):
        for setting, measured in zip(settings, times):  # noqa: B905 - Python 3.8
            inputs = setting.make_inputs()
            sessions, starts = {}, {}
            for name, make in makers.items():
                begin = time.perf_counter()
                sessions[name] = make(setting.threads)
                starts[name] = time.perf_counter() - begin
            # The first model last: it sets the pace.
            for name, session in reversed(list(sessions.items())):
                for _ in range(WARM_UP_CALLS):
                    call = _time_call(session, inputs[name])
            if not measured:
                rounds = max(1, round(seconds / blocks / call))
                for name in makers:
                    measured[name] = Times(np.empty((blocks, rounds)), np.empty(blocks))
            for name in makers:
                measured[name].starts[block] = starts[name]
            for number in range(measured[name].calls.shape[1]):
                for name, session in sessions.items():
                    measured[name].calls[block, number] = _time_call(session, inputs[name])
        yield [
            {name: Times(t.calls[: block + 1], t.starts[: block + 1]) for name, t in found.items()}
            for found in times
        ]


@lru_cache(maxsize=None)  # noqa: UP033 - Python 3.8; onnxruntime takes one a process
def _make_arena() -> None:
    arena = onnxruntime.OrtAllocatorType.ORT_ARENA_ALLOCATOR
    memory = onnxruntime.OrtMemoryInfo("Cpu", arena, 0, onnxruntime.OrtMemType.DEFAULT)
    onnxruntime.create_and_register_allocator(memory, None)


def count_threads(asked: int | str, cores: int) -> int:
    """Return the number of threads that the config asks for; `all` are the cores of the run."""
    # Snakemake may be allowed more cores than there are.
    return min(cores, os.cpu_count() or 1) if asked == "all" else int(asked)


def _time_call(session: onnxruntime.InferenceSession, inputs: Mapping[str, np.ndarray]) -> float:
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
