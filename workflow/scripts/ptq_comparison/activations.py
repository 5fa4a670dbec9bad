"""How the values of each activation tensor lie on the 8-bit grid that its range gives."""

from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnxruntime.quantization.calibrate import load_tensors_data

from ptq_comparison.inference import Batches, make_session, run_batch
from ptq_comparison.models import with_outputs

LEVELS = 256
QUANTILES = (0.005, 0.5, 0.995)  # the outer two hold 99 % of the values


def read_limits(ranges: Path) -> dict[str, tuple[float, float]]:
    """Return lowest and highest calibrated value of each tensor, from ranges.json."""
    tensors = load_tensors_data(ranges)
    return {
        # Methods differ in the shape, () or (1,).
        name: (tensors[name].lowest.item(), tensors[name].highest.item())
        for name in tensors.keys()  # noqa: SIM118  # it has no iterator
    }


def measure_activations(
    model: onnx.ModelProto, batches: Batches, limits: dict[str, tuple[float, float]], progress: Any
) -> list[dict[str, Any]]:
    """Return one object a tensor, in the order of the graph.

    `low` and `high` are the limits, widened to hold 0, as onnxruntime does; `zero_level` is where 0
    lies. `levels` are those below which 0.5 %, 50 % and 99.5 % of the values lie, `share` the part
    of the 256 levels between the outer two, and `clipped` the share of values beyond the limits.
    `progress` is a tqdm bar of images.
    """
    producers = {output: node.op_type for node in model.graph.node for output in node.output}
    names = [name for name in (batches.interface.input, *producers) if name in limits]
    grids = {name: (min(limits[name][0], 0.0), max(limits[name][1], 0.0)) for name in names}
    session = make_session(with_outputs(model, names), threads=1, optimize=False)
    counts = {name: np.zeros(LEVELS, np.int64) for name in names}
    clipped = dict.fromkeys(names, 0)
    inner = [name for name in names if name != batches.interface.input]
    for batch in batches:
        outputs = run_batch(session, inner, batch) if inner else []  # no name asks for all
        inputs = {name: values[: batch.images] for name, values in batch.inputs.items()}
        for name, values in {**inputs, **dict(zip(inner, outputs, strict=True))}.items():
            if name in grids:
                low, high = grids[name]
                scale = (high - low) / (LEVELS - 1) or 1.0
                level = np.rint((values - low) / scale)
                clipped[name] += int(np.sum((level < 0) | (level >= LEVELS)))
                level = np.clip(level, 0, LEVELS - 1).astype(np.int64)
                counts[name] += np.bincount(level.ravel(), minlength=LEVELS)
        progress.update(batch.images)
    return [
        _describe(name, producers.get(name, "input"), grids[name], counts[name], clipped[name])
        for name in names
    ]


def _describe(
    name: str, op_type: str, grid: tuple[float, float], counts: np.ndarray, clipped: int
) -> dict[str, Any]:
    low, high = grid
    total = int(counts.sum())
    levels = np.searchsorted(np.cumsum(counts), np.multiply(QUANTILES, total)).tolist()
    zero = -low / (high - low) if high > low else 0.0
    return {
        "tensor": name,
        "op_type": op_type,
        "low": low,
        "high": high,
        "zero_level": round(zero * (LEVELS - 1)),
        "levels": levels,
        "share": (levels[-1] - levels[0] + 1) / LEVELS,
        "clipped": clipped / total,
    }
