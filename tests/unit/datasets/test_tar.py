"""Shards of tar archives, read in place."""

import tarfile

import pytest
from helpers.picture_files import picture, values, write_tar
from ptq_comparison.common.errors import UserError
from ptq_comparison.datasets.options import Options
from ptq_comparison.datasets.tar import list_shard, read_tar

FORMS = (tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT)


def sample(key, value, label, suffix=".cls"):
    return {f"{key}.png": picture(value), f"{key}{suffix}": label.encode()}


@pytest.fixture
def shards(tmp_path):
    """Two shards to train on and one to test, as WebDataset writes them."""
    write_tar(tmp_path / "train-0000.tar", sample("0", 0, "1\n") | sample("1", 1, "0"))
    write_tar(tmp_path / "train-0001.tar", sample("2", 2, '{"label": 1, "x": 0}', ".json"))
    write_tar(tmp_path / "test-0000.tar", sample("a/3", 3, "1") | sample("a/4", 4, "0"))
    return tmp_path


def test_shards_with_a_label_beside_each_image(shards):
    dataset = read_tar(shards, Options())
    assert dataset.class_names == ["0", "1"]
    assert values(dataset.train.images) == [0, 1, 2] and dataset.train.labels.tolist() == [1, 0, 1]
    assert values(dataset.test.images) == [3, 4] and dataset.test.labels.tolist() == [1, 0]
    (shards / "classes.txt").write_text("cat\ndog\n")
    named = read_tar(shards, Options(classes=str(shards / "classes.txt")))
    assert named.class_names == ["cat", "dog"]


@pytest.mark.parametrize("form", FORMS)
def test_shards_of_class_folders(tmp_path, form):
    long = "a" * 99 + "é" * 30 if form != tarfile.USTAR_FORMAT else "aé"
    train = {f"./{long}/0.png": picture(0), "b/x.y.JPG": picture(1, "JPEG"), "b/._x.png": b"no"}
    write_tar(tmp_path / "train1.tar", train, form)
    write_tar(tmp_path / "val.tar", {"b/0.png": picture(2), "README.md": b"text"}, form)
    dataset = read_tar(tmp_path, Options())
    assert dataset.class_names == [long, "b"] and dataset.train.labels.tolist() == [0, 1]
    assert values(dataset.train.images) == [0, 1] and values(dataset.test.images) == [2]


def test_one_archive_of_an_image_folder(tmp_path):
    members = {"d/train/a/0.png": picture(0), "d/train/b/x/1.png": picture(1)}
    path = write_tar(tmp_path / "d.tar", members | {"d/val/b/2.png": picture(2)})
    dataset = read_tar(path, Options())
    assert dataset.class_names == ["a", "b"] and dataset.train.labels.tolist() == [0, 1]
    assert values(dataset.test.images) == [2] and dataset.test.labels.tolist() == [1]
    path = write_tar(tmp_path / "d.tar", members)
    with pytest.raises(UserError, match=r"d.tar: no folder test or val .* found: train; name a fo"):
        read_tar(path, Options())
    other = Options(splits={"train": "train", "test": "d"})
    with pytest.raises(UserError, match=r"no folder train"):  # all are in the outer one
        read_tar(path, other)


def test_one_archive_with_a_hold_out(tmp_path):
    path = write_tar(tmp_path / "d.tar", {f"a/{n}.png": picture(n) for n in range(10)})
    dataset = read_tar(path, Options(hold_out=0.3))
    assert len(dataset.test.labels) == 3
    assert sorted(values(dataset.train.images) + values(dataset.test.images)) == [*range(10)]


def test_calibration_images_of_their_own(shards):
    (shards / "train-0000.tar").unlink()
    (shards / "c").mkdir()
    (shards / "c/9.png").write_bytes(picture(9))
    dataset = read_tar(shards, Options(calibration=str(shards / "c")))
    assert values(dataset.train.images) == [9] and dataset.train.labels.tolist() == [-1]


@pytest.mark.parametrize(
    ("members", "message"),
    [
        ({"0.png": picture(0), "1.cls": b"0"}, r"0.png has no label; add a member .cls or .json"),
        ({"0.png": picture(0)}, r"0.png has no label"),
        ({"0.png": picture(0), "0.json": b'{"caption": "a"}'}, r"0.png has no label"),
        ({"0.png": picture(0), "0.json": b"{"}, r"not a plain tar archive of images \(Expecting"),
        ({"0.png": picture(0), "0.cls": b"\xff"}, r"not a plain tar archive of images \('utf-8'"),
        ({"0.png": picture(0), "0.json": b"[" * 10**5}, r"not a plain tar archive of images"),
        ({"/etc/0.png": picture(0)}, r"its member '/etc/0.png' leads out of the archive"),
        ({"a/../../0.png": picture(0)}, r"its member .* leads out of the archive"),
        ({"a/0\n.png": picture(0)}, r"the member '0\\n.png' has a name that"),
    ],
)  # fmt: skip
def test_members_that_do_not_fit(tmp_path, members, message):
    with pytest.raises(UserError, match=message) as error:
        list_shard(write_tar(tmp_path / "train.tar", members))
    assert str(error.value).isprintable() and str(error.value).startswith(f"{tmp_path}/train.tar: ")


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE])
def test_links_and_devices_are_refused(tmp_path, kind):
    with tarfile.open(tmp_path / "train.tar", "w") as archive:
        info = tarfile.TarInfo("a/0.png")
        info.type, info.linkname = kind, "/etc/passwd"
        archive.addfile(info)
    with pytest.raises(UserError, match=r"its member 'a/0.png' is a link, or no ordinary file"):
        list_shard(tmp_path / "train.tar")


def test_what_is_no_plain_archive(tmp_path):
    path = write_tar(tmp_path / "train.tar", {"a/0.png": picture(0)}, mode="w:gz")
    with pytest.raises(
        UserError, match=r"train.tar: is compressed, so that .* unpack it to a plain"
    ):
        list_shard(path)
    path.write_text("<html>" * 100)
    with pytest.raises(UserError, match=r"not a plain tar archive of images \(invalid header"):
        list_shard(path)
    write_tar(path, {"a/0.png": picture(0)}, tarfile.USTAR_FORMAT)
    path.write_bytes(path.read_bytes()[:540])
    with pytest.raises(UserError, match=r"'a/0.png' goes beyond its end"):
        list_shard(path)


def test_a_header_that_claims_much_is_not_read(tmp_path):
    """A long name of 200 MB in a sparse file."""
    info = tarfile.TarInfo("long")
    info.size, info.type = 200 * 2**20, tarfile.GNUTYPE_LONGNAME
    with (tmp_path / "train.tar").open("wb") as file:
        file.write(info.tobuf(tarfile.GNU_FORMAT))
        file.truncate(2**28)
    with pytest.raises(UserError, match="it has a name that is too long"):
        list_shard(tmp_path / "train.tar")


def test_an_image_that_has_changed(shards):
    images = read_tar(shards, Options()).test.images
    write_tar(shards / "test-0000.tar", {})
    with pytest.raises(UserError, match=r"test-0000.tar: byte [\d,]+"):
        images[0:1]
