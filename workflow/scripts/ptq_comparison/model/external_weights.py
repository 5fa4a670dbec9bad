"""Files beside an ONNX file that hold its weights, as PyTorch's exporter leaves them."""

from collections.abc import Iterator
from pathlib import Path

import onnx
from onnx.external_data_helper import ExternalDataInfo, uses_external_data


def external_files(path: Path) -> list[Path]:
    """Return the files that an ONNX file leaves weights to, sorted; none if it cannot be read."""
    try:
        tensors = _tensors(onnx.load(path, load_external_data=False))
        names = {ExternalDataInfo(t).location for t in tensors if uses_external_data(t)}
    except Exception:  # whatever is wrong with the file, `load_model` says it
        return []
    return [path.parent / name for name in sorted(names)]


def _tensors(model: onnx.ModelProto) -> Iterator[onnx.TensorProto]:
    yield from model.graph.initializer
    for node in model.graph.node:
        for attribute in node.attribute:
            if attribute.type == onnx.AttributeProto.TENSOR:
                yield attribute.t
