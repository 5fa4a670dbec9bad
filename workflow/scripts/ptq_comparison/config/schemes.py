"""The types that a quantized model stores, and the opset that its options need."""

from collections.abc import Iterable
from typing import Any

# Name: (activation type, weight type), as onnxruntime's QuantType names them.
DTYPES = {
    "int8": ("QInt8", "QInt8"),
    "uint8": ("QUInt8", "QUInt8"),
    "u8s8": ("QUInt8", "QInt8"),
}

# Models that a comparison may hold beside them, which `comparison.references` names.
REFERENCES = ("fp16", "dynamic")

MIN_OPSET = 10  # the first with QuantizeLinear
MIN_OPSET_PER_CHANNEL = 13  # the first with an axis for it


def has_16_bits(options: dict[str, Any]) -> bool:
    """Tell whether any activation of a quantized model, or of a recipe, has 16 bits."""
    types = [options["activation_type"], *options.get("tensor_types", {}).values()]
    return any(kind.endswith("16") for kind in types)


def required_opset(models: Iterable[dict[str, Any]], key: str = "quantization") -> tuple[int, str]:
    """Return the least opset for the options of all quantized models, and what needs it.

    `key` is where the options stand. With 16 bits onnxruntime itself goes to a newer opset.
    """
    if any(
        options["per_channel"] and options["format"] == "QDQ" and not has_16_bits(options)
        for options in models
    ):
        return MIN_OPSET_PER_CHANNEL, f"{key}.per_channel with the format QDQ"
    return MIN_OPSET, key
