"""From float32 to 8 bits with onnxruntime's static quantization."""

import logging
import tempfile
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import onnx
from onnxruntime.quantization import QuantFormat, QuantType, quantize_static
from onnxruntime.quantization.calibrate import (
    TensorsData,
    load_tensors_data,
    save_tensors_data,
)
from onnxruntime.quantization.registry import QLinearOpsRegistry

from ptq_comparison.common.descriptions import Provenance
from ptq_comparison.common.errors import UserError, first_line
from ptq_comparison.common.files import atomic_path, write_json
from ptq_comparison.config.schemes import required_opset
from ptq_comparison.inference.batches import Batches
from ptq_comparison.model.graph import (
    copy_model,
    describe,
    inner_graphs,
    name_nodes,
    sort_nodes,
)
from ptq_comparison.model.layers import float_weighted
from ptq_comparison.model.metadata import PIXEL_INPUT, write_metadata
from ptq_comparison.model.opset import check_opset, drop_unused_domains
from ptq_comparison.quantization.channels_last import keep_channels_last
from ptq_comparison.quantization.checks import (
    check_names,
    check_outputs,
    check_per_channel,
    check_stored,
    tensor_types,
)
from ptq_comparison.quantization.excluded_nodes import keep_in_float, separate_constants
from ptq_comparison.quantization.given_ranges import (
    QDQ_TYPES,
    fitted_ranges,
    limits,
    unbounded_nodes,
)
from ptq_comparison.quantization.operator_check import check_operators
from ptq_comparison.quantization.repairs import (
    OVERFLOW,
    biases_that_may_overflow,
    nodes_to_keep,
)
from ptq_comparison.quantization.uint8_input import check_same_scores, take_pixels
from ptq_comparison.quantization.wide_grids import WideGrid, described, wide_grids

REGISTRIES = {"QDQ": QDQ_TYPES, "QOperator": {*QLinearOpsRegistry}}
CHECK_IMAGES = 32  # on which operators are compared, about


def check_recipe(model: onnx.ModelProto, section: str, options: dict[str, Any]) -> None:
    """Raise UserError unless a model has the opset and the names that a recipe asks for.

    `options` are those of `quantize`; `section` is where they stand. A refinement would fail on a
    lower opset, or take long before the mistake in a name is found.
    """
    check_opset(model, *required_opset([options], section))
    own_types = tensor_types(model, options)
    names = options["nodes_to_exclude"], options["op_types_to_quantize"]
    check_names(model, *names, own_types, section)
    if options["per_channel"]:
        check_per_channel(model, section, options["nodes_to_exclude"])


def quantize(
    model: onnx.ModelProto,
    ranges_path: Path,
    output_path: Path,
    check_path: Path,
    provenance: Provenance,
    batches: Batches,
    **options: Any,
) -> None:
    """Write the quantized model, from ranges in the format of onnxruntime's calibration cache.

    `options` are those of `quantization_options`. `provenance` is that of the ranges; it goes into
    the metadata of the model, with the options. The model is written when it passes the `checks`
    and its operators agree with those of float32 on the first of `batches`; `check_path` gets the
    result of `check_operators`. Raises UserError when a check fails, and for names that are not in
    the model.
    """
    own_types = tensor_types(model, options)
    check_names(model, options["nodes_to_exclude"], options["op_types_to_quantize"], own_types)
    quantized, kept, model, coarser = quantize_model(model, ranges_path, options)
    check_stored(quantized, options)
    check_outputs(quantized, model, batches)
    kept |= _left_in_float(quantized, options, kept)
    for name, reason in kept.items():
        logging.warning("%r stays in float32: %s", name, reason)
    for name, done in coarser.items():
        logging.info("%r: %s", name, done)
    stored = finish(quantized, provenance, options, kept, coarser)
    few = replace(batches, images=batches.images[:: max(1, len(batches.images) // CHECK_IMAGES)])
    check = check_operators(model, quantized, limits(load_tensors_data(ranges_path)), few, kept)
    if stored is not quantized:
        check_same_scores(quantized, stored, few)
    write_json(check_path, check)
    with atomic_path(output_path) as temporary:
        onnx.save(stored, temporary)


def finish(
    quantized: onnx.ModelProto,
    provenance: Provenance,
    options: dict[str, Any],
    kept: dict[str, str],
    coarser: dict[str, str],
) -> onnx.ModelProto:
    """Return a quantized model as it is stored: in the form that onnxruntime runs faster, with the
    input of `options`, and its provenance.

    `provenance` is that of the ranges, `kept` and `coarser` are those of `Quantized`.
    """
    quantized = keep_channels_last(quantized)
    if options.get("input_type") == PIXEL_INPUT:
        quantized = take_pixels(quantized, provenance["preprocessing"])
    drop_unused_domains(quantized)
    write_metadata(quantized, quantization_provenance(provenance, options, kept, coarser))
    return quantized


def quantization_provenance(
    provenance: Provenance,
    options: dict[str, Any],
    kept: dict[str, str],
    coarser: dict[str, str],
) -> Provenance:
    """Return what goes into the metadata of a quantized model.

    `kept` and `coarser` are those of `Quantized`, and left out where they are empty.
    """
    made: Provenance = {**provenance, "quantization": options}
    if kept:
        made["kept_in_float"] = kept
    if coarser:
        made["coarser_weights"] = coarser
    return made


def _left_in_float(
    quantized: onnx.ModelProto, options: dict[str, Any], kept: Collection[str]
) -> dict[str, str]:
    """Return weighted nodes that onnxruntime has no 8-bit operator for in the format, and why.

    Raises UserError for others that it has left in float32, though they were to be quantized.
    """
    types, registry = options["op_types_to_quantize"], REGISTRIES[options["format"]]
    found = {}
    for node in float_weighted(quantized):
        name = node.name or node.output[0]
        if name in {*options["nodes_to_exclude"], *kept} or (types and node.op_type not in types):
            continue
        if node.op_type in registry:
            raise UserError(
                f"quantization: onnxruntime leaves the weights of {describe(node)} in float32; "
                "name the node in quantization.nodes_to_exclude, or change quantization.format"
            )
        found[name] = f"onnxruntime has no {node.op_type} in format {options['format']}"
    return found


class Quantized(NamedTuple):
    """A quantized model, the nodes that stay in float32 with the reason, by name, the float32 model
    that it was made from, in which such nodes have weights of their own, and what `wide_grids` did
    to the weights of nodes, by name."""

    model: onnx.ModelProto
    kept: dict[str, str]
    float_model: onnx.ModelProto
    coarser: dict[str, str]


def quantize_model(model: onnx.ModelProto, ranges_path: Path, options: dict[str, Any]) -> Quantized:
    """Return the model as onnxruntime quantizes it, unchecked; see `quantize` for the arguments.

    Excluded nodes run in float32, which onnxruntime alone does not ensure: see `keep_in_float`.
    Nodes that it would damage are kept in float32, too: activations that the grid does not cut,
    nodes whose bias overflows unless `wide_grids` help, and those at infinite tensors. Raises
    UserError where onnxruntime fails.
    """
    ranges = load_tensors_data(ranges_path)
    kept = unbounded_nodes(model, ranges)
    excluded = set(options["nodes_to_exclude"])
    grids: dict[str, WideGrid] = {}
    while True:
        if kept:
            model = name_nodes(model)  # onnxruntime excludes nodes by name
        excluded |= {node.name for node in model.graph.node if node.output[0] in kept}
        model = separate_constants(model, excluded)
        try:
            quantized = _quantize_once(model, ranges, options, kept, grids)
            found = nodes_to_keep(model, quantized)
        except UserError:
            # Its own repair of biases fails by channel in QOperator models.
            found = biases_that_may_overflow(model, limits(ranges))
            if found.keys() <= kept.keys():
                raise
            kept |= found
            continue
        found = {output: why for output, why in found.items() if output not in kept}
        if not found:
            break
        others = {output: why for output, why in found.items() if why != OVERFLOW}
        if not (others or grids) and options["format"] == "QDQ":
            grids = wide_grids(model, quantized, found, options["per_channel"])
            if grids:
                continue
        kept |= others or found  # others change grids of activations, which biases depend on
    keep_in_float(quantized)
    if any(True for node in quantized.graph.node for _ in inner_graphs(node)):
        sort_nodes(quantized.graph)  # onnxruntime does not look into graphs inside nodes
    names = {node.output[0]: node.name for node in model.graph.node}
    reasons = {names[output]: why for output, why in kept.items()}
    coarser = {n: what for n, what in described(model, grids).items() if n not in reasons}
    return Quantized(quantized, reasons, model, coarser)


@contextmanager
def _where_in_float(is_needed: bool) -> Iterator[None]:
    """Let onnxruntime leave Where in float32.

    Its own way to do so, in QOperator models, is to forget that the inputs have to be dequantized,
    even for excluded nodes; it then refuses its own result.
    """
    kept = QLinearOpsRegistry.pop("Where") if is_needed else None
    try:
        yield
    finally:
        if kept is not None:
            QLinearOpsRegistry["Where"] = kept


def _quantize_once(
    model: onnx.ModelProto,
    ranges: TensorsData,
    options: dict[str, Any],
    kept: Collection[str],
    grids: dict[str, WideGrid],
) -> onnx.ModelProto:
    types = tensor_types(model, options)
    own: dict[str, Any] = {k: [{"quant_type": QuantType[v]}] for k, v in types.items()}
    own |= {name: grid.overrides for name, grid in grids.items()}
    overrides = {"TensorQuantOverrides": own} if own else {}
    excluded = [node.name for node in model.graph.node if node.output[0] in kept]
    with tempfile.TemporaryDirectory() as scratch:
        path, ranges_path = Path(scratch) / "quantized.onnx", Path(scratch) / "ranges.json"
        save_tensors_data(fitted_ranges(model, ranges, kept), ranges_path)
        forced = bool(options["extra_options"].get("ForceQuantizeNoInputCheck")) and not excluded
        try:
            with _where_in_float(options["format"] == "QOperator" and not forced):
                quantize_static(
                    # onnxruntime changes the model that it is given; given a path, it writes a file
                    # beside it, so that parallel jobs collide.
                    copy_model(model),
                    path,
                    calibration_cache_path=ranges_path,
                    # It takes only ranges of the method that it is told.
                    calibrate_method=ranges.calibration_method,
                    quant_format=QuantFormat[options["format"]],
                    activation_type=QuantType[options["activation_type"]],
                    weight_type=QuantType[options["weight_type"]],
                    per_channel=options["per_channel"],
                    reduce_range=options["reduce_range"],
                    nodes_to_exclude=[*options["nodes_to_exclude"], *excluded],
                    op_types_to_quantize=list(options["op_types_to_quantize"]),
                    extra_options={**options["extra_options"], **overrides},
                )
        except Exception as error:  # its quantizer raises whatever Python does
            other = "QDQ" if options["format"] == "QOperator" else "QOperator"
            raise UserError(
                f"quantization: onnxruntime cannot quantize the model in format "
                f"{options['format']} ({type(error).__name__}: {first_line(error)}); set "
                f"quantization.format to {other}, or name the node in quantization.nodes_to_exclude"
            ) from error
        return onnx.load(path)
