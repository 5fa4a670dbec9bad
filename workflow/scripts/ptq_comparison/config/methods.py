"""The calibration methods and their options."""

from typing import Any, NamedTuple


class Method(NamedTuple):
    """How a calibration method turns activations into ranges.

    `options` are the keys of the config that it looks at. `passes` is how often the images are run
    through the model. `calibrator` and `stored_as` are names of onnxruntime's CalibrationMethod:
    which of its calibrators collects the activations, and what `quantize_static` is told when it
    gets the ranges.
    """

    options: tuple[str, ...]
    passes: int
    calibrator: str
    stored_as: str


METHODS = {
    "MinMax": Method((), 1, "MinMax", "MinMax"),
    "Percentile": Method(("percentile", "num_bins"), 2, "Percentile", "Percentile"),
    "Entropy": Method(("num_bins", "num_quantized_bins"), 2, "Entropy", "Entropy"),
    # Our own: onnxruntime has none, and its ranges are two numbers a tensor, as those of MinMax.
    "MSE": Method(("num_bins",), 2, "Percentile", "MinMax"),
}


def leaves_no_choice(calibration: dict[str, Any]) -> bool:
    """Tell whether Entropy has one candidate alone, so that it equals MinMax."""
    return bool(
        calibration["method"] == "Entropy"
        and calibration["num_bins"] < 2 * calibration["num_quantized_bins"]
    )


def method_options(calibration: dict[str, Any]) -> dict[str, Any]:
    """Return those keys of the config's section `calibration` that its method looks at."""
    return {name: calibration[name] for name in METHODS[calibration["method"]].options}
