"""The bundled data set as the workflow uses it."""

from ptq_comparison.datasets.dataset import Dataset, Split
from ptq_comparison.datasets.shapes_generator import CLASS_NAMES, generate

DESCRIPTION = (
    "synthetic images of geometric shapes, drawn by the workflow itself; "
    "figures do not compare with those of CIFAR-10"
)


def read_shapes() -> Dataset:
    """Draw the calibration candidates (as the training split) and the test images.

    The pool that the bundled classifier was trained on is a third stream, which is not
    drawn here: calibration sees images that the classifier has not.
    """
    return Dataset(
        CLASS_NAMES, Split(*generate("calibration")), Split(*generate("test")), DESCRIPTION
    )
