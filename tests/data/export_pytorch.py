"""Train and export tests/data/pytorch_nchw.onnx: python tests/data/export_pytorch.py OUTPUT

A classifier of the three brightest channels, NCHW, dynamic batch, with batch normalization, trained
on images that are normalized as in torchvision. Needs PyTorch (dependency group `training`).
"""

import sys
from pathlib import Path

import numpy as np
import torch

sys.path.append(str(Path(__file__).parents[1]))

from helpers import MEAN, STD, make_images


def main(output: str) -> None:
    torch.manual_seed(0)
    model = torch.nn.Sequential(
        torch.nn.Conv2d(3, 8, 3, padding=1),
        torch.nn.BatchNorm2d(8),
        torch.nn.ReLU(),
        torch.nn.AdaptiveAvgPool2d(1),
        torch.nn.Flatten(),
        torch.nn.Linear(8, 3),
    )
    images, labels = make_images(600, seed=10)
    scaled = (images.astype(np.float32) / 255 - np.float32(MEAN)) / np.float32(STD)
    inputs = torch.from_numpy(np.ascontiguousarray(scaled.transpose(0, 3, 1, 2)))
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    for _ in range(300):
        optimizer.zero_grad()
        loss = torch.nn.functional.cross_entropy(model(inputs), torch.from_numpy(labels))
        loss.backward()
        optimizer.step()
    model.eval()
    torch.onnx.export(
        model,
        (inputs[:1],),
        output,
        input_names=["images"],
        output_names=["logits"],
        dynamic_axes={"images": {0: "batch"}, "logits": {0: "batch"}},
        opset_version=17,
        dynamo=False,
    )


if __name__ == "__main__":
    main(sys.argv[1])
