"""From the output of a classifier to one score a class."""

import numpy as np

from ptq_comparison.common.errors import UserError
from ptq_comparison.model.interface_type import Interface


def class_scores(output: np.ndarray, interface: Interface, images: int) -> np.ndarray:
    """Return scores, float32 (images, classes), from what one call of a model gives.

    Axes of size 1 are dropped, as of (images, classes, 1, 1). One score an image becomes two, [1 -
    p, p], with p the probability of the second class: a logit passes the sigmoid first. A p of
    exactly 0.5 is the first class. Raises UserError for an output of another form.
    """
    sizes = output.shape if images == 1 else output.shape[1:]
    if (images != 1 and output.shape[:1] != (images,)) or sum(size != 1 for size in sizes) > 1:
        raise UserError(
            f"model.source: gives an output of shape {output.shape} for {images} images; scores of "
            "shape (images, classes) are needed: export the model again for any number of images, "
            "or set model.output if it has several outputs"
        )
    scores = output.reshape(images, -1)
    if scores.shape[1] == 1:
        second = scores.astype(np.float64)
        if not interface.probability:
            # What is not finite stays so, for those who look for it.
            finite = np.isfinite(second)
            second[finite] = np.exp(-np.logaddexp(0, -second[finite]))
        scores = np.hstack([1 - second, second])
    return scores.astype(np.float32, copy=False)
