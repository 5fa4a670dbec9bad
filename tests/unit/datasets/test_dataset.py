"""Splits as they are checked and stored."""

import hashlib

import numpy as np
import pytest
from ptq_comparison.common.errors import UserError
from ptq_comparison.datasets import dataset as module
from ptq_comparison.datasets.dataset import Dataset, Split, check_dataset, write_split


@pytest.mark.parametrize("most_bytes", [1, 30, 2**24])
def test_the_bytes_do_not_depend_on_the_pieces(tmp_path, monkeypatch, most_bytes):
    monkeypatch.setattr(module, "CHUNK_BYTES", most_bytes)
    images = np.random.default_rng(0).integers(0, 256, (7, 2, 2, 3), np.uint8)
    labels = np.arange(7, dtype=np.int32)
    stored = write_split(Split(images, labels), tmp_path / "images.npy", tmp_path / "labels.npy")
    content = images.tobytes() + labels.astype(np.int64).tobytes()
    assert stored == {"images": 7, "sha256": hashlib.sha256(content).hexdigest()}
    assert np.array_equal(np.load(tmp_path / "images.npy"), images)
    assert np.load(tmp_path / "labels.npy").dtype == np.int64


@pytest.mark.parametrize(
    ("names", "shape", "message"),
    [
        (["a", "b\n"], (2, 2, 3), r"dataset.path: the class 'b\\n' has a name"),
        (["a", "b", "c", "d"], (2, 2, 3), "4 classes, but 3 training images, and each class needs"),
        (["a", "b"], (2, 0, 3), r"an image are \(2, 0, 3\)"),
        (["a", "b"], (8_000, 8_000, 3), "resize all images"),
    ],
)
def test_what_no_run_could_use_is_refused(names, shape, message):
    images = np.broadcast_to(np.uint8(0), (3, *shape))
    split = Split(images, np.array([0, 1, 0]))
    with pytest.raises(UserError, match=message):
        check_dataset(Dataset(names, split, split))
