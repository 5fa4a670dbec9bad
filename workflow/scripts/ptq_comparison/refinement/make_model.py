"""A recipe from the float32 model and ranges to the file of the quantized model."""

from pathlib import Path
from typing import Any

import numpy as np
import onnx

from ptq_comparison.calibration.provenance import recipe_provenance
from ptq_comparison.common.files import check_sha256
from ptq_comparison.config.recipes import quantization_options
from ptq_comparison.inference.batch_size import choose_batch_size
from ptq_comparison.inference.batches import Batches
from ptq_comparison.model.graph import name_nodes
from ptq_comparison.model.loading import load_model
from ptq_comparison.quantization.float_nodes import with_float_nodes
from ptq_comparison.quantization.quantize import check_recipe, quantize
from ptq_comparison.refinement.refine import REFINEMENT_IMAGE_COUNT, refine


def refinement_batches(model: onnx.ModelProto, images_path: Path, params: Any) -> Batches:
    """Return batches of the calibration images that `refine` looks at.

    `images_path` is their `.npy`, `params` are those of `choose_batch_size`.
    """
    images = np.load(images_path, mmap_mode="r")
    few = images[:: max(1, len(images) // REFINEMENT_IMAGE_COUNT)]
    size = choose_batch_size(model, images, params, fetches_all=True)
    return Batches.of(few, model, params.preprocessing, size)


def make_model(
    model_path: Path,
    images_path: Path,
    ranges_path: Path,
    recipe: dict[str, Any],
    name: str,
    section: str,
    params: Any,
    output_path: Path,
    check_path: Path,
) -> None:
    """Write the model that a complete recipe asks for, and the check of its operators.

    `images_path` is the `.npy` of the calibration images that the ranges belong to. `name` goes
    into the metadata, `section` of the configuration into errors. `params` are those of
    `choose_batch_size`. Raises UserError for other ranges, and what `refine` and `quantize` raise.
    """
    provenance = recipe_provenance(
        model_path, images_path, ranges_path, params.preprocessing, recipe, name
    )
    model = name_nodes(load_model(model_path))  # by which they are excluded
    recipe = with_float_nodes(model, recipe)
    options = quantization_options(recipe)
    check_recipe(model, section, options)
    batches = refinement_batches(model, images_path, params)
    quantize(
        refine(model, ranges_path, recipe, batches),
        ranges_path,
        output_path,
        check_path,
        provenance=provenance,
        batches=batches,
        **options,
    )
    # Other tools were seen to change the file that they are given.
    check_sha256(model_path, provenance["model_sha256"], key="model.source")
