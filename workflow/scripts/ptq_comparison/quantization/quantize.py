"""From float32 to 8 bits with onnxruntime's static quantization."""

import logging
import tempfile
from pathlib import Path
from typing import Any

import onnx
from onnxruntime.quantization import CalibrationMethod, QuantFormat, QuantType, quantize_static

from ptq_comparison.common.descriptions import Provenance
from ptq_comparison.common.files import atomic_path
from ptq_comparison.config.methods import METHODS
from ptq_comparison.config.schemes import required_opset
from ptq_comparison.inference.batches import Batches
from ptq_comparison.model.graph import copy_model
from ptq_comparison.model.layers import float_weighted
from ptq_comparison.model.metadata import write_metadata
from ptq_comparison.model.opset import check_opset
from ptq_comparison.quantization.checks import (
    check_names,
    check_outputs,
    check_stored,
    tensor_types,
)
from ptq_comparison.quantization.excluded_nodes import keep_in_float


def check_recipe(model: onnx.ModelProto, section: str, options: dict[str, Any]) -> None:
    """Raise UserError unless a model has the opset and the names that a recipe asks for.

    `options` are those of `quantize`; `section` is where they stand. A refinement would fail on a
    lower opset, or take long before the mistake in a name is found.
    """
    check_opset(model, *required_opset([options], section))
    own_types = tensor_types(model, options)
    names = options["nodes_to_exclude"], options["op_types_to_quantize"]
    check_names(model, *names, own_types, section)


def quantize(
    model: onnx.ModelProto,
    ranges_path: Path,
    output_path: Path,
    provenance: Provenance,
    batches: Batches,
    **options: Any,
) -> None:
    """Write the quantized model, from ranges in the format of onnxruntime's calibration cache.

    `options` are those of `quantization_options`. `provenance` is that of the ranges; it goes into
    the metadata of the model, with the options. The model is written when it passes the `checks`,
    the last of them on the first of `batches`. The log names the nodes whose weights stay in
    float32 without being excluded. Raises UserError when a check fails, and for names that are not
    in the model.
    """
    own_types = tensor_types(model, options)
    check_names(model, options["nodes_to_exclude"], options["op_types_to_quantize"], own_types)
    quantized = quantize_model(model, ranges_path, provenance["method"], options)
    check_stored(quantized, options)
    check_outputs(quantized, model, batches)
    types = options["op_types_to_quantize"]
    left = [
        node.name or node.output[0]
        for node in float_weighted(quantized)
        if node.name not in options["nodes_to_exclude"] and (not types or node.op_type in types)
    ]
    if left:
        logging.warning("onnxruntime leaves the weights of these nodes in float32: %s", left)
    write_metadata(quantized, {**provenance, "quantization": options})
    with atomic_path(output_path) as temporary:
        onnx.save(quantized, temporary)


def quantize_model(
    model: onnx.ModelProto, ranges_path: Path, method: str, options: dict[str, Any]
) -> onnx.ModelProto:
    """Return the model as onnxruntime quantizes it, unchecked; see `quantize` for the arguments.

    Excluded nodes run in float32, which onnxruntime alone does not ensure: see `keep_in_float`.
    """
    types = tensor_types(model, options)
    overrides = (
        {"TensorQuantOverrides": {k: [{"quant_type": QuantType[v]}] for k, v in types.items()}}
        if types
        else {}
    )
    # onnxruntime takes only ranges of the method that it is told.
    known_method = CalibrationMethod[METHODS[method].stored_as]
    with tempfile.TemporaryDirectory() as scratch:
        path = Path(scratch) / "quantized.onnx"
        quantize_static(
            # onnxruntime changes the model that it is given; given a path, it writes a file beside
            # it, so that parallel jobs collide.
            copy_model(model),
            path,
            calibration_cache_path=ranges_path,
            calibrate_method=known_method,
            quant_format=QuantFormat[options["format"]],
            activation_type=QuantType[options["activation_type"]],
            weight_type=QuantType[options["weight_type"]],
            per_channel=options["per_channel"],
            reduce_range=options["reduce_range"],
            nodes_to_exclude=list(options["nodes_to_exclude"]),
            op_types_to_quantize=list(options["op_types_to_quantize"]),
            extra_options={**options["extra_options"], **overrides},
        )
        quantized = onnx.load(path)
    keep_in_float(quantized)
    return quantized
