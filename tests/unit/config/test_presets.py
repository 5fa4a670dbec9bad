"""Presets, keys that win over them, and sizes that follow from the model."""

import pytest
from ptq_comparison.common.errors import UserError
from ptq_comparison.config.presets import (
    PRESETS,
    geometry_of,
    needs_input_size,
    preprocessing_of,
    read_preset,
    with_sizes,
)

KEYS = dict.fromkeys(("resize", "crop", "pad", "interpolation", "channels"))


def config(preset=None, model=(), **dataset):
    values = {"preset": preset, "layout": "auto", "scale": None, "mean": None, "std": None}
    return {"model": {**values, **dict(model)}, "dataset": {**KEYS, **dataset}}


@pytest.mark.parametrize(
    ("preset", "dataset", "resize", "crop"),
    [
        ("torchvision", {}, 256, [224, 224]),
        ("timm-bicubic", {}, 256, [224, 224]),
        ("keras-tf", {}, [224, 224], None),
        ("raw", {}, [224, 224], None),
        (None, {}, None, None),
        (None, {"crop": 32}, None, 32),
        # Keys that are set win, and what they leave open follows.
        ("torchvision", {"crop": 200}, 228, 200),
        ("torchvision", {"crop": [100, 200]}, 114, [100, 200]),
        ("torchvision", {"resize": 232}, 232, [224, 224]),
        ("torchvision", {"resize": [96, 96]}, [96, 96], None),
        ("keras-tf", {"resize": 250}, 250, [224, 224]),
        ("keras-tf", {"crop": 32}, [32, 32], 32),
        ("keras-tf", {"pad": 0}, [224, 224], None),
    ],
)
def test_sizes_follow_from_the_input_of_the_model(preset, dataset, resize, crop):
    geometry = geometry_of(config(preset, **dataset))
    needed = preset is not None and "crop" not in dataset and dataset.get("resize") != [96, 96]
    assert needs_input_size(geometry) is needed
    sized = with_sizes(geometry, (224, 224) if needed else None)
    assert (sized["resize"], sized["crop"]) == (resize, crop)
    assert set(sized) == {"resize", "crop", "pad", "interpolation", "channels", "centre"}


@pytest.mark.parametrize("dataset", [{}, {"resize": 32}, {"crop": 32}])
def test_padding_needs_a_size(dataset):
    with pytest.raises(UserError, match=r"dataset.pad: .* set dataset.resize to \[height, width\]"):
        geometry_of(config(pad=0, **dataset))
    geometry_of(config(pad=0, resize=[3, 4]))


def test_values_of_the_model_and_of_the_images_win():
    asked = config("torchvision", {"scale": 1.0, "std": 2.0}, interpolation="nearest")
    found = preprocessing_of(asked)
    assert (found["scale"], found["std"]) == (1.0, 2.0)
    assert found["mean"] == PRESETS["torchvision"]["mean"]
    assert geometry_of(asked)["interpolation"] == "nearest"


@pytest.mark.parametrize(
    ("preset", "channels", "order", "stored"),
    [
        ("keras-caffe", None, "BGR", "RGB"),
        ("keras-caffe", "RGB", "RGB", "RGB"),
        ("torchvision", "BGR", "BGR", "RGB"),
        (None, None, "RGB", None),
        (None, "grey", "RGB", "grey"),
        ("raw", None, "RGB", None),
    ],
)
def test_stored_pixels_stay_rgb(preset, channels, order, stored):
    asked = config(preset, channels=channels)
    assert preprocessing_of(asked)["channels"] == order
    assert geometry_of(asked)["channels"] == stored


@pytest.mark.parametrize("name", ["torchvison", "a/b.json", "/", "x" * 300])
def test_an_unknown_preset_names_those_there_are(name):
    with pytest.raises(UserError, match=r"model.preset: .*; allowed: torchvision, .* or the path"):
        read_preset(name)
