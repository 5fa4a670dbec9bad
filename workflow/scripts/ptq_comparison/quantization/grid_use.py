"""How the values of each activation tensor lie on the grid that a quantized model stores it in."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import onnx
import onnxruntime

from ptq_comparison.inference.batches import Batches
from ptq_comparison.inference.model_inputs import Batch
from ptq_comparison.inference.session import make_session, run_batch
from ptq_comparison.model.graph import with_outputs
from ptq_comparison.quantization.activation_grids import Grid

PIECE = 2**20  # values at once
QUANTILES = (0.005, 0.5, 0.995)  # the outer two hold 99 % of the values


def measure_activations(
    model: onnx.ModelProto, batches: Batches, grids: dict[str, Grid], progress: Any
) -> list[dict[str, Any]]:
    """Return one object a tensor, in the order of the graph.

    `model` is the float32 one, `grids` are those of `stored_grids`. `low` and `high` are the values
    of the ends of the grid, `grid` is the number of its levels, `zero_level` the one of 0. `levels`
    are those below which 0.5 %, 50 % and 99.5 % of the values lie, `share` the part of the grid
    between the outer two, and `clipped` the share of values beyond the grid. `progress` is a tqdm
    bar of images.
    """
    producers = {output: node.op_type for node in model.graph.node for output in node.output}
    names = [name for name in (batches.interface.input, *producers) if name in grids]
    session = make_session(with_outputs(model, names), threads=1, optimize=False)
    counts = {name: np.zeros(grids[name].size, np.int64) for name in names}
    clipped = dict.fromkeys(names, 0)
    inner = [name for name in names if name != batches.interface.input]
    for batch in batches:
        for name, values in _tensors(session, inner, batch):
            if name not in grids:
                continue
            grid = grids[name]
            for piece in _pieces(values):
                level = grid.unclipped_levels(piece)
                clipped[name] += int(np.sum((level < 0) | (level >= grid.size)))
                level = np.clip(level, 0, grid.size - 1).astype(np.int64)
                counts[name] += np.bincount(level, minlength=grid.size)
        progress.update(batch.images)
    return [
        _describe(name, producers.get(name, "input"), grids[name], counts[name], clipped[name])
        for name in names
    ]


def _tensors(
    session: onnxruntime.InferenceSession, names: list[str], batch: Batch
) -> Iterator[tuple[str, np.ndarray]]:
    """Yield the inputs and the tensors `names`; behind the last one, nothing holds them."""
    yield from ((name, values[: batch.images]) for name, values in batch.inputs.items())
    if names:  # none would ask for all
        yield from zip(names, run_batch(session, names, batch), strict=True)


def _pieces(values: np.ndarray) -> Iterator[np.ndarray]:
    """Yield the values in pieces, so that what is computed from them stays small."""
    flat = values.reshape(-1)
    yield from (flat[start : start + PIECE] for start in range(0, flat.size, PIECE))


def _describe(
    name: str, op_type: str, grid: Grid, counts: np.ndarray, clipped: int
) -> dict[str, Any]:
    total = int(counts.sum())
    levels = np.searchsorted(np.cumsum(counts), np.multiply(QUANTILES, total)).tolist()
    return {
        "tensor": name,
        "op_type": op_type,
        "low": grid.low,
        "high": grid.high,
        "grid": grid.size,
        "zero_level": grid.zero,
        "levels": levels,
        "share": (levels[-1] - levels[0] + 1) / grid.size,
        "clipped": clipped / total,
    }
