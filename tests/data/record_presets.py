"""Record what the libraries behind the presets make of two pictures: presets.npz.

Made with torch 2.13.0, torchvision 0.28.0, timm 1.0.31, transformers 5.24.0, keras 3.15.1 and
Pillow 13.0.0, whatever of them is installed at a time; the other arrays are kept:

    python tests/data/record_presets.py
"""

import sys
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

FILE = Path(__file__).with_name("presets.npz")
SIDE = 16  # of the model's input
LIBRARIES: list[Any] = []
# As published, with smaller sizes. The sizes are odd, so that half a pixel is rounded.
PREPROCESSOR_CONFIGS: dict[str, dict[str, Any]] = {
    "vit": {
        "image_processor_type": "ViTImageProcessor",
        "do_normalize": True, "do_rescale": True, "do_resize": True, "resample": 2,
        "image_mean": [0.5, 0.5, 0.5], "image_std": [0.5, 0.5, 0.5],
        "rescale_factor": 0.00392156862745098, "size": {"height": 16, "width": 16},
    },
    "vit_old": {
        "feature_extractor_type": "ViTFeatureExtractor",
        "do_normalize": True, "do_resize": True, "resample": 2,
        "image_mean": [0.5, 0.5, 0.5], "image_std": [0.5, 0.5, 0.5], "size": 16,
    },
    "clip": {
        "feature_extractor_type": "CLIPFeatureExtractor",
        "do_center_crop": True, "do_normalize": True, "do_resize": True, "resample": 3,
        "crop_size": 16, "size": 17,
        "image_mean": [0.48145466, 0.4578275, 0.40821073],
        "image_std": [0.26862954, 0.26130258, 0.27577711],
    },
    "deit": {
        "feature_extractor_type": "DeiTFeatureExtractor",
        "do_center_crop": True, "do_normalize": True, "do_resize": True, "resample": 3,
        "crop_size": 16, "size": 19,
        "image_mean": [0.485, 0.456, 0.406], "image_std": [0.229, 0.224, 0.225],
    },
    "convnext": {
        "image_processor_type": "ConvNextImageProcessor", "crop_pct": 0.875,
        "do_normalize": True, "do_rescale": True, "do_resize": True, "resample": 3,
        "image_mean": [0.485, 0.456, 0.406], "image_std": [0.229, 0.224, 0.225],
        "rescale_factor": 0.00392156862745098, "size": {"shortest_edge": 16},
    },
    "mobilenet": {
        "image_processor_type": "MobileNetV2ImageProcessor",
        "crop_size": {"height": 16, "width": 16}, "do_center_crop": True,
        "do_normalize": True, "do_rescale": True, "do_resize": True, "resample": 2,
        "image_mean": [0.5, 0.5, 0.5], "image_std": [0.5, 0.5, 0.5],
        "rescale_factor": 0.00392156862745098, "size": {"shortest_edge": 19},
    },
    "mobilevit": {
        "feature_extractor_type": "MobileViTFeatureExtractor",
        "crop_size": 16, "do_center_crop": True, "do_flip_channel_order": True,
        "do_resize": True, "resample": 2, "size": 13,  # smaller than the crop
    },
    "levit": {
        "feature_extractor_type": "LevitFeatureExtractor",
        "do_center_crop": True, "do_normalize": True, "do_resize": True, "resample": 3, "size": 16,
        "crop_size": {"height": 16, "width": 16},
        "image_mean": [0.485, 0.456, 0.406], "image_std": [0.229, 0.224, 0.225],
    },
    "poolformer": {
        "feature_extractor_type": "PoolFormerFeatureExtractor", "crop_pct": 0.9,
        "do_normalize": True, "do_resize_and_center_crop": True, "resample": 3, "size": 16,
        "crop_size": {"height": 16, "width": 16}, "do_resize": True, "do_center_crop": True,
        "image_mean": [0.485, 0.456, 0.406], "image_std": [0.229, 0.224, 0.225],
    },
    "efficientnet": {
        "image_processor_type": "EfficientNetImageProcessor", "include_top": True,
        "crop_size": {"height": 14, "width": 14}, "do_center_crop": False,
        "do_normalize": True, "do_rescale": True, "do_resize": True, "resample": 0,
        "rescale_offset": False, "rescale_factor": 0.00392156862745098,
        "image_mean": [0.485, 0.456, 0.406], "image_std": [0.47853944, 0.4732864, 0.47434163],
        "size": {"height": 16, "width": 16},
    },
}  # fmt: skip


def pictures() -> dict[str, np.ndarray]:
    """Return a wide and a high picture, uint8 (H, W, 3), with edges and gradients."""
    made = {}
    for name, (height, width) in {"wide": (47, 61), "high": (53, 36)}.items():
        y, x, c = np.mgrid[:height, :width, :3]
        made[name] = ((3 * x + 5 * y * (c + 1) + 90 * ((x // 7 + y // 5) % 2)) % 256).astype("u1")
    return made


def of_torchvision(image: Image.Image, side: int = SIDE) -> np.ndarray:
    """As torchvision.transforms._presets.ImageClassification, whose sizes are 256 and 224."""
    from torchvision import transforms

    steps = [
        transforms.Resize(int(side / 0.875)),
        transforms.CenterCrop(side),
        transforms.ToTensor(),
        transforms.Normalize([0.485, 0.456, 0.406], [0.229, 0.224, 0.225]),
    ]
    return transforms.Compose(steps)(image).numpy()


def of_timm(image: Image.Image, side: int = SIDE) -> np.ndarray:
    from timm.data import create_transform
    from timm.data.constants import IMAGENET_DEFAULT_MEAN, IMAGENET_DEFAULT_STD

    transform = create_transform(
        side, interpolation="bicubic", mean=IMAGENET_DEFAULT_MEAN, std=IMAGENET_DEFAULT_STD
    )
    return transform(image).numpy()


def of_keras(image: Image.Image, mode: str, side: int = SIDE) -> np.ndarray:
    """The pixels as keras.utils.load_img has them with bilinear interpolation, and their values."""
    from keras.src.applications.imagenet_utils import preprocess_input

    pixels = image.resize((side, side), Image.Resampling.BILINEAR)
    return preprocess_input(np.asarray(pixels, np.float32)[None], mode=mode)[0]


def of_transformers(image: Image.Image, name: str) -> np.ndarray:
    import transformers

    config = PREPROCESSOR_CONFIGS[name]
    kind = config.get("image_processor_type") or config["feature_extractor_type"]
    kind = kind.replace("FeatureExtractor", "ImageProcessor")
    processor = getattr(transformers, f"{kind}Pil").from_dict(config)
    return np.asarray(processor(image.convert("RGB"), return_tensors="np")["pixel_values"][0])


RECORDERS = {
    "torchvision": of_torchvision,
    "timm-bicubic": of_timm,
    **{
        f"keras-{mode}": lambda image, side=SIDE, mode=mode: of_keras(image, mode, side)
        for mode in ("tf", "caffe", "torch")
    },
    **{
        f"transformers-{name}": lambda image, name=name: of_transformers(image, name)
        for name in PREPROCESSOR_CONFIGS
    },
}


def without_kernels() -> None:
    """Let torchvision be imported without its compiled kernels, which transforms do not need."""
    import torch

    try:
        import torchvision  # noqa: F401
    except RuntimeError:
        library = torch.library.Library("torchvision", "FRAGMENT")
        for name in ("nms", "qnms"):
            library.define(f"{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
        LIBRARIES.append(library)  # it lives as long as its operators


if __name__ == "__main__":
    arrays = dict(np.load(FILE)) if FILE.exists() else {}
    try:
        without_kernels()
    except ImportError:
        print("torch is not installed", file=sys.stderr)
    for name, record in RECORDERS.items():
        for shape, picture in pictures().items():
            try:
                arrays[f"{name}/{shape}"] = record(Image.fromarray(picture)).astype(np.float32)
            except ImportError as error:
                print(f"{name}: {error}", file=sys.stderr)
    np.savez_compressed(FILE, **arrays)
    print(f"{FILE}: {len(arrays)} arrays, {FILE.stat().st_size:,} bytes")
