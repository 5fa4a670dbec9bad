"""A recipe with some of its nodes in float32, tried on images."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import onnx
from tqdm import tqdm

from ptq_comparison.common.descriptions import Provenance
from ptq_comparison.common.faults import describe_failure, is_fault_of_machine
from ptq_comparison.inference.batches import Batches
from ptq_comparison.inference.session import make_session, predict_scores
from ptq_comparison.model.layers import with_weights_of
from ptq_comparison.quantization.quantize import finish, quantize_model


@dataclass(frozen=True)
class Trial:
    """A recipe, as a function from names of nodes that stay in float32 to the model, and images.

    `scores` are those of float32 on the images, float32 (N, classes).
    """

    quantize: Callable[[Sequence[str]], onnx.ModelProto]
    batches: Batches
    scores: np.ndarray

    def predict(self, model: onnx.ModelProto) -> np.ndarray:
        """Return the scores of a model on the images, float32 (N, classes)."""
        # One thread: with more, sums are added in another order, and the scores change with it.
        session = make_session(model, threads=1)
        batches = self.batches.fitted(model)
        return predict_scores(session, batches, self.scores.shape[1], tqdm(disable=True))

    def attempt(self, in_float: Sequence[str], predicts: bool = True) -> "Attempt":
        """Return the model with these nodes in float32 and its scores, or why there are none.

        Without `predicts`, there are no scores.
        """
        try:
            model = self.quantize(in_float)
            return Attempt(model, self.predict(model) if predicts else None, "")
        except Exception as error:
            if is_fault_of_machine(error):
                raise
            reason = describe_failure(error)
            logging.warning("cannot be made: %s", reason, exc_info=True)
            return Attempt(None, None, reason)


class Attempt(NamedTuple):
    """A model and its scores, float32 (N, classes), or None for both and the `reason`."""

    model: onnx.ModelProto | None
    scores: np.ndarray | None
    reason: str


def exclude(options: dict[str, Any], in_float: Sequence[str]) -> dict[str, Any]:
    """Return the options of `quantize` with more nodes in float32."""
    return {**options, "nodes_to_exclude": [*options["nodes_to_exclude"], *in_float]}


def quantizer(
    model: onnx.ModelProto,
    ranges_path: Path,
    provenance: Provenance,
    options: dict[str, Any],
    refined: onnx.ModelProto | None = None,
) -> Callable[[Sequence[str]], onnx.ModelProto]:
    """Return the function of a `Trial`; its models are those of `quantize`, byte for byte.

    The recipe has to pass `quantization.check_recipe` before. `refined` is the model with the
    weights that the recipe asks for. A node that stays in float32 has those of `model`; that the
    others would be refined in another way beside it is left out, which saves the time.
    """

    def quantize_rest(in_float: Sequence[str]) -> onnx.ModelProto:
        excluding = exclude(options, in_float)
        given = model
        if refined is not None:
            given = with_weights_of(model, refined, excluding["nodes_to_exclude"])
        quantized, kept, _, coarser = quantize_model(given, ranges_path, excluding)
        return finish(quantized, provenance, excluding, kept, coarser)

    return quantize_rest
