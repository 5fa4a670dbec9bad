"""Rule prepare_dataset: the readers and what they refuse."""

import io
import os
import pickle
import struct
import tarfile
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from ptq_comparison.common.errors import UserError
from ptq_comparison.datasets.cifar10 import read_cifar10
from ptq_comparison.datasets.dataset import check_dataset, read_split, write_split
from ptq_comparison.datasets.image_folder import read_image_folder
from ptq_comparison.datasets.npz import read_npz
from ptq_comparison.datasets.readers import read_dataset

NAMES = ["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"]


def make_batch(number: int) -> tuple[np.ndarray, np.ndarray]:
    """Return rows, uint8 (N, 3072), and labels of a small batch; the sizes differ."""
    generator = np.random.default_rng(number)
    count = 3 + number
    return generator.integers(0, 256, (count, 3072), np.uint8), generator.integers(0, 10, count)


BATCHES = {f"data_batch_{n}": make_batch(n) for n in range(1, 6)} | {"test_batch": make_batch(0)}


def write_binary_version(folder):
    folder.mkdir(parents=True)
    for name, (rows, labels) in BATCHES.items():
        records = np.hstack([labels[:, None].astype(np.uint8), rows])
        (folder / f"{name}.bin").write_bytes(records.tobytes())
    (folder / "batches.meta.txt").write_text("\n".join(NAMES) + "\n\n")
    return folder


def python2_pickle(content: dict) -> bytes:
    """Pickle as Python 2 did (protocol 2): short byte strings and numpy's old private module."""

    def dump(value) -> bytes:
        if isinstance(value, str):
            return b"U" + bytes([len(value)]) + value.encode()
        if isinstance(value, int):
            return b"J" + struct.pack("<i", value)
        if isinstance(value, list):
            return b"](" + b"".join(map(dump, value)) + b"e"
        if isinstance(value, dict):
            return b"}(" + b"".join(dump(k) + dump(v) for k, v in value.items()) + b"u"
        shape = b"".join(map(dump, value.shape))
        data = value.tobytes()
        return (
            b"cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\n(K\x00t" + dump("b") + b"tR"
            b"(K\x01(" + shape + b"tcnumpy\ndtype\n(" + dump("u1") + b"K\x00K\x01tR(K\x03"
            + dump("|") + b"NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb\x89"
            + b"T" + struct.pack("<i", len(data)) + data + b"tb"
        )  # fmt: skip

    return b"\x80\x02" + dump(content) + b"."


def write_python_version(folder):
    folder.mkdir(parents=True)
    for name, (rows, labels) in BATCHES.items():
        content = {"batch_label": "x", "labels": labels.tolist(), "data": rows, "filenames": ["a"]}
        (folder / name).write_bytes(python2_pickle(content))
    (folder / "batches.meta").write_bytes(python2_pickle({"label_names": NAMES, "num_vis": 3072}))
    return folder


def pack(folder, archive):
    with tarfile.open(archive, "w:gz") as tar:
        tar.add(folder, arcname=folder.name)
    return archive


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


def write_image(path, pixels):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path)


@pytest.fixture
def image_folder(tmp_path):
    generator = np.random.default_rng(0)
    for split, count in (("train", 3), ("test", 2)):
        for name in ("dog", "cat"):
            for number in range(count):
                pixels = generator.integers(0, 256, (6, 5, 3), np.uint8)
                write_image(tmp_path / split / name / f"{number}.png", pixels)
    return tmp_path


def test_image_folder_is_sorted(image_folder):
    dataset = read_image_folder(image_folder)
    assert dataset.class_names == ["cat", "dog"]
    assert dataset.train.images.shape == (6, 6, 5, 3)
    assert dataset.train.labels.tolist() == [0, 0, 0, 1, 1, 1]
    expected = np.asarray(Image.open(image_folder / "train" / "dog" / "0.png"))
    assert np.array_equal(dataset.train.images[3:4][0], expected)


def test_image_folder_of_grey_images_has_one_channel(tmp_path):
    for split in ("train", "test"):
        write_image(tmp_path / split / "a" / "0.png", np.full((4, 4), 7, np.uint8))
    assert read_image_folder(tmp_path).train.images[:1].shape == (1, 4, 4, 1)


def test_image_folder_refuses_what_does_not_fit(image_folder):
    write_image(image_folder / "train" / "cat" / "z.png", np.zeros((7, 5, 3), np.uint8))
    images = read_image_folder(image_folder).train.images
    with pytest.raises(UserError, match=r"z.png: height, width, channels are \(7, 5, 3\)"):
        images[0:10]
    (image_folder / "train" / "cat" / "z.png").write_text("<html>")
    with pytest.raises(UserError, match=r"z.png: not a PNG or JPEG"):
        read_image_folder(image_folder).train.images[0:10]
    (image_folder / "test" / "bird").mkdir()
    with pytest.raises(UserError, match=r"bird: no such class"):
        read_image_folder(image_folder)


def folder_of(path, image):
    """Make an image folder of copies of one image, a Pillow one or the bytes of a file."""
    for split in ("train", "test"):
        file = path / split / "a" / "0.png"
        file.parent.mkdir(parents=True)
        if isinstance(image, bytes):
            file.write_bytes(image)
        else:
            image.save(file)
    return path


def read_first(path):
    return read_image_folder(path).train.images[0:1]


def test_opacity_is_left_out_of_grey_and_of_colour_images(tmp_path):
    grey = Image.merge("LA", [Image.new("L", (4, 4), value) for value in (7, 99)])
    assert (
        read_first(folder_of(tmp_path / "grey", grey)).tolist() == np.full((1, 4, 4, 1), 7).tolist()
    )
    color = Image.new("RGBA", (4, 4), (1, 2, 3, 99))
    assert read_first(folder_of(tmp_path / "color", color))[0, 0, 0].tolist() == [1, 2, 3]


def test_more_than_8_bits_are_refused_and_not_clipped(tmp_path):
    folder = folder_of(tmp_path, Image.fromarray(np.full((4, 4), 40000, np.uint16)))
    with pytest.raises(UserError, match=r"0.png: has pixels of Pillow's mode I;16; allowed"):
        read_first(folder)


def chunk(name, data):
    checksum = struct.pack(">I", zlib.crc32(name + data))
    return struct.pack(">I", len(data)) + name + data + checksum


def test_what_pillow_cannot_read_is_one_line(tmp_path, monkeypatch):
    buffer = io.BytesIO()
    Image.fromarray(np.arange(192, dtype=np.uint8).reshape(8, 8, 3)).save(buffer, "PNG")
    whole = buffer.getvalue()
    place = whole.index(b"IDAT")  # the pixels go on in a second chunk, whose name is no text
    broken = whole[: place - 4] + chunk(b"IDAT", whole[place + 4 : place + 14])
    broken += chunk(b"\x01\x02\x03\x04", b"more")
    with pytest.raises(UserError, match=r"0.png: cannot be decoded \(.*replace it"):
        read_first(folder_of(tmp_path / "broken", broken))
    folder = folder_of(tmp_path / "folder", whole)
    (folder / "train/a/1.png").mkdir()
    with pytest.raises(UserError, match=r"1.png: cannot be read \(.*directory.*remove"):
        read_image_folder(folder).train.images[0:2]
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 10)
    with pytest.raises(UserError, match=r"0.png: cannot be read \(.*exceeds limit"):
        read_first(folder)


def test_image_folder_without_a_split(tmp_path):
    (tmp_path / "train").mkdir()
    with pytest.raises(UserError, match=r"test: no such folder"):
        read_image_folder(tmp_path)


def save_npz(path, **changes):
    arrays = {
        "train_images": np.zeros((4, 2, 2, 3), np.uint8),
        "train_labels": np.array([0, 1, 2, 0]),
        "test_images": np.ones((3, 2, 2, 3), np.uint8),
        "test_labels": np.array([[0], [1], [2]]),
    }
    arrays |= changes
    np.savez(path, **{name: array for name, array in arrays.items() if array is not None})
    return path


def test_npz_is_read(tmp_path):
    dataset = read_npz(save_npz(tmp_path / "d.npz"))
    assert dataset.class_names == ["0", "1", "2"]
    assert dataset.test.labels.tolist() == [0, 1, 2]
    named = read_npz(save_npz(tmp_path / "n.npz", class_names=np.array(["a", "b", "c"])))
    assert named.class_names == ["a", "b", "c"]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"test_labels": None}, "no array test_labels"),
        ({"train_images": np.zeros((4, 2, 2, 3), np.float32)}, "train_images is float32"),
        ({"train_labels": np.zeros(4)}, "train_labels is float64"),
        ({"class_names": np.array([object()])}, "not a NumPy .npz archive of plain arrays"),
    ],
)
def test_npz_refuses_what_does_not_fit(tmp_path, changes, message):
    with pytest.raises(UserError, match=message):
        read_npz(save_npz(tmp_path / "d.npz", **changes))


def test_npz_that_is_none(tmp_path):
    (tmp_path / "d.npz").write_text("<html>")
    with pytest.raises(UserError, match=r"d.npz: not a NumPy"):
        read_npz(tmp_path / "d.npz")


def test_npz_that_is_a_single_array(tmp_path):
    np.save(tmp_path / "d.npy", np.zeros((4, 2, 2, 3), np.uint8))
    (tmp_path / "d.npy").rename(tmp_path / "d.npz")
    with pytest.raises(UserError, match=r"d.npz: not a NumPy .npz archive"):
        read_npz(tmp_path / "d.npz")


def test_npz_that_is_damaged(tmp_path):
    images = np.random.default_rng(0).integers(0, 256, (9, 8, 8, 3), np.uint8)
    np.savez_compressed(tmp_path / "d.npz", train_images=images)
    whole = (tmp_path / "d.npz").read_bytes()
    place = whole.index(b"train_images.npy") + 60
    # Pixels, and bytes of the header that stand for an unknown compression and for encryption.
    for start, damage in ((place, b"\xff" * 40), (8, b"\x63"), (6, b"\x01")):
        damaged = bytearray(whole)
        damaged[start : start + len(damage)] = damage
        # The directory at the end repeats the header.
        if start < 30:
            copy = whole.rindex(b"PK\x01\x02") + start + 2
            damaged[copy : copy + len(damage)] = damage
        (tmp_path / "d.npz").write_bytes(damaged)
        with pytest.raises(UserError, match=r"d.npz: not a NumPy .npz archive"):
            read_npz(tmp_path / "d.npz")


def test_npz_with_a_single_name_has_one_class(tmp_path):
    dataset = read_npz(save_npz(tmp_path / "d.npz", class_names=np.array("cat")))
    assert dataset.class_names == ["cat"]
    with pytest.raises(UserError, match=r"there are 1 classes"):
        check_dataset(dataset)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"test_images": np.ones((0, 2, 2, 3), np.uint8), "test_labels": np.zeros(0, int)},
         "test split has no images"),
        ({"train_labels": np.array([0, 1])}, "4 images and 2 labels"),
        ({"class_names": np.array(["a", "b"])}, "run from 0 to 2, but there are 2 classes"),
        ({"test_images": np.ones((3, 3, 2, 3), np.uint8)}, "all must be equal"),
    ],
)  # fmt: skip
def test_splits_that_do_not_fit_are_refused(tmp_path, changes, message):
    with pytest.raises(UserError, match=message):
        check_dataset(read_npz(save_npz(tmp_path / "d.npz", **changes)))


def test_unknown_data_set_names_the_allowed_ones():
    with pytest.raises(UserError, match=r"'mnist'.*allowed: shapes, .* cifar10, image_folder, npz"):
        read_dataset("mnist", Path("somewhere"))


def test_a_split_is_stored_and_memory_mapped(tmp_path, image_folder):
    split = read_image_folder(image_folder).train
    images_path, labels_path = tmp_path / "i.npy", tmp_path / "l.npy"
    stored = write_split(split, images_path, labels_path)
    images, labels = read_split(images_path, labels_path)
    assert isinstance(images, np.memmap) and images.dtype == np.uint8
    assert np.array_equal(images, split.images[0:6]) and labels.dtype == np.int64
    assert stored["images"] == 6 and len(stored["sha256"]) == 64
    other = write_split(split._replace(labels=split.labels[::-1]), images_path, labels_path)
    assert other["sha256"] != stored["sha256"]
