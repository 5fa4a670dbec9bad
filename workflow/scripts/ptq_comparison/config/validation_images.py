"""Where validation images come from, and what that means for the figures measured on them."""

from collections.abc import Mapping
from typing import Any, TypedDict


class ValidationImages(TypedDict):
    """Where they come from: the split `train` or `validation`, and what `dataset.validation` says.

    For people, to stand beside what was measured on them: `note` is a sentence or two, `short` fits
    below a figure.
    """

    split: str
    named: str | None
    note: str
    short: str


def describe_validation(config: Mapping[str, Mapping[str, Any]]) -> ValidationImages:
    """Return where the validation images of a complete configuration come from.

    A float32 model knows the images that it was trained on: on these, a quantized model agrees with
    it more often. Nobody but the user knows what a model was trained on, the bundled one excepted.
    """
    dataset, own = config["dataset"], config["dataset"]["validation"]
    if own is not None:
        split = "validation"
        note = (
            "Validation images are those of dataset.validation: if the float32 model was not "
            "trained on them, figures on them are as on other images that it never saw."
        )
        short = "validation images: those of dataset.validation"
    elif dataset["name"] == "shapes" and config["model"]["source"] == "bundled":
        split = "train"
        note = (
            "Validation images are of the split that calibration images are drawn from; the "
            "bundled float32 model was trained on others."
        )
        short = "validation images: of the calibration split, which float32 was not trained on"
    else:
        split = "train"
        note = (
            "Validation images are of the training split: if the float32 model was trained on "
            "them, agreement is higher there than on images that it never saw. "
            "dataset.validation can name such images."
        )
        short = "validation images: of the training split, which float32 may have learned from"
    return {"split": split, "named": own, "note": note, "short": short}
