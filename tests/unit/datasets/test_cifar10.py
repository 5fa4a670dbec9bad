"""The reader of CIFAR-10, and what it refuses."""

import io
import os
import pickle
import tarfile

import numpy as np
import pytest
from helpers.cifar10_files import (
    BATCHES,
    NAMES,
    pack,
    python2_pickle,
    write_binary_version,
    write_python_version,
)
from ptq_comparison.common.errors import UserError
from ptq_comparison.datasets.cifar10 import read_cifar10


@pytest.fixture(params=["binary", "python"])
def version(request, tmp_path):
    write = {"binary": write_binary_version, "python": write_python_version}[request.param]
    return write(tmp_path / "data" / "cifar-10-batches")


@pytest.mark.parametrize("source", ["folder", "parent", "archive"])
def test_cifar10_is_read_from_folder_parent_and_archive(version, source, tmp_path):
    path = {
        "folder": lambda: version,
        "parent": lambda: version.parent,
        "archive": lambda: pack(version, tmp_path / "cifar.tar.gz"),
    }[source]()
    dataset = read_cifar10(path)
    rows, labels = BATCHES["data_batch_1"]
    assert list(dataset.class_names) == NAMES
    assert dataset.train.images.shape == (4 + 5 + 6 + 7 + 8, 32, 32, 3)
    assert dataset.test.images.shape == (3, 32, 32, 3)
    assert dataset.train.labels[:4].tolist() == labels.tolist()
    # Row 2, height 5, width 7: the red plane is first, then green, then blue.
    expected = [rows[2, plane * 1024 + 5 * 32 + 7] for plane in range(3)]
    assert dataset.train.images[2, 5, 7].tolist() == expected


def test_genuine_cifar10_prefix_is_read(shared_data):
    dataset = read_cifar10(shared_data / "cifar10-prefix")
    assert np.bincount(dataset.test.labels).tolist() == [
        105, 93, 100, 104, 92, 87, 114, 102, 110, 110,
    ]  # fmt: skip
    assert dataset.train.images.shape == (5085, 32, 32, 3)
    assert list(dataset.class_names) == NAMES


class Malicious:
    def __init__(self, marker):
        self.marker = marker

    def __reduce__(self):
        return os.mkdir, (str(self.marker),)


def test_a_malicious_pickle_is_refused_and_not_run(tmp_path):
    folder = write_python_version(tmp_path / "cifar")
    marker = tmp_path / "owned"
    (folder / "data_batch_3").write_bytes(pickle.dumps({"data": Malicious(marker)}, protocol=2))
    with pytest.raises(UserError, match=r"data_batch_3.*mkdir is not allowed"):
        read_cifar10(folder)
    assert not marker.exists()


@pytest.mark.parametrize(
    "content", [b"", b"<html>", python2_pickle({"data": 1}), python2_pickle([])]
)
def test_a_damaged_python_batch_is_named(tmp_path, content):
    folder = write_python_version(tmp_path / "cifar")
    (folder / "data_batch_2").write_bytes(content)
    with pytest.raises(UserError, match=r"data_batch_2: not a"):
        read_cifar10(folder)


def test_a_cut_binary_batch_is_named(tmp_path):
    folder = write_binary_version(tmp_path / "cifar")
    batch = folder / "data_batch_4.bin"
    batch.write_bytes(batch.read_bytes()[:-1])
    with pytest.raises(UserError, match=r"data_batch_4.bin: .* no multiple of 3073"):
        read_cifar10(folder)


def test_a_missing_batch_is_named(version):
    next(version.glob("data_batch_5*")).unlink()
    with pytest.raises(UserError, match=r"data_batch_5.*no such file"):
        read_cifar10(version)


def test_a_cut_archive_is_named(tmp_path):
    archive = pack(write_binary_version(tmp_path / "cifar"), tmp_path / "cifar.tar.gz")
    archive.write_bytes(archive.read_bytes()[:5000])
    with pytest.raises(UserError, match=r"cifar.tar.gz: not a complete tar archive"):
        read_cifar10(archive)


def test_an_archive_cannot_write_outside(tmp_path):
    archive = tmp_path / "evil.tar.gz"
    with tarfile.open(archive, "w:gz") as tar:
        member = tarfile.TarInfo("../../../../../../../../../../" + str(tmp_path / "escaped"))
        member.size = 4
        tar.addfile(member, io.BytesIO(b"evil"))
    with pytest.raises(UserError, match=r"evil.tar.gz"):
        read_cifar10(archive)
    assert not (tmp_path / "escaped").exists()


def test_a_folder_without_batches_says_what_to_set(tmp_path):
    with pytest.raises(UserError, match=r"test_batch.*dataset.path must name"):
        read_cifar10(tmp_path)
