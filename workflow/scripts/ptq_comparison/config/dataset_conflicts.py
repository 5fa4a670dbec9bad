"""Keys of section `dataset` that do not go together."""

from collections.abc import Iterator
from typing import Any

# Pairs of which one makes the other needless, or contradicts it, and what to do.
APART = (
    ("hold_out", "splits", "hold_out draws the splits"),
    ("hold_out", "calibration", "calibration images of their own need no training split"),
)


def dataset_conflicts(dataset: dict[str, Any]) -> Iterator[str]:
    """Yield one line for each pair of keys that do not go together; `dataset` has its defaults."""
    for first, second, reason in APART:
        if dataset[first] is not None and dataset[second] is not None:
            yield f"dataset.{second}: is of no use with dataset.{first}: {reason}; set one to null"
    if dataset["labels"] is not None and dataset["name"] in ("parquet", "tar"):
        yield f"dataset.labels: {dataset['name']} has labels of its own; set it to null"
    for key in ("hold_out", "calibration"):
        if isinstance(dataset["labels"], dict) and dataset[key] is not None:
            yield f"dataset.labels: dataset.{key} needs one file; name it, or set that to null"
    labels = dataset["labels"]
    if isinstance(labels, dict) and labels.get("validation") and dataset["validation"] is None:
        yield "dataset.labels: has a list for validation images; name them with dataset.validation"
    if dataset["class_order"] == "file" and dataset["classes"] is None:
        yield "dataset.class_order: file needs dataset.classes; set it to the file of the names"
