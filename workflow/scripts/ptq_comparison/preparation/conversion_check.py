"""Whether a converted model gives the same scores as Keras."""

import math
from typing import Any

import numpy as np
import onnx

from ptq_comparison.common.errors import UserError
from ptq_comparison.inference.batches import Batches
from ptq_comparison.inference.session import make_session
from ptq_comparison.model.opset import model_opset
from ptq_comparison.preparation.same_predictions import changed_predictions

# Images that both models are compared on: 1,000 small ones, and 99 of 224 x 224 pixels.
MOST_IMAGES, FEWEST_IMAGES, PIXELS = 1000, 64, 5_000_000
# In a batch: Keras holds many activations at once, and one image of 224 x 224 takes 0.2 GB.
LARGEST_BATCH, BATCH_PIXELS = 20, 60_000


def compare(
    keras_model: Any,
    model: onnx.ModelProto,
    chosen: onnx.ModelProto,
    images: Any,
    preprocessing: dict[str, Any],
) -> dict[str, Any]:
    """Run both models on some of the images, uint8 (N, H, W, C), as many as their size allows.

    `model` has all outputs of the Keras model, in its order, `chosen` the one with the scores.
    Returns `nodes`, `opset`, `images`, `same_top1` (the share of equal predictions, of the output
    with the fewest), and `largest_difference` of a score. Raises UserError when a prediction
    differs by more than rounding, in any output.
    """
    pixels = math.prod(images.shape[1:3])
    few = images[: min(MOST_IMAGES, max(FEWEST_IMAGES, PIXELS // pixels))]
    batch_size = min(LARGEST_BATCH, max(1, BATCH_PIXELS // pixels))
    batches = Batches.of(few, chosen, preprocessing, batch_size)
    session = make_session(model, threads=1)
    names = [output.name for output in session.get_outputs()]
    (given,) = session.get_inputs()
    pairs = [
        (
            _outputs(keras_model(batch.inputs[given.name], training=False), names),
            session.run(names, batch.inputs),
        )
        for batch in batches
    ]
    expected, found = (
        [np.concatenate(parts)[: len(few)] for parts in zip(*side, strict=True)]
        for side in zip(*pairs, strict=True)
    )
    same, difference = 1.0, 0.0
    for name, ours, theirs in zip(names, map(_scores, expected), map(_scores, found), strict=True):
        wrong = changed_predictions(ours, theirs)
        if wrong:
            raise UserError(
                f"model.source: output {name!r} of the converted model differs from that of Keras "
                f"on {wrong} of {len(few)} images; convert it by other means and give the ONNX file"
            )
        same = min(same, float((ours.argmax(axis=1) == theirs.argmax(axis=1)).mean()))
        difference = max(difference, float(np.abs(ours - theirs).max()))
    return {
        "nodes": len(model.graph.node),
        "opset": model_opset(model),
        "images": len(few),
        "same_top1": same,
        "largest_difference": difference,
    }


def _outputs(result: Any, names: list[str]) -> list[np.ndarray]:
    """Return what Keras gives for a batch in the order of the ONNX model."""
    if isinstance(result, dict):
        keys = names if set(names) == set(result) else sorted(result)
        result = [result[key] for key in keys]
    elif not isinstance(result, (list, tuple)):
        result = [result]
    return [np.asarray(tensor) for tensor in result]


def _scores(output: np.ndarray) -> np.ndarray:
    """Return an output of any rank as (N, scores); of one sigmoid, the scores of both classes."""
    flat = output.reshape(len(output), -1)
    return np.hstack([1 - flat, flat]) if flat.shape[1] == 1 else flat
