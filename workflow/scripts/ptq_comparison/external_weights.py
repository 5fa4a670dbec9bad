"""Files beside an ONNX file that hold its weights, as PyTorch's exporter leaves them."""

from collections.abc import Iterator
from pathlib import Path

import onnx


def external_files(path: Path) -> list[Path]:
    """Return the files that an ONNX file leaves weights to, sorted; none if it cannot be read."""
    try:
        model = onnx.load(path, load_external_data=False)
    except Exception:  # whatever is wrong with the file, `load_model` says it
        return []
    names = {
        entry.value
        for tensor in _tensors(model)
        if tensor.data_location == onnx.TensorProto.EXTERNAL
        for entry in tensor.external_data
        if entry.key == "location"
    }
    return [path.parent / name for name in sorted(names)]


def _tensors(model: onnx.ModelProto) -> Iterator[onnx.TensorProto]:
    yield from model.graph.initializer
    for node in model.graph.node:
        for attribute in node.attribute:
            if attribute.type == onnx.AttributeProto.TENSOR:
                yield attribute.t
