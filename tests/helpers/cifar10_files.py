"""Small data sets in CIFAR-10's formats."""

import struct
import tarfile

import numpy as np

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
