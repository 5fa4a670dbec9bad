"""The call of `quantize_static` that makes a model, where one call does."""

import json
import tempfile
from collections.abc import Mapping
from enum import Enum
from pathlib import Path
from typing import Any

import onnx
from onnxruntime.quantization import CalibrationMethod, QuantFormat, QuantType, quantize_static

from ptq_comparison.config.methods import METHODS
from ptq_comparison.config.recipes import quantization_options
from ptq_comparison.model.graph import copy_model
from ptq_comparison.model.opset import drop_unused_domains
from ptq_comparison.quantization.checks import tensor_types

CALL = """\
from onnxruntime.quantization import CalibrationMethod, QuantFormat, QuantType
from onnxruntime.quantization import quantize_static

quantize_static(
    {source},
    "quantized.onnx",
{arguments}
)
"""


def plain_call(
    recipe: Mapping[str, Any], float_path: Path, ranges_path: Path, quantized: onnx.ModelProto
) -> str | None:
    """Return Python that makes a model again with `quantize_static`, or None where it does not.

    `recipe` is complete, `quantized` its model, made of the float32 model and the ranges in these
    files. It is tried: refinements change the float32 model before, and repairs the result.
    """
    model = onnx.load(float_path)
    arguments = _arguments(dict(recipe), model, ranges_path)
    with tempfile.TemporaryDirectory() as scratch:
        path = Path(scratch) / "quantized.onnx"
        try:
            quantize_static(copy_model(model), path, **arguments)
        except Exception:  # its quantizer raises whatever Python does
            return None
        made = onnx.load(path)
    drop_unused_domains(made)
    if made.graph != quantized.graph or list(made.opset_import) != list(quantized.opset_import):
        return None
    lines = [f"    {key}={_literal(value)}," for key, value in arguments.items()]
    return CALL.format(source=json.dumps(str(float_path)), arguments="\n".join(lines))


def _arguments(recipe: dict[str, Any], model: onnx.ModelProto, ranges_path: Path) -> dict[str, Any]:
    options = quantization_options(recipe)
    own = {
        name: [{"quant_type": QuantType[kind]}]
        for name, kind in tensor_types(model, options).items()
    }
    lists = {
        "nodes_to_exclude": list(options["nodes_to_exclude"]),
        "op_types_to_quantize": list(options["op_types_to_quantize"]),
        "extra_options": {
            **options["extra_options"],
            **({"TensorQuantOverrides": own} if own else {}),
        },
    }
    return {
        "calibration_cache_path": str(ranges_path),
        "calibrate_method": CalibrationMethod[METHODS[recipe["method"]].stored_as],
        "quant_format": QuantFormat[options["format"]],
        "activation_type": QuantType[options["activation_type"]],
        "weight_type": QuantType[options["weight_type"]],
        "per_channel": options["per_channel"],
        "reduce_range": options["reduce_range"],
        **{key: value for key, value in lists.items() if value},
    }


def _literal(value: Any) -> str:
    """Return a value as Python has it, members of enumerations by their names."""
    if isinstance(value, Enum):
        return f"{type(value).__name__}.{value.name}"
    if isinstance(value, dict):
        return f"{{{', '.join(f'{key!r}: {_literal(item)}' for key, item in value.items())}}}"
    if isinstance(value, list):
        return f"[{', '.join(map(_literal, value))}]"
    return repr(value)
