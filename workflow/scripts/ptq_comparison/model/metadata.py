"""What a quantized model was made from, kept inside its file."""

import json
from collections.abc import Mapping
from typing import Any

import onnx

PREFIX = "ptq_comparison."  # of the keys in metadata_props

PIXEL_INPUT = "uint8"  # the type of the input of a model that holds the preprocessing


def holds_preprocessing(model: onnx.ModelProto) -> bool:
    """Tell whether a model was made here to take pixels as they are stored."""
    options = read_metadata(model).get("quantization", {})
    return bool(options.get("input_type") == PIXEL_INPUT)


def write_metadata(model: onnx.ModelProto, provenance: Mapping[str, Any]) -> None:
    """Add `provenance` to the model's metadata_props, one entry a key; texts as they are."""
    entries = {
        PREFIX + key: value if isinstance(value, str) else json.dumps(value, separators=(",", ":"))
        for key, value in provenance.items()
    }
    known = {entry.key: entry.value for entry in model.metadata_props}
    onnx.helper.set_model_props(model, {**known, **entries})


def read_metadata(model: onnx.ModelProto) -> dict[str, Any]:
    """Return what `write_metadata` has added; empty for a model that was not made here."""
    provenance = {}
    for entry in model.metadata_props:
        if entry.key.startswith(PREFIX):
            try:
                value = json.loads(entry.value)
            except json.JSONDecodeError:
                value = entry.value  # a text
            provenance[entry.key.removeprefix(PREFIX)] = value
    return provenance
