"""What results say about a model file, and about what it was made from."""

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


class Layers(TypedDict):
    """The names of layers of a kind, by what they compute in."""

    integer: list[str]
    float: list[str]


class Executed(TypedDict):
    """The graph that onnxruntime runs, after its optimizations.

    Conversions are to 8 bits and back, of activations and weights.
    """

    nodes: int
    integer_nodes: int
    conversions: int
    layers: dict[str, Layers]


class Provenance(TypedDict):
    """What ranges were made from, and in a quantized model also how it was made from them."""

    model_sha256: str
    samples_sha256: str
    preprocessing: dict[str, Any]
    method: str
    options: dict[str, Any]
    versions: dict[str, str]
    preparation: NotRequired[list[str]]
    recipe: NotRequired[str]
    refinements: NotRequired[dict[str, Any]]
    quantization: NotRequired[dict[str, Any]]
    # Nodes that stay in float32 without being excluded, and why.
    kept_in_float: NotRequired[dict[str, str]]
    # Nodes whose weights lie on coarser grids than the weights alone need, and why.
    coarser_weights: NotRequired[dict[str, str]]
