"""Models against those of an earlier run, as the last release: none may be worse.

Where both have predicted the same images, the comparison is paired, which finds smaller losses.
"""

import zipfile
import zlib
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from ptq_comparison.common.errors import UserError
from ptq_comparison.common.files import check_is_file, read_json
from ptq_comparison.common.texts import PATH, named
from ptq_comparison.evaluation.metrics import (
    SIGNIFICANCE,
    paired_comparison,
    unpaired_difference_interval,
)
from ptq_comparison.verification.rows import Requirement, requirement

# What files that are damaged, or of something else, raise.
UNREADABLE = (
    *(OSError, EOFError, ValueError, KeyError, TypeError, OverflowError, RecursionError),
    *(zipfile.BadZipFile, zlib.error),
)
PAIRED = f"not significantly less (exact McNemar, p >= {SIGNIFICANCE})"
UNPAIRED = "not significantly less (Newcombe's 95 % interval of the difference reaches 0)"


class Run(NamedTuple):
    """What an evaluation says about images and accuracy; `classes` are those with images."""

    correct: int
    total: int
    sha256: str
    classes: list[str]


def verify_earlier(
    name: str, evaluation_path: Path, predictions_path: Path, folder: Path
) -> Requirement:
    """Return the requirement that a model is not significantly less accurate than in `folder`.

    `folder` holds the results of an earlier run, with an evaluation and, for a paired comparison,
    predictions of the same name. A model that is new has nothing to be compared with: it passes,
    and the row says so. An evaluation of other classes, or one that cannot be read, fails, since
    nothing was compared.
    """
    path = folder / evaluation_path.name

    def row(expected: str, measured: Any, passed: bool, skipped: str | None = None) -> Requirement:
        text = f"{name} is no less accurate than in {named(folder, PATH)}"
        return requirement(f"earlier_{name}", text, expected, measured, passed, path,
                           kind="your requirement", skipped=skipped)  # fmt: skip

    if not path.exists():
        reason = f"not compared: there is no {path.name}"
        return row("an earlier evaluation, or told", reason, True, reason)
    own = read_run(evaluation_path)
    try:
        earlier = read_run(path)
    except (UserError, *UNREADABLE):
        return row("an evaluation of this workflow", "cannot be read as one", False)
    if own.classes != earlier.classes:
        return row("an evaluation of the same classes", "other classes", False)
    labels, predicted = read_labels_and_classes(predictions_path)
    try:
        before = matching_predictions(own, earlier, labels, folder / "predictions" / f"{name}.npz")
    except (UserError, *UNREADABLE) as error:
        reason = str(error) if isinstance(error, UserError) else "its predictions cannot be read"
        counts = (own.correct, own.total, earlier.correct, earlier.total)
        low, high = (100 * limit for limit in unpaired_difference_interval(*counts))
        measured = {
            "comparison": f"unpaired ({reason})",
            "delta_pp": 100 * (own.correct / own.total - earlier.correct / earlier.total),
            "delta_ci95_pp": [low, high],
        }
        return row(UNPAIRED, measured, high >= 0)
    paired = paired_comparison(predicted, before, labels)
    worse = paired["broken"] > paired["fixed"] and paired["mcnemar_p"] < SIGNIFICANCE
    measured = {
        "comparison": "paired",
        "delta_pp": paired["delta_pp"],
        "fixed": paired["fixed"],
        "broken": paired["broken"],
        "mcnemar_p": paired["mcnemar_p"],
    }
    return row(PAIRED, measured, not worse)


def read_run(path: Path) -> Run:
    """Read an evaluation; raises UserError or one of `UNREADABLE` for anything else."""
    check_is_file(path)
    content = read_json(path)
    accuracy, dataset = content["accuracy"], content["dataset"]
    correct, total = int(accuracy["correct"]), int(accuracy["total"])
    if not 0 <= correct <= total or total == 0:
        raise ValueError("no such counts")
    return Run(correct, total, dataset["sha256"], [row["class"] for row in content["per_class"]])


def read_labels_and_classes(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Read labels and predicted classes, both int64 (N,), from what rule predict wrote."""
    check_is_file(path)
    with np.load(path) as arrays:
        return arrays["labels"], arrays["predicted"]


def matching_predictions(own: Run, earlier: Run, labels: np.ndarray, path: Path) -> np.ndarray:
    """Return what the earlier model predicted, int64 (N,), on the images of this run.

    Raises UserError with the reason where it did not, or where its predictions are not there.
    """
    if own.sha256 != earlier.sha256:
        raise UserError("other test images")
    if not path.exists():
        raise UserError(f"there is no {path.parent.name}/{path.name}")
    before_labels, before = read_labels_and_classes(path)
    # Of the same evaluation, and not left from another run.
    same_images = np.array_equal(before_labels, labels) and before.shape == labels.shape
    if not same_images or np.sum(before == labels) != earlier.correct:
        raise UserError("its predictions are not those of its evaluation")
    return before
