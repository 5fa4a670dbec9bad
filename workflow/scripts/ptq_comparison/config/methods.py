"""The calibration methods and their options."""

from typing import Any

# What each method looks at, under onnxruntime's names, which the config shares; MSE is our own.
METHOD_OPTIONS = {
    "MinMax": (),
    "Percentile": ("percentile", "num_bins"),
    "Entropy": ("num_bins", "num_quantized_bins"),
    "MSE": ("num_bins",),
}
# How often the images are run through the model.
PASSES = {"MinMax": 1, "Percentile": 2, "Entropy": 2, "MSE": 2}


def leaves_no_choice(calibration: dict[str, Any]) -> bool:
    """Tell whether Entropy has one candidate alone, so that it equals MinMax."""
    return bool(
        calibration["method"] == "Entropy"
        and calibration["num_bins"] < 2 * calibration["num_quantized_bins"]
    )


def method_options(calibration: dict[str, Any]) -> dict[str, Any]:
    """Return those keys of the config's section `calibration` that its method looks at."""
    return {name: calibration[name] for name in METHOD_OPTIONS[calibration["method"]]}
