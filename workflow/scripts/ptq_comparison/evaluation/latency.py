"""How long a model takes, against float32, on an otherwise idle machine; see `timing`."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
import onnx

from ptq_comparison.evaluation.results import LatencyRow
from ptq_comparison.evaluation.timing import (
    BLOCK_COUNT,
    SESSION_OPTIONS,
    Setting,
    Times,
    count_threads,
    measure_in_turn,
    summarize,
)
from ptq_comparison.inference.batches import Batches
from ptq_comparison.inference.session import make_session

Settings = dict[tuple[int, int], Batches]  # by number of threads and batch size


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
    makers = {
        name: partial(make_session, model, config_entries=SESSION_OPTIONS)
        for name, model in models.items()
    }
    each = [
        Setting(threads, partial(_make_inputs, models, batches))
        for (threads, _), batches in settings.items()
    ]
    measured: list[dict[str, Times]] = []
    for so_far in measure_in_turn(makers, each, seconds, blocks):
        measured = so_far
        if progress is not None:
            progress.update(len(each))
    return measured


def _make_inputs(
    models: Mapping[str, onnx.ModelProto], batches: Batches
) -> dict[str, dict[str, np.ndarray]]:
    """Return the inputs of the first batch for each model; those of one type share them."""
    fitted = {name: batches.fitted(model) for name, model in models.items()}
    types = {own.interface.dtype: own for own in fitted.values()}
    made = {kind: next(iter(own)).inputs for kind, own in types.items()}
    return {name: made[own.interface.dtype] for name, own in fitted.items()}
