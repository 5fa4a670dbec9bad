"""What results say about a model file, a machine, and the calibration of a model."""

from typing import Any, NotRequired, TypedDict


class ModelDescription(TypedDict):
    """An ONNX file; `operators` counts its nodes by type."""

    name: str
    path: str
    sha256: str
    bytes: int
    nodes: int
    operators: dict[str, int]
    opset: int


class Runtime(TypedDict):
    """The software and the CPU; `isa` are the instruction sets that decide on 8-bit kernels."""

    onnxruntime: str
    onnx: str
    numpy: str
    python: str
    providers: list[str]
    cpu: str
    isa: list[str]


class Provenance(TypedDict):
    """What ranges were made from, and in a quantized model also how it was made from them."""

    model_sha256: str
    samples_sha256: str
    preprocessing: dict[str, Any]
    method: str
    options: dict[str, Any]
    versions: dict[str, str]
    recipe: NotRequired[str]
    refinements: NotRequired[dict[str, Any]]
    quantization: NotRequired[dict[str, Any]]
