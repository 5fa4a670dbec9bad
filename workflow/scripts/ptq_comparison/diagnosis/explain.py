"""One model that has lost too much: measured, and what follows from that."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import onnx
from tqdm import tqdm

from ptq_comparison.diagnosis.node_losses import node_losses
from ptq_comparison.diagnosis.reasons import Diagnosis, Measured, find_reasons, worst_nodes
from ptq_comparison.inference.batches import Batches
from ptq_comparison.quantization.activation_grids import stored_grids
from ptq_comparison.quantization.grid_use import measure_activations

IMAGES = 32  # that the nodes are measured on
BATCH_SIZE = 2  # all activations of a batch are held, twice


def explain(
    evaluation: Mapping[str, Any],
    float_model: onnx.ModelProto,
    quantized: onnx.ModelProto,
    images: np.ndarray,
    preprocessing: dict[str, Any],
    recipe: Mapping[str, Any],
    saturation_threshold: float,
) -> Diagnosis:
    """Return the diagnosis of a model; `images` are the calibration images, uint8 (N, H, W, C).

    `float_model` is what it was quantized from, `recipe` is complete, `saturation_threshold` the
    share of changed predictions that is worth a warning.
    """
    few = images[:: max(1, len(images) // IMAGES)][:IMAGES]
    batches = Batches.of(few, float_model, preprocessing, BATCH_SIZE)
    losses = node_losses(float_model, quantized, batches)
    grids = stored_grids(quantized, float_model)
    activations = measure_activations(float_model, batches, grids, tqdm(disable=True))
    saturation = evaluation["saturation"] or {}
    measured = Measured(float_model, losses, activations, saturation.get("changed"), recipe)
    return {
        **unexplained(evaluation),
        "reasons": find_reasons(measured, saturation_threshold),
        "nodes": worst_nodes(losses),
    }


def unexplained(evaluation: Mapping[str, Any]) -> Diagnosis:
    """Return what is known of a model before anything is measured: how much it loses."""
    return {
        "model": evaluation["model"]["name"],
        "delta_pp": evaluation["baseline"]["delta_pp"],
        "reasons": [],
        "nodes": [],
    }
