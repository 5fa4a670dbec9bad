"""Keys of section `dataset` that do not go together."""

import pytest
from ptq_comparison.config.dataset_conflicts import ARRAYS, FILES_ONLY, dataset_conflicts
from ptq_comparison.datasets.readers import KINDS

NONE = dict.fromkeys(FILES_ONLY)
SPLITS = {"train": "a", "test": "b"}


def lines(name="image_folder", **keys):
    return list(dataset_conflicts({"name": name, **NONE, **keys}))


def test_arrays_are_the_kinds_that_are_not_of_files():
    assert set(ARRAYS) == {name for name, kind in KINDS.items() if not kind.of_files}


@pytest.mark.parametrize("name", ARRAYS)
def test_arrays_have_what_the_keys_say_of_files(name):
    assert lines(name) == []
    assert lines(name, hold_out=0.2, classes="c") == [
        f"dataset.{key}: {name} has splits and classes of its own; set it to null, or dataset.name "
        "to image_folder, parquet or tar"
        for key in ("hold_out", "classes")
    ]


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
