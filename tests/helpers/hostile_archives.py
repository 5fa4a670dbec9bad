"""Tar and NumPy archives that are damaged, odd, or unpack to far more than they are."""

import bz2
import gzip
import io
import lzma
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable

import numpy as np

TEST = "test_batch.bin"
END = bytes(1024)
BOMB = 220 * 2**20
Members = dict[str, bytes]


def header(name: str, size: int, kind: bytes = b"0", target: str = "") -> bytes:
    """Return the header of a member, in GNU's format, which holds any size."""
    info = tarfile.TarInfo(name)
    info.size, info.type, info.linkname = size, kind, target
    return info.tobuf(tarfile.GNU_FORMAT)


def member(name: str, content: bytes, kind: bytes = b"0") -> bytes:
    return header(name, len(content), kind) + content + bytes(-len(content) % 512)


def tar(members: Members) -> bytes:
    """Return the members of a tar archive, without its end."""
    return b"".join(member(name, content) for name, content in members.items())


def without(members: Members, name: str = TEST) -> Members:
    return {path: content for path, content in members.items() if not path.endswith(name)}


def renamed(members: Members, pattern: str) -> Members:
    return {pattern.format(path.split("/")[-1]): content for path, content in members.items()}


def zeros(count: int) -> bytes:
    """Compress many zeros without holding them."""
    packer = zlib.compressobj(9, wbits=31)
    chunk = bytes(2**20)
    return b"".join(packer.compress(chunk) for _ in range(count // 2**20)) + packer.flush()


def pax(**records: str) -> bytes:
    lines = b""
    for key, value in records.items():
        rest = f" {key.replace('_', '.')}={value}\n".encode()
        length = len(rest) + 2
        lines += str(length + (length > 98) - (len(rest) < 8)).encode() + rest
    return member("PaxHeader", lines, b"x")


def corrupt(content: bytes, place: int, what: bytes) -> bytes:
    return content[:place] + what + content[place + len(what) :]


# What is refused.
TARS: dict[str, Callable[[Members], bytes]] = {
    "nothing": lambda _: b"",
    "no archive": lambda _: b"<html>" * 200,
    "zeros": lambda _: bytes(10_240),
    "gzip of nothing": lambda _: gzip.compress(b""),
    "gzip of zeros": lambda _: zeros(BOMB),
    "gzip of gzip": lambda m: gzip.compress(gzip.compress(tar(m) + END)),
    "gzip that is cut": lambda m: gzip.compress(tar(m) + END)[:-500],
    "gzip with a false checksum": lambda m: gzip.compress(tar(m) + END)[:-8] + bytes(8),
    "gzip with a false block": lambda m: corrupt(gzip.compress(tar(m) + END), 2_000, b"\xff" * 40),
    "gzip's two first bytes": lambda _: b"\x1f\x8b",
    "gzip of another method": lambda _: b"\x1f\x8b\x01" + bytes(30),
    "bzip2 that is cut": lambda m: bz2.compress(tar(m) + END)[:-500],
    "bzip2 that is none": lambda _: b"BZh9" + bytes(100),
    "xz that is cut": lambda m: lzma.compress(tar(m) + END)[:-500],
    "xz that is none": lambda _: b"\xfd7zXZ\0" + bytes(100),
    "tar that is cut": lambda m: tar(m)[:-5_000],
    "tar without its end": tar,
    "a member without its bytes": lambda m: tar(without(m)) + header(TEST, 3_073_000) + END,
    "a false checksum": lambda m: corrupt(tar(m), 148, b"000000\0") + END,
    "letters as a size": lambda m: corrupt(tar(m), 124, b"size") + END,
    "a member of a terabyte": lambda m: header("x", 10**12) + tar(m) + END,
    "a batch of a terabyte": lambda m: tar(without(m)) + header(TEST, 10**12) + END,
    "a member below nothing": lambda m: header("x", -(2**40)) + tar(m) + END,
    "a batch below nothing": lambda m: tar(without(m)) + header(TEST, -512) + END,
    "a long name of a terabyte": lambda m: header("x", 10**12, b"L") + tar(m) + END,
    "a pax header of a terabyte": lambda m: header("x", 10**12, b"x") + tar(m) + END,
    "a long name of 220 MB in a gzip": lambda m: (
        gzip.compress(header("x", BOMB, b"L")) + zeros(BOMB)
    ),
    "a pax header of 220 MB in a gzip": lambda m: (
        gzip.compress(header("x", BOMB, b"x")) + zeros(BOMB)
    ),
    "a batch twice": lambda m: tar(m) + member(TEST, b"") + END,
    "a batch twice below other folders": lambda m: tar(m) + member(f"a/b/{TEST}", b"1") + END,
    "a batch as a link": lambda m: tar(without(m)) + header(TEST, 0, b"2", "/etc/passwd") + END,
    "a batch as a hard link": lambda m: tar(without(m)) + header(TEST, 0, b"1", "/etc/a") + END,
    "a batch as a link to itself": lambda m: tar(without(m)) + header(TEST, 0, b"2", TEST) + END,
    "a batch as a FIFO": lambda m: tar(without(m)) + header(TEST, 0, b"6") + END,
    "a batch as a device": lambda m: tar(without(m)) + header(TEST, 0, b"3") + END,
    "a batch as a disk": lambda m: tar(without(m)) + header(TEST, 0, b"4") + END,
    "a batch as a folder": lambda m: tar(without(m)) + header(TEST, 0, b"5") + END,
    "a batch as a sparse file": lambda m: (
        tar(without(m)) + corrupt(header(TEST, 512, b"S"), 483, b"77777777777\0") + bytes(512) + END
    ),
    "a batch of an unknown type": lambda m: tar(without(m)) + member(TEST, bytes(3073), b"Z") + END,
    "a batch behind the end": lambda m: tar(without(m)) + END + member(TEST, bytes(3073)) + END,
    "a batch whose name has another end": lambda m: tar(without(m)) + member(f"{TEST}\n", b""),
    "a batch that only pax names so": lambda m: (
        tar(without(m)) + pax(path=TEST) + member("x", bytes(3073)) + END
    ),
    "20,000 members": lambda m: header("x", 0) * 20_000 + tar(m) + END,
    "100,000 members": lambda m: gzip.compress(header("x", 0) * 100_000, 1),
    "a batch of other rows": lambda m: tar(without(m)) + member(TEST, bytes(3072)) + END,
    "an empty batch": lambda m: tar(without(m)) + member(TEST, b"") + END,
    "a batch with a class beyond": lambda m: tar(without(m)) + member(TEST, b"\x0a" * 3073) + END,
    "no class names": lambda m: tar(without(m, ".txt")) + END,
    "class names that are no text": lambda m: (
        tar(without(m, ".txt")) + member("batches.meta.txt", b"\xff\xfe a b c d e f g h i") + END
    ),
    "class names with a NUL": lambda m: (
        tar(without(m, ".txt")) + member("batches.meta.txt", b"\0a b c d e f g h i j") + END
    ),
    "a million class names": lambda m: (
        tar(without(m, ".txt")) + member("batches.meta.txt", b"a " * 1_000_000) + END
    ),
    "10,000 class names": lambda m: (
        tar(without(m, ".txt")) + member("batches.meta.txt", b"a " * 10_000) + END
    ),
}  # fmt: skip
# Odd, but nothing is unpacked to a disk, so that they do no harm.
ODD_TARS: dict[str, Callable[[Members], bytes]] = {
    "plain": lambda m: tar(m) + END,
    "gzip": lambda m: gzip.compress(tar(m) + END),
    "bzip2": lambda m: bz2.compress(tar(m) + END),
    "xz": lambda m: lzma.compress(tar(m) + END),
    "gzip in pieces": lambda m: b"".join(map(gzip.compress, (tar(m), END))),
    "in no folder": lambda m: tar(renamed(m, "{}")) + END,
    "in folders of folders": lambda m: tar(renamed(m, "./a/b/c/d/{}")) + END,
    "absolute names": lambda m: tar(renamed(m, "/etc/{}")) + END,
    "names above the folder": lambda m: tar(renamed(m, "../../../{}")) + END,
    "names that are not UTF-8": lambda m: tar(renamed(m, "\udcff/{}")) + END,
    "other files": lambda m: member("readme.html", b"x" * 100_000) + tar(m) + END,
    "files of a Mac": lambda m: tar(m) + tar(renamed(m, "__MACOSX/._{}")) + END,
    "links that are not asked for": lambda m: header("x", 0, b"2", "/etc/passwd") + tar(m) + END,
    "a link with a size": lambda m: header("x", 10**12, b"2", "/etc") + tar(m) + END,
    "a folder with a size": lambda m: header("x/", 10**12, b"5") + tar(m) + END,
    "pax headers": lambda m: pax(mtime="1.5") + tar(m) + END,
    "pax headers of another size": lambda m: pax(size="99999999999") + tar(m) + END,
    "pax headers of a sparse file": lambda m: pax(GNU_sparse_realsize="9" * 20) + tar(m) + END,
    "a gzip bomb behind the end": lambda m: gzip.compress(tar(m) + END) + zeros(BOMB),
}  # fmt: skip


def npy(descr: object, shape: object, data: bytes = b"", fortran: bool = False) -> bytes:
    """Return a `.npy` file with a header of any claims."""
    return npy_of(repr({"descr": descr, "fortran_order": fortran, "shape": shape}), data)


def npy_of(text: str, data: bytes = b"") -> bytes:
    encoded = text.encode("latin-1")
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(encoded)) + encoded + data


def saved(array: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, array)
    return buffer.getvalue()


ARRAYS = {
    "train_images": saved(np.zeros((4, 2, 2, 3), np.uint8)),
    "train_labels": saved(np.array([0, 1, 2, 0])),
    "test_images": saved(np.ones((3, 2, 2, 3), np.uint8)),
    "test_labels": saved(np.array([0, 1, 2])),
}


def npz(compression: int = zipfile.ZIP_DEFLATED, **changes: bytes) -> bytes:
    """Return an archive, in which some arrays are replaced."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", compression) as archive:
        for name, content in (ARRAYS | changes).items():
            archive.writestr(f"{name}.npy", content)
    return buffer.getvalue()


def labels(values: object, dtype: str = "int64") -> bytes:
    return npz(train_labels=saved(np.array(values, dtype)))


def names(*values: str) -> bytes:
    return npz(class_names=saved(np.array(values)))


def bomb(name: str, start: bytes, count: int, **changes: bytes) -> bytes:
    """Return an archive with an array that unpacks to `start` and many zeros, by patching sizes."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for other, content in (ARRAYS | changes).items():
            if other != name:
                archive.writestr(f"{other}.npy", content)
        with archive.open(f"{name}.npy", "w") as file:
            file.write(start)
            for _ in range(count // 2**20):
                file.write(bytes(2**20))
    return buffer.getvalue()


def claimed(size: int, **changes: bytes) -> bytes:
    """Return an archive whose directory claims a size for `train_images`."""
    content = npz(zipfile.ZIP_STORED, **changes)
    place = content.index(b"PK\x01\x02")
    return corrupt(content, place + 20, struct.pack("<II", size, size))


def twice() -> bytes:
    buffer = io.BytesIO(npz())
    with zipfile.ZipFile(buffer, "a") as archive:
        archive.filename, archive.debug = None, 0
        archive.NameToInfo.pop("train_labels.npy")  # or it warns
        archive.writestr("train_labels.npy", ARRAYS["train_labels"])
    return buffer.getvalue()


def of_members(count: int, told: int) -> bytes:
    """Return an archive of empty members, whose directory is longer than what its end tells."""
    entry = b"PK\x01\x02" + struct.pack("<6H3I5H2I", 20, 20, 0, 0, 0, 33, 0, 0, 0, 6, *[0] * 6)
    entries = b"".join(entry + b"%06d" % number for number in range(count))
    size = len(entries)
    end64 = b"PK\x06\x06" + struct.pack("<Q2H2I4Q", 44, 45, 45, 0, 0, count, count, size, 0)
    locator = b"PK\x06\x07" + struct.pack("<IQI", 0, size, 1)
    end = b"PK\x05\x06" + struct.pack("<4H2IH", 0, 0, 0xFFFF, 0xFFFF, told, 0, 0)
    return entries + end64 + locator + end


MANY = (10**6, 10**6)
NPZS: dict[str, Callable[[], bytes]] = {
    "nothing": lambda: b"",
    "no archive": lambda: b"<html>" * 100,
    "the end of an archive": lambda: b"PK\x05\x06" + bytes(18),
    "an archive that is cut": lambda: npz()[:-30],
    "an archive without its start": lambda: npz()[40:],
    "an archive with a false offset": lambda: corrupt(npz(), len(npz()) - 6, b"\xff\xff\xff\x7f"),
    "an encrypted array": lambda: corrupt(npz(), npz().index(b"PK\x01\x02") + 8, b"\x01"),
    "an array as bzip2": lambda: npz(zipfile.ZIP_BZIP2),
    "an array as LZMA": lambda: npz(zipfile.ZIP_LZMA),
    "an array twice": twice,
    "50,000 members": lambda: of_members(50_000, 52 * 50_000),
    "50,000 members that are not told": lambda: of_members(50_000, 0xFFFFFFFF),
    "10,000 members": lambda: of_members(10_000, 52 * 10_000),
    "claims of 4 GB of bytes": lambda: claimed(0xFFFFFFFE),
    "claims of 4 GB in both": lambda: claimed(
        0xFFFFFFFE, train_images=npy("|u1", (0xFFFFFFFE - 100, 1, 1, 1))),
    "false checksum": lambda: corrupt(npz(zipfile.ZIP_STORED), 100, b"{'descr'"),
    "claims of 10^12 images": lambda: npz(train_images=npy("|u1", (10**12, 2, 2, 3))),
    "claims of 10^12 empty images": lambda: npz(train_images=npy("|u1", (10**12, 0, 2, 3))),
    "claims of huge images": lambda: npz(train_images=npy("|u1", (1, *MANY, 3))),
    "claims of 10^1000 images": lambda: npz(train_images=npy("|u1", (10**1000, 2, 2, 3))),
    "claims of -4 images": lambda: npz(train_images=npy("|u1", (-4, -1, 2, 3), bytes(24))),
    "claims of true images": lambda: npz(train_images=npy("|u1", (True, 2, 2, 3), bytes(12))),
    "claims of half an image": lambda: npz(train_images=npy("|u1", (0.5, 2, 2, 3))),
    "claims of no shape": lambda: npz(train_images=npy("|u1", None)),
    "claims of a list as shape": lambda: npz(train_images=npy("|u1", [4, 2, 2, 3], bytes(48))),
    "claims of 10^12 labels": lambda: npz(train_labels=npy("<i8", (10**12,))),
    "more bytes than its shape": lambda: npz(train_images=ARRAYS["train_images"] + b"x"),
    "images of floats": lambda: npz(train_images=saved(np.zeros((4, 2, 2, 3)))),
    "images of two dimensions": lambda: npz(train_images=saved(np.zeros((4, 2), np.uint8))),
    "images in Fortran order": lambda: npz(
        train_images=saved(np.asfortranarray(np.ones((4, 2, 2, 3), np.uint8)))),
    "images without pixels": lambda: npz(train_images=saved(np.zeros((4, 0, 0, 3), np.uint8))),
    "images without channels": lambda: npz(train_images=saved(np.zeros((4, 2, 2, 0), np.uint8))),
    "no images": lambda: npz(
        train_images=saved(np.zeros((0, 2, 2, 3), np.uint8)), train_labels=saved(np.zeros(0, int))),
    "objects": lambda: npz(train_images=saved(np.array([{}] * 4, object))),
    "objects without a pickle": lambda: npz(train_labels=npy("|O", (4,), bytes(32))),
    "objects in fields": lambda: npz(train_labels=npy([("a", "|O")], (4,), bytes(32))),
    "objects in parts": lambda: npz(train_labels=npy(("|O", (2,)), (4,), bytes(64))),
    "fields": lambda: npz(train_labels=npy([("a", "<i8")], (4,), bytes(32))),
    "a dtype of 2 GB": lambda: npz(class_names=npy("<U500000000", (1,))),
    "a dtype of nothing": lambda: npz(train_labels=npy("|V0", (4,))),
    "a dtype that is none": lambda: npz(train_labels=npy("evil", (4,))),
    "a dtype of a module": lambda: npz(train_labels=npy("os.system", (4,))),
    "a dtype of many fields": lambda: npz(
        train_labels=npy([(f"f{n}", "<i8") for n in range(500)], (4,))),
    "text in place of a header": lambda: npz(train_labels=npy_of("__import__('os').getcwd()")),
    "a header of brackets": lambda: npz(train_labels=npy_of("(" * 9_000)),
    "a header of minus signs": lambda: npz(train_labels=npy_of("-" * 9_000 + "1")),
    "a header of nested lists": lambda: npz(train_labels=npy_of("[" * 90 + "]" * 90)),
    "a header of 60,000 letters": lambda: npz(train_labels=npy_of("{" + " " * 60_000 + "}")),
    "a header without an end": lambda: npz(train_labels=npy_of("{'descr': '<i8")),
    "a header of other keys": lambda: npz(train_labels=npy_of("{'a': 1}")),
    "a header that is cut": lambda: npz(train_labels=b"\x93NUMPY\x01\x00\xff\xff{"),
    "a header of 4 GB": lambda: npz(train_labels=b"\x93NUMPY\x02\x00\xff\xff\xff\xff{"),
    "a header of 220 MB": lambda: bomb(
        "train_labels", b"\x93NUMPY\x02\x00\x00\x00\x00\x0d", BOMB),
    "a header of another version": lambda: npz(train_labels=b"\x93NUMPY\x09\x00" + bytes(100)),
    "an array that is none": lambda: npz(train_labels=b"<html>"),
    "an array of nothing": lambda: npz(train_labels=b""),
    "labels of 2^62": lambda: labels([0, 1, 2, 2**62]),
    "labels of 2^63": lambda: labels([0, 1, 2, 2**63], "uint64"),
    "labels of 2^64 - 1": lambda: labels([0, 1, 2, 2**64 - 1], "uint64"),
    "labels below 0": lambda: labels([0, 1, 2, -1]),
    "labels of -2^63": lambda: labels([0, 1, 2, -(2**63)]),
    "labels beyond the images": lambda: labels([0, 1, 2, 1000]),
    "labels as floats": lambda: labels([0, 1, 2, 1.7], "float64"),
    "labels as truth": lambda: labels([0, 1, 1, 1], "bool"),
    "labels as texts": lambda: labels(list("0121"), "U1"),
    "labels as times": lambda: labels([0, 1, 2, 1], "datetime64[s]"),
    "more labels than images": lambda: labels([0, 1, 2, 0, 1]),
    "a labels bomb": lambda: bomb("train_labels", npy("<i8", (BOMB // 8,)), BOMB),
    "names with a surrogate": lambda: names("a", "b", "\ud800"),
    "names with a NUL": lambda: names("a", "b\0c", "d"),
    "names of two lines": lambda: names("a", "b\nc", "d"),
    "names with an escape": lambda: names("a", "b", "\x1b[31mc"),
    "names with a line separator": lambda: names("a", "b", "c\u2028d"),
    "empty names": lambda: names("a", "", "b"),
    "names of 1,000 letters": lambda: names("a", "b", "c" * 1_000),
    "names beyond Unicode": lambda: npz(class_names=npy("<U1", (3,), b"\xff" * 12)),
    "names that are not UTF-8": lambda: npz(class_names=npy("|S2", (3,), b"\xff" * 6)),
    "names as floats": lambda: npz(class_names=saved(np.array([0.5, 1.5, 2.5]))),
    "names as a table": lambda: npz(class_names=saved(np.array([["a", "b", "c"]]))),
    "names as objects": lambda: npz(class_names=saved(np.array([object] * 3))),
    "more names than images": lambda: names(*map(str, range(9))),
    "100,000 names": lambda: names(*map(str, range(100_000))),
    "a names bomb": lambda: bomb("class_names", npy("<U1", (BOMB // 4,)), BOMB),
}  # fmt: skip
