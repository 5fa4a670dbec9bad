"""Hugging Face's preprocessor_config.json; what its processors make of it, test_presets holds."""

import json

import pytest
from ptq_comparison.common.errors import UserError
from ptq_comparison.config.preprocessor_config import read_preprocessor_config

VIT = {
    "image_processor_type": "ViTImageProcessor", "do_resize": True, "size": 224, "resample": 2,
    "do_normalize": True, "image_mean": [0.5, 0.5, 0.5], "image_std": [0.5, 0.5, 0.5],
}  # fmt: skip


def read(tmp_path, **changes):
    content = {**VIT, **changes}
    path = tmp_path / "preprocessor_config.json"
    path.write_text(json.dumps({k: v for k, v in content.items() if v != "left out"}))
    return read_preprocessor_config(path)


def test_keys_that_are_left_out_have_the_values_of_their_time(tmp_path):
    assert read(tmp_path) == {
        "scale": 1 / 255, "mean": 0.5, "std": 0.5, "channels": "RGB", "resize": [224, 224],
        "crop": None, "pad": None, "interpolation": "bilinear", "centre": "floor", "fit": None,
        "ratio": 1.0,
    }  # fmt: skip
    assert read(tmp_path, do_normalize=False)["mean"] == 0.0
    assert read(tmp_path, do_rescale=False)["scale"] == 1.0
    assert read(tmp_path, do_resize=False)["resize"] is None
    assert read(tmp_path, image_mean="left out", do_normalize="left out")["std"] == 1.0


@pytest.mark.parametrize(
    ("changes", "resize", "crop"),
    [
        ({"size": {"height": 20, "width": 30}}, [20, 30], None),
        ({"size": {"shortest_edge": 20}, "do_center_crop": True, "crop_size": 9}, 20, [9, 9]),
        ({"image_processor_type": "CLIPImageProcessor"}, 224, None),
        ({"image_processor_type": "ConvNextImageProcessor"}, 256, [224, 224]),
        (
            {"image_processor_type": "ConvNextFeatureExtractor", "size": 384, "crop_pct": 0.9},
            [384, 384],
            None,
        ),
        ({"image_processor_type": "LevitImageProcessor"}, 256, None),
        ({"image_processor_type": "PoolFormerImageProcessor", "crop_pct": 0.95}, 235, None),
        ({"image_processor_type": None, "feature_extractor_type": None}, [224, 224], None),
    ],
)
def test_sizes_are_those_of_the_processor(tmp_path, changes, resize, crop):
    found = read(tmp_path, **changes)
    assert (found["resize"], found["crop"]) == (resize, crop)


def test_values_in_other_forms(tmp_path):
    grey = read(tmp_path, image_mean=[0.1307], image_std=[0.3081])
    assert (grey["mean"], grey["std"], grey["channels"]) == (0.1307, 0.3081, None)
    assert read(tmp_path, do_flip_channel_order=True)["channels"] == "BGR"
    shifted = read(tmp_path, rescale_factor=1 / 127.5, rescale_offset=True, do_normalize=False)
    assert (shifted["scale"], shifted["mean"]) == (1 / 127.5, 1.0)
    path = tmp_path / "processor_config.json"
    path.write_text(json.dumps({"image_processor": VIT}))
    assert read_preprocessor_config(path)["resize"] == [224, 224]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"size": {"longest_edge": 20}}, r"size: .* is no shortest_edge, and no height and width"),
        ({"size": {"shortest_edge": 20, "longest_edge": 40}}, "is no shortest_edge"),
        ({"size": "large"}, "size: 'large' is no number of pixels"),
        ({"size": "left out"}, "lacks 'size'"),
        ({"size": 0}, "size: 0 is no number of pixels from 1 to 10,000"),
        ({"resample": 5}, "resample: 5 is none of"),
        ({"resample": "left out", "image_processor_type": "ConvNextImageProcessor"}, "lacks 'resa"),
        ({"do_pad": True}, "do_pad is a step that this workflow does not know"),
        ({"do_color_quantize": True}, "do_color_quantize is a step"),
        ({"image_processor_type": "PerceiverImageProcessor"}, "crops before it resizes"),
        ({"image_mean": [0.5, 0.5]}, "image_mean: .* are not 1 or 3 numbers"),
        ({"image_mean": ["a", 1, 2]}, "image_mean: 'a' is no number"),
        ({"image_std": [0, 1, 1]}, "must be above 0"),
        ({"image_std": "left out"}, "lacks 'image_std'"),
        ({"rescale_factor": -1}, "must be above 0"),
        (
            {"image_processor_type": None, "do_center_crop": True, "crop_size": 9},
            "may be a square or a shorter side",
        ),
    ],
)
def test_what_a_preset_cannot_express_is_one_line(tmp_path, changes, message):
    with pytest.raises(UserError, match=rf"^model.preset: .*config.json: .*{message}.*; set mod"):
        read(tmp_path, **changes)


@pytest.mark.parametrize("content", [b"", b"[1]", b"\xff", b"[" * 100_000, b" " * 2_000_000])
def test_another_file_is_told(tmp_path, content):
    path = tmp_path / "preprocessor_config.json"
    path.write_bytes(content)
    with pytest.raises(UserError, match=r"config.json: no JSON of keys; allowed: torchvision"):
        read_preprocessor_config(path)
