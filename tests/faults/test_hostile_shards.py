"""Shards, lists of labels and names of classes with bytes that nobody wrote on purpose."""

import random

import pytest
from helpers.hostile_archives import END, header, pax, tar
from helpers.hostile_data import attack
from helpers.picture_files import picture, write_parquet, write_pictures, write_tar
from ptq_comparison.datasets.options import Options

IMAGES = {"a/0.png": picture(0), "b/1.png": picture(1)}
HOSTILE = {
    "nothing": b"",
    "no archive": b"<html>" * 200,
    "zeros": bytes(10_240),
    "gzip": b"\x1f\x8b\x08" + bytes(100),
    "an archive that is cut": tar(IMAGES)[:-500],
    "a member of a terabyte": header("a/0.png", 10**12) + END,
    "a member below nothing": header("a/0.png", -(2**40)) + END,
    "a long name of a terabyte": header("x", 10**12, b"L") + tar(IMAGES) + END,
    "a pax header of a terabyte": header("x", 10**12, b"x") + tar(IMAGES) + END,
    "a link": tar(IMAGES) + header("a/2.png", 0, b"2", "/etc/passwd") + END,
    "a hard link": tar(IMAGES) + header("a/2.png", 0, b"1", "/etc/passwd") + END,
    "a FIFO": tar(IMAGES) + header("a/2.png", 0, b"6") + END,
    "a device": tar(IMAGES) + header("a/2.png", 0, b"3") + END,
    "a sparse file": tar(IMAGES) + header("a/2.png", 0, b"S") + END,
    "an absolute name": tar({**IMAGES, "/a/2.png": picture(2)}) + END,
    "a name above": tar({**IMAGES, "../a/2.png": picture(2)}) + END,
    "a name above by pax": pax(path="../../a.png") + tar(IMAGES) + END,
    "an image twice": tar(IMAGES) * 2 + END,
    "a name of two lines": tar({**IMAGES, "a/x\ny.png": picture(2)}) + END,
    "a class of two lines": tar({**IMAGES, "a\nb/2.png": picture(2)}) + END,
    "an image that is none": tar({**IMAGES, "a/2.png": b"<html>"}) + END,
    "labels of a megabyte": tar({**IMAGES, "a/0.cls": b"1" * 2**21}) + END,
    "labels that never end": tar({**IMAGES, "a/0.json": b'{"a":' * 10**5}) + END,
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_shard_is_refused(tmp_path, tally, name):
    write_tar(tmp_path / "test.tar", IMAGES)
    (tmp_path / "train.tar").write_bytes(HOSTILE[name])
    assert attack("tar", tmp_path, tmp_path).kind == "refused"
    tally("hostile archive", 1, 1)


def mutated(content, seed):
    """Return the bytes with some of them changed, left out or repeated."""
    generator, changed = random.Random(seed), bytearray(content)
    for _ in range(generator.randint(1, 4)):
        place = generator.randrange(len(changed))
        end = place + generator.choice((1, 1, 4, 100))
        length = len(changed[place:end])
        noise = generator.randbytes(length)
        changed[place:end] = generator.choice(
            (noise, b"", changed[place:end] * 2, b"\xff" * length)
        )
        if not changed:
            return b""
    return bytes(changed)


def trials(count):
    return [range(count // 10), pytest.param(range(count // 10, count), marks=pytest.mark.soak)]


@pytest.mark.parametrize("seeds", trials(300), ids=["some", "more"])
def test_changed_bytes_of_a_shard(tmp_path, tally, seeds):
    keyed = {"0.png": picture(0), "0.json": b'{"label": 0}', "1.png": picture(1), "1.cls": b"1"}
    write_tar(tmp_path / "test.tar", keyed)
    genuine = (tmp_path / "test.tar").read_bytes()[:9000]
    for seed in seeds:
        (tmp_path / "train.tar").write_bytes(mutated(genuine, seed))
        attack("tar", tmp_path, tmp_path)
    tally("hostile archive", len(seeds), len(seeds))


@pytest.mark.parametrize("seeds", trials(300), ids=["some", "more"])
def test_changed_bytes_of_a_parquet_file(tmp_path, tally, seeds):
    pytest.importorskip("pyarrow.parquet", reason="needs pyarrow (group parquet of pyproject.toml)")
    contents = [picture(value) for value in range(8)]
    for split in ("train", "test"):
        write_parquet(tmp_path / f"{split}.parquet", contents, [0, 1] * 4, ["a", "b"])
    genuine = (tmp_path / "test.parquet").read_bytes()
    for seed in seeds:
        (tmp_path / "train.parquet").write_bytes(mutated(genuine, seed))
        attack("parquet", tmp_path, tmp_path)
    tally("hostile archive", len(seeds), len(seeds))


@pytest.mark.parametrize("seeds", trials(300), ids=["some", "more"])
def test_changed_bytes_of_lists_and_names(tmp_path, tally, seeds):
    write_pictures(tmp_path, "0.png", "1.png", "2.png", "3.png")
    files = {
        "labels.csv": 'path,label,split\n0.png,cat,train\n"1.png",dog,train\n'
        "2.png,dog,test\n3.png,cat,test\n",
        "labels.txt": "0.png 0\n1.png 1\n2.png 1\n3.png 0\n",
        "names.txt": "n01440764 cat\nn01443537 dog\n",
        "names.json": '{"0": ["n01440764", "cat"], "1": ["n01443537", "dog"]}',
    }
    for seed in seeds:
        for name, text in files.items():
            change = random.Random(seed).random() < 0.5
            content = mutated(text.encode(), seed) if change else text.encode()
            (tmp_path / name).write_bytes(content)
        labels = str(tmp_path / ("labels.csv" if seed % 2 else "labels.txt"))
        options = Options(
            labels=labels,
            hold_out=None if seed % 2 else 0.5,
            classes=str(tmp_path / ("names.txt" if seed % 3 else "names.json")),
        )
        attack("image_folder", tmp_path, tmp_path, options)
    tally("hostile list", len(seeds), len(seeds))
