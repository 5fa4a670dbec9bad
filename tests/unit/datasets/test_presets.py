"""Presets give the pixels and values of the libraries that they are named after."""

import importlib.util
import io
import json

import numpy as np
import pytest
from helpers import REPOSITORY, SHARED_DATA
from PIL import Image
from ptq_comparison.config.presets import PRESETS, geometry_of, preprocessing_of, with_sizes
from ptq_comparison.datasets.encoded import References
from ptq_comparison.datasets.image_files import ImageFiles
from ptq_comparison.inference.preprocessing import Preprocessing

DATA = REPOSITORY / "tests/data"
_spec = importlib.util.spec_from_file_location("record_presets", DATA / "record_presets.py")
recorder = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(recorder)

NONE = dict.fromkeys(("resize", "crop", "pad", "interpolation", "channels"))
with np.load(DATA / "presets.npz") as _arrays:
    RECORDED = dict(_arrays)
PICTURES = recorder.pictures()


def config(preset, dataset=(), **model):
    values = {"preset": preset, "layout": "NCHW", "scale": None, "mean": None, "std": None, **model}
    return {"model": values, "dataset": {**NONE, **dict(dataset)}}


def write_config(folder, name):
    path = folder / "preprocessor_config.json"
    path.write_text(json.dumps(recorder.PREPROCESSOR_CONFIGS[name]))
    return str(path)


def model_input(folder, preset, picture, side=recorder.SIDE):
    """What a model gets for a picture, an array or the bytes of a file, through the workflow."""
    file = folder / "picture"
    if isinstance(picture, bytes):
        file.write_bytes(picture)
    else:
        Image.fromarray(picture).save(file, "PNG")
    wanted = config(preset, layout="NHWC" if preset.startswith("keras") else "NCHW")
    geometry = with_sizes(geometry_of(wanted), (side, side))
    images = ImageFiles(References.of_files([file]), geometry)
    return Preprocessing(**preprocessing_of(wanted))(images[0:1])[0]


def check_equal(found, expected, name):
    assert found.dtype == np.float32 and found.shape == expected.shape
    if name.endswith("efficientnet"):  # divides twice, and we by the square
        assert np.allclose(found, expected, rtol=1e-6, atol=1e-6)
    else:
        assert np.array_equal(found, expected)


def test_every_preset_but_raw_is_recorded():
    names = {name.split("/")[0] for name in RECORDED}
    configs = {f"transformers-{name}" for name in recorder.PREPROCESSOR_CONFIGS}
    assert names == {*PRESETS, *configs} - {"raw"} == set(recorder.RECORDERS)


@pytest.mark.parametrize("name", RECORDED)
def test_a_preset_equals_its_library(tmp_path, name):
    preset, shape = name.split("/")
    if preset.startswith("transformers-"):
        preset = write_config(tmp_path, preset.removeprefix("transformers-"))
    check_equal(model_input(tmp_path, preset, PICTURES[shape]), RECORDED[name], name.split("/")[0])


def test_raw_gives_stretched_pixels(tmp_path):
    found = model_input(tmp_path, "raw", PICTURES["wide"])
    image = Image.fromarray(PICTURES["wide"]).resize((16, 16), Image.Resampling.BILINEAR)
    assert np.array_equal(found, np.asarray(image, np.float32).transpose(2, 0, 1))


@pytest.mark.slow  # needs the libraries, which the project does without: see record_presets.py
@pytest.mark.parametrize("name", recorder.RECORDERS)
def test_the_library_itself_makes_the_same_of_photos(tmp_path, name):
    photos = sorted((SHARED_DATA / "photos/test").glob("*/*.jpg"))[::8]
    if not photos:
        pytest.skip(f"no photos in {SHARED_DATA}")
    library, _, own = name.partition("-")
    if importlib.util.find_spec(library) is None:
        pytest.skip(f"{library} is not installed")
    if library in ("torchvision", "timm"):
        recorder.without_kernels()
    record, preset, side = recorder.RECORDERS[name], name, 224
    if library == "transformers":  # its sizes are those of the file
        preset, side = write_config(tmp_path, own), 0
    for photo in photos:
        content = photo.read_bytes()
        image = Image.open(io.BytesIO(content))
        if image.getexif().get(0x0112, 1) == 1:  # the libraries leave others lying
            expected = record(image.convert("RGB"), *([side] if side else []))
            check_equal(model_input(tmp_path, preset, content, side), expected, name)
