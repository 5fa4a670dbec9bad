"""Image files that are no images, or claim to be others than they are."""

import logging
import os

import numpy as np
import pytest
from helpers.hostile_data import attack, odd_files, prepare
from helpers.hostile_images import EITHER, GENUINE, IMAGES, colour, oriented
from PIL import Image
from ptq_comparison.common.errors import UserError
from ptq_comparison.datasets.image_folder import read_image_folder


@pytest.fixture
def folder(tmp_path):
    """A folder with one image in each split."""
    path = tmp_path / "images"
    for split in ("train", "test"):
        (path / split / "a").mkdir(parents=True)
        (path / split / "a" / "1.png").write_bytes(colour())
    return path


# The first image sets the size of the others, so that nothing can be another.
FIRST_OR_SECOND = [(name, "2.png") for name in IMAGES] + [
    pytest.param(name, "0.png", marks=pytest.mark.soak)
    for name in IMAGES
    if not name.startswith("another size")
]


@pytest.mark.parametrize(("name", "file"), FIRST_OR_SECOND)
def test_a_hostile_image_is_refused(folder, tmp_path, tally, name, file):
    file = folder / "train" / "a" / file
    file.write_bytes(IMAGES[name]())
    outcome = attack("image_folder", folder, tmp_path)
    assert outcome.kind == "refused" and file.name in outcome.text, outcome
    tally("hostile image", 1, 1)


@pytest.mark.parametrize("name", EITHER)
def test_an_odd_image_does_no_harm(folder, tmp_path, tally, name):
    (folder / "train" / "a" / "2.png").write_bytes(EITHER[name]())
    attack("image_folder", folder, tmp_path)
    tally("hostile image", 1, 1)


@pytest.mark.parametrize("name", GENUINE)
def test_what_an_image_becomes_is_in_the_log(folder, tmp_path, caplog, name):
    content, message = GENUINE[name]
    (folder / "train" / "a" / "2.jpg").write_bytes(content)
    with caplog.at_level(logging.INFO):
        prepare("image_folder", folder, tmp_path)
    assert [line.startswith(message) for line in caplog.messages].count(True) == bool(message)


def test_postscript_starts_no_program(folder, tmp_path, monkeypatch, tally):
    calls = []
    monkeypatch.setattr("subprocess.check_call", calls.append)
    monkeypatch.setattr("subprocess.Popen", lambda *arguments, **_: calls.append(arguments))
    for name in IMAGES:
        if name.startswith("PostScript") or "EPS" in name:
            (folder / "train" / "a" / "0.png").write_bytes(IMAGES[name]())
            with pytest.raises(UserError, match=r"0.png: not a PNG or JPEG image"):
                prepare("image_folder", folder, tmp_path)
            tally("hostile image", 1, 1)
    assert not calls


@pytest.mark.parametrize("orientation", range(1, 9))
def test_images_are_upright(folder, orientation):
    """As viewers show them, also where the first image is turned."""
    size = (8, 6) if orientation < 5 else (6, 8)
    for number in (0, 1):
        file = folder / "train" / "a" / f"{number}.png"
        file.write_bytes(oriented(orientation, "PNG", size))
    stored = np.asarray(Image.open(file))
    turns = {1: stored, 2: stored[:, ::-1], 3: stored[::-1, ::-1], 4: stored[::-1]}
    swapped = stored.transpose(1, 0, 2)
    turns |= {5: swapped, 6: swapped[:, ::-1], 7: swapped[::-1, ::-1], 8: swapped[::-1]}
    images = read_image_folder(folder).train.images
    assert images.shape == (2, 6, 8, 3)
    assert np.array_equal(images[0:1][0], turns[orientation])


def test_what_is_no_file_is_never_opened(folder, tmp_path, tally):
    for file in [*odd_files(tmp_path), tmp_path]:
        link = folder / "train" / "a" / "2.png"
        link.symlink_to(file)
        outcome = attack("image_folder", folder, tmp_path)
        assert outcome.kind == "refused" and "2.png: cannot be read" in outcome.text
        link.unlink()
        tally("hostile image", 1, 1)


def test_a_sparse_file_is_not_read(folder, tmp_path, tally):
    file = folder / "train" / "a" / "2.png"
    file.write_bytes(colour()[:33] + b"\x7f\xff\xff\xfftEXt")
    os.truncate(file, 2**40)
    assert attack("image_folder", folder, tmp_path).kind == "refused"
    tally("hostile image", 1, 1)


@pytest.mark.parametrize("name", [b"\xff\xfe", b"a\nb", b"a\x1b[31m", "a\u2028b".encode()])
def test_names_that_cannot_be_written_are_refused(folder, tmp_path, tally, name):
    bad = os.path.join(os.fsencode(folder / "train" / "a"), name + b".png")
    with open(bad, "wb") as file:
        file.write(colour())
    outcome = attack("image_folder", folder, tmp_path)
    assert outcome.kind == "refused" and "rename it" in outcome.text
    os.unlink(bad)
    for split in ("train", "test"):
        os.mkdir(os.path.join(os.fsencode(folder / split), name))
        outcome = attack("image_folder", folder, tmp_path)
        assert outcome.kind == "refused" and "rename it" in outcome.text
    tally("hostile image", 3, 3)


@pytest.mark.soak
@pytest.mark.parametrize("kind", ["PNG", "JPEG"])
def test_changed_bytes_do_no_harm(folder, tmp_path, tally, record_property, kind):
    generator = np.random.default_rng(0)
    contents = [
        content
        for content, _ in GENUINE.values()
        if (content[:2] == b"\xff\xd8") == (kind == "JPEG")
    ]
    count, refused = 1_000, 0
    for number in range(count):
        content = bytearray(contents[number % len(contents)])
        for place in generator.integers(0, len(content), generator.integers(1, 9)):
            content[place] = generator.integers(0, 256)
        (folder / "train" / "a" / "2.png").write_bytes(content)
        refused += attack("image_folder", folder, tmp_path).kind == "refused"
    record_property("told", f"{kind} files with changed bytes: {count}, {refused} refused")
    tally("hostile image", count, count)
