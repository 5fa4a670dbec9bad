"""What a recipe is, in plain words."""

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from ptq_comparison.common.texts import PATH, named

FORMATS = {
    "QDQ": "pairs of QuantizeLinear and DequantizeLinear (QDQ)",
    "QOperator": "integer operators (QOperator)",
}
EQUALIZATIONS = {
    "cross_layer": "channels equalized across layers",
    "smooth": "differences between channels moved into the weights",
}
# Options of `quantize_static` without a key of their own: where they are true, and where false.
EXTRA_OPTIONS = {
    "ActivationSymmetric": ("activations symmetric about 0", "activations with a zero point"),
    "WeightSymmetric": ("weights symmetric about 0", "weights with a zero point"),
    "DedicatedQDQPair": ("a QDQ pair for each consumer", "QDQ pairs shared by consumers"),
    "QDQKeepRemovableActivations": (
        "activation functions kept where clipping could replace them",
        "activation functions replaced by clipping",
    ),
}
KINDS = {
    "first_conv": "the first layer",
    "classifier": "the classifier",
    "pools": "average pools",
    "gates": "gates",
}


def plain_words(
    recipe: Mapping[str, Any],
    images: int | None = None,
    kept: Collection[str] = (),
    most_names: int | None = None,
) -> str:
    """Return what a complete recipe asks for, in plain words, one phrase behind the other.

    `recipe` is one of `complete_recipes`; recipes with different options get different words.
    `images` is the number of calibration images; without it, all of the configuration are named.
    `kept` are names of nodes that stay in float32 without being asked to. Of more than `most_names`
    nodes only the first ones are named; None names all.
    """
    return ", ".join(_phrases(recipe, images, kept, most_names))


def _phrases(
    recipe: Mapping[str, Any], images: int | None, kept: Collection[str], most: int | None
) -> Iterator[str]:
    yield "batch normalization folded" if recipe["preprocess"] else "graph as given"
    if recipe["equalization"] != "none":
        yield EQUALIZATIONS[recipe["equalization"]]
    if recipe.get("input_type") == "uint8":
        yield "uint8 pixels as input"
    yield f"{_words_of_type(recipe['activation_type'])} activations"
    for name, kind in recipe["tensor_types"].items():
        tensor = "the input" if name == "input" else f"tensor {named(name)}"
        yield f"{tensor} in {_words_of_type(kind, bits=True)}"
    sign = _words_of_type(recipe["weight_type"])
    bits = 7 if recipe["reduce_range"] else 8
    yield f"{sign} {bits}-bit weights per {'channel' if recipe['per_channel'] else 'tensor'}"
    if recipe["weight_ranges"] != "MinMax":
        yield f"weights clipped to {recipe['weight_ranges']} ranges"
    yield _words_of_ranges(recipe, images)
    if recipe["rounding"] != "nearest":
        yield f"{recipe['rounding']} rounding"
    if recipe["bias_correction"]:
        yield "bias correction"
    for key, value in recipe["extra_options"].items():
        yield EXTRA_OPTIONS[key][0 if value else 1]
    yield FORMATS[recipe["format"]]
    if recipe["op_types_to_quantize"]:
        yield f"only {_row(recipe['op_types_to_quantize'], None)} quantized"
    excluded = recipe["nodes_to_exclude"]
    if excluded:
        yield _words_of_nodes(excluded, most)
    elif recipe["float_nodes"]:  # before it is known which nodes they are
        yield f"{_row([KINDS[kind] for kind in recipe['float_nodes']], None)} in float32"
    others = [name for name in kept if name not in excluded]
    if others:
        yield f"{_words_of_nodes(others, most)} (cannot be quantized)"


def _words_of_type(kind: str, bits: bool = False) -> str:
    """Return `signed` or `unsigned` for a name of onnxruntime's QuantType; 8 bits go unsaid."""
    sign = "unsigned" if kind.startswith("QU") else "signed"
    digits = kind.removeprefix("Q").removeprefix("U").removeprefix("Int")
    return f"{sign} {digits}-bit" if bits or digits != "8" else sign


def _words_of_ranges(recipe: Mapping[str, Any], images: int | None) -> str:
    details = {
        "percentile": "{} %",
        "num_bins": "{} bins",
        "num_quantized_bins": "{} levels",
    }
    numbers = [text.format(recipe[key]) for key, text in details.items() if key in recipe]
    method = f"{recipe['method']} ranges" + (f" ({', '.join(numbers)})" if numbers else "")
    count = recipe["samples_per_class"]
    if images is not None:
        few = "" if count is None else f", {count} a class"
        return f"{method} of {images:,} images{few}"
    return f"{method} of {'all calibration images' if count is None else f'{count} images a class'}"


def _words_of_nodes(names: Collection[str], most: int | None) -> str:
    return f"{'node' if len(names) == 1 else 'nodes'} {_row(names, most)} in float32"


def _row(names: Collection[str], most: int | None) -> str:
    """Return names as a list in a sentence, and how many there are beyond `most`."""
    known = [named(name, PATH) for name in names]
    if most is not None and len(known) > most:
        known = [*known[:most], f"{len(known) - most} more"]
    *first, last = known
    return f"{', '.join(first)} and {last}" if first else last
