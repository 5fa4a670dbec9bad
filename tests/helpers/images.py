"""Images for the small models, and how they are preprocessed."""

import numpy as np

CLASSES = ("red", "green", "blue")
MEAN, STD = [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]  # torchvision's, of pixels from 0 to 1
RAW = {"layout": "auto", "scale": 1.0, "mean": 0.0, "std": 1.0}  # preprocessing: pixels as they are


def make_images(count: int, seed: int, side: int = 8) -> tuple[np.ndarray, np.ndarray]:
    """Return noise, uint8 (N, side, side, 3), with the channel of the label a little brighter."""
    generator = np.random.default_rng(seed)
    labels = np.arange(count) % 3
    images = generator.integers(0, 200, (count, side, side, 3))
    images[np.arange(count), :, :, labels] += 20
    return images.astype(np.uint8), labels
