"""Keys of section `dataset` that do not go together."""

import pytest
from ptq_comparison.config.dataset_conflicts import dataset_conflicts
from ptq_comparison.datasets.readers import SPLIT_KEYS

NONE = dict.fromkeys(SPLIT_KEYS)
SPLITS = {"train": "a", "test": "b"}


def lines(name="image_folder", **keys):
    return list(dataset_conflicts({"name": name, **NONE, **keys}))


@pytest.mark.parametrize(
    "keys",
    [
        {"hold_out": 0.2, "labels": "l.csv", "classes": "c", "class_order": "file"},
        {"splits": SPLITS, "labels": SPLITS, "class_order": "natural"},
        {"splits": SPLITS, "calibration": "c", "labels": "l.csv"},
        {"name": "tar", "hold_out": 0.2, "classes": "c"},
    ],
)
def test_keys_that_go_together(keys):
    assert lines(**keys) == []


@pytest.mark.parametrize(
    ("keys", "start"),
    [
        ({"hold_out": 0.2, "splits": SPLITS}, "dataset.splits: is of no use with dataset.hold_out"),
        ({"hold_out": 0.2, "calibration": "c"}, "dataset.calibration: is of no use with dataset.h"),
        ({"hold_out": 0.2, "labels": SPLITS}, "dataset.labels: dataset.hold_out needs one file"),
        ({"calibration": "c", "labels": SPLITS}, "dataset.labels: dataset.calibration needs one"),
        (
            {"name": "tar", "labels": "l"},
            "dataset.labels: tar has labels of its own; set it to nul",
        ),
        ({"class_order": "file"}, "dataset.class_order: file needs dataset.classes"),
    ],
)
def test_keys_that_do_not(keys, start):
    (line,) = lines(**keys)
    assert line.startswith(start)
