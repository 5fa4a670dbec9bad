"""Archives that are damaged, full of oddities, or unpack to far more than they are."""

import errno
import os
import resource
import tempfile

import numpy as np
import pytest
from helpers.cifar10_files import write_binary_version
from helpers.confined import confined
from helpers.hostile_archives import ARRAYS, NPZS, ODD_TARS, TARS, bomb, names, npy, npz, saved
from helpers.hostile_data import attack, odd_files, prepare
from ptq_comparison.common.files import check_sha256
from ptq_comparison.datasets.dataset import Split, write_split


@pytest.fixture
def members(tmp_path):
    """The members of a genuine archive, by name."""
    folder = write_binary_version(tmp_path / "cifar-10-batches-bin")
    return {f"{folder.name}/{file.name}": file.read_bytes() for file in sorted(folder.iterdir())}


@pytest.fixture
def sent(tmp_path, tally, monkeypatch):
    """Return a function that sends bytes to a reader as a file; it tells the result.

    Nothing may be left in the folder of temporary files.
    """
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(temporary))

    def send(kind: str, content: bytes) -> str:
        file = tmp_path / "data.tar.gz"
        file.write_bytes(content)
        outcome = attack(kind, file, tmp_path)
        assert not list(temporary.iterdir())
        tally("hostile archive", 1, 1)
        return f"{outcome.kind}: {outcome.text}"

    return send


@pytest.mark.parametrize("name", TARS)
def test_a_hostile_tar_archive_is_refused(sent, members, name):
    assert sent("cifar10", TARS[name](members)).startswith("refused")


@pytest.mark.parametrize("name", ODD_TARS)
def test_an_odd_tar_archive_is_read_as_its_folder(sent, members, tmp_path, name):
    expected = prepare("cifar10", tmp_path / "cifar-10-batches-bin", tmp_path)
    assert sent("cifar10", ODD_TARS[name](members)) == f"returned: {expected}"


def test_genuine_npz_archives_are_read(sent):
    for content in (npz(), npz(0), names("a", "b", "c"), npz(class_names=saved(np.arange(3)))):
        assert sent("npz", content).startswith("returned")
    other = npz(unused=saved(np.array([object()])), more=npy("|u1", (10**12,)))
    assert sent("npz", other) == sent("npz", npz())


@pytest.mark.parametrize("name", NPZS)
def test_a_hostile_npz_archive_is_refused(sent, name):
    assert sent("npz", NPZS[name]()).startswith("refused")


@pytest.mark.soak
def test_memory_stays_flat_where_an_archive_is_a_bomb(tmp_path, tally):
    """Zeros are images: they are written to the disk, 16 MB at a time."""
    count = 3 * 2**28
    images = npy("|u1", (count // 3072, 32, 32, 3))
    labels = saved(np.zeros(count // 3072, np.int64))
    test_images = saved(np.zeros((3, 32, 32, 3), np.uint8))
    content = bomb("train_images", images, count, train_labels=labels, test_images=test_images)
    (tmp_path / "bomb.npz").write_bytes(content)
    outcome = confined(prepare, "npz", tmp_path / "bomb.npz", tmp_path)
    assert outcome.kind == "returned" and outcome.peak_bytes < 100_000_000
    assert (tmp_path / "train.npy").stat().st_size > count
    tally("hostile archive", 1, 1)


@pytest.mark.parametrize("bytes_of_images", [1, 3, 20])
def test_an_archive_of_wrong_bytes_leaves_nothing_half_written(tmp_path, bytes_of_images, tally):
    """The checksum is known at the end only, when most images are written."""
    content = npz(0)
    place = content.index(ARRAYS["train_images"]) + len(ARRAYS["train_images"]) - bytes_of_images
    (tmp_path / "d.npz").write_bytes(content[:place] + b"\xff" + content[place + 1 :])
    outcome = attack("npz", tmp_path / "d.npz", tmp_path)
    assert outcome.kind == "refused" and "CRC" in outcome.text
    assert [file.name for file in tmp_path.iterdir()] == ["d.npz"]
    tally("hostile archive", 1, 1)


@pytest.mark.parametrize("kind", ["cifar10", "npz", "image_folder"])
def test_what_is_no_file_is_never_opened(tmp_path, kind, tally):
    files = odd_files(tmp_path)
    for file in files:
        assert attack(kind, file, tmp_path).kind == "refused"
        outcome = confined(check_sha256, file, "0" * 64, "dataset.sha256")
        assert outcome.kind == "refused" and outcome.seconds < 1, outcome
        tally("hostile archive", 2, 2)
    folder = write_binary_version(tmp_path / "batches")
    for file in files if kind == "cifar10" else []:
        for name in ("data_batch_2.bin", "test_batch.bin", "batches.meta.txt"):
            (folder / name).rename(folder / "kept")
            (folder / name).symlink_to(file)
            assert attack(kind, folder, tmp_path).kind == "refused"
            (folder / "kept").rename(folder / name)
            tally("hostile archive", 1, 1)


def test_a_folder_of_a_sparse_batch_is_refused(tmp_path, tally):
    folder = write_binary_version(tmp_path / "batches")
    os.truncate(folder / "data_batch_3.bin", 3073 * 10**9)
    outcome = attack("cifar10", folder, tmp_path)
    assert outcome.kind == "refused" and "bytes; CIFAR-10 has 186 million" in outcome.text
    os.truncate(folder / "data_batch_3.bin", 3073)
    os.truncate(folder / "batches.meta.txt", 10**8)
    assert attack("cifar10", folder, tmp_path).kind == "refused"
    tally("hostile archive", 2, 2)


def test_a_split_that_the_disk_does_not_take_is_an_error_and_no_signal(tmp_path):
    split = Split(np.zeros((100, 32, 32, 3), np.uint8), np.zeros(100, np.int64))

    def write() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
        write_split(split, tmp_path / "images.npy", tmp_path / "labels.npy")

    outcome = confined(write)
    assert outcome.kind == "raised" and f"[Errno {errno.EFBIG}]" in outcome.text
    assert not list(tmp_path.iterdir())
