"""Train the MobileNetV2-like classifier of the tests on the procedural data set shapes.

Run from the repository's root, with the packages of the dependency group ``training``:

    python training/train_mobilenet_shapes.py

It trains as `train_resnet8_shapes.py` does, and writes the graph with batch normalization kept,
which is what quantization without folding fails over.
"""

# torch is large, so that mypy must also pass where it is not installed and all of it is Any:
# mypy: disallow-subclassing-any=False, warn-unused-ignores=False

from __future__ import annotations

import argparse
import time
from pathlib import Path

import numpy as np
import onnx
import torch
from export_mobilenet import BLOCKS, HEAD, STEM, Normalized, build_mobilenet
from ptq_comparison.datasets import shapes_generator  # its path is set by train_resnet8_shapes
from torch import Tensor, nn
from train_resnet8_shapes import PIXEL_SCALE, ROOT, SEED, print_figures, train

# Batch normalization hides the scale of a filter, so that training may leave scales of any size.
# These begin spread by this standard deviation of their logarithm.
SPREAD = 1.5


class ConvNorm(nn.Module):
    """A convolution, its batch normalization, and ReLU6 where it is followed by one."""

    def __init__(
        self, channels_in: int, channels: int, size: int = 1, stride: int = 1, groups: int = 1,
        clip: bool = True,
    ) -> None:  # fmt: skip
        super().__init__()
        self.conv = nn.Conv2d(
            channels_in, channels, size, stride, size // 2, groups=groups, bias=False
        )
        self.norm = nn.BatchNorm2d(channels)
        self.clip, self.zero_mean = clip, channels_in == 3
        if groups > 1:
            with torch.no_grad():
                self.conv.weight *= torch.exp(SPREAD * torch.randn(channels, 1, 1, 1))

    def weight(self) -> Tensor:
        """The filters in use; the first ones see contrasts only, not the colours as such."""
        weight = self.conv.weight
        return weight - weight.mean((2, 3), keepdim=True) if self.zero_mean else weight

    def forward(self, images: Tensor) -> Tensor:
        conv = self.conv
        result: Tensor = self.norm(
            nn.functional.conv2d(
                images, self.weight(), None, conv.stride, conv.padding, groups=conv.groups
            )
        )
        return nn.functional.relu6(result) if self.clip else result


class Block(nn.Module):
    """An inverted residual block."""

    def __init__(self, width: int, expanded: int, channels: int, stride: int) -> None:
        super().__init__()
        self.expand = ConvNorm(width, expanded)
        self.depthwise = ConvNorm(expanded, expanded, 3, stride, expanded)
        self.project = ConvNorm(expanded, channels, clip=False)
        self.adds = stride == 1 and width == channels

    def forward(self, images: Tensor) -> Tensor:
        result: Tensor = self.project(self.depthwise(self.expand(images)))
        return images + result if self.adds else result


class MobileNet(nn.Module):
    """Raw pixels, float32 (batch, 3, 32, 32), to logits (batch, classes)."""

    def __init__(self, classes: int) -> None:
        super().__init__()
        self.stem = ConvNorm(3, STEM, 3)
        widths = [STEM, *(channels for _, channels, _ in BLOCKS)]
        self.blocks = nn.ModuleList(
            [Block(width, *block) for width, block in zip(widths, BLOCKS, strict=False)]
        )
        self.head = ConvNorm(widths[-1], HEAD)
        self.dense = nn.Linear(HEAD, classes)

    def forward(self, images: Tensor) -> Tensor:
        features = self.stem(images * PIXEL_SCALE)
        for block in self.blocks:
            features = block(features)
        logits: Tensor = self.dense(self.head(features).mean((2, 3)))
        return logits


def normalized(layer: ConvNorm, scale: float = 1.0) -> Normalized:
    """The weight, and what batch normalization multiplies by and adds; the input times a scale."""
    norm = {name: value.double().numpy() for name, value in layer.norm.state_dict().items()}
    factor = norm["weight"] / np.sqrt(norm["running_var"] + layer.norm.eps)
    term = norm["bias"] - norm["running_mean"] * factor
    weight = layer.weight().detach().numpy() * np.float32(scale)
    return Normalized(
        weight, factor.astype(np.float32), term.astype(np.float32), layer.conv.stride[0]
    )


def exported(model: MobileNet) -> dict[str, Normalized]:
    """The layers of the ONNX graph, by name."""
    # The scale is a power of two and zero padding stays zero, so that folding it in is exact.
    layers = {"stem": normalized(model.stem, PIXEL_SCALE), "head": normalized(model.head)}
    for number, block in enumerate(model.blocks, start=1):
        for part in ("expand", "depthwise", "project"):
            layers[f"block{number}_{part}"] = normalized(getattr(block, part))
    return layers


def main() -> None:
    """Train, export, check the export against torch, and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--epochs", type=int, default=4, help="default: %(default)s")
    parser.add_argument(
        "--output",
        type=Path,
        default=ROOT / "tests" / "data" / "mobilenet_shapes.onnx",
        help="the ONNX file to write; default: %(default)s",
    )
    arguments = parser.parse_args()
    started = time.process_time()
    model = train(MobileNet, arguments.epochs)
    seconds = time.process_time() - started
    dense = (
        np.ascontiguousarray(model.dense.weight.detach().numpy().T),
        model.dense.bias.detach().numpy(),
    )
    metadata = {
        "data": "shapes (procedural), stream train",
        "classes": ",".join(shapes_generator.CLASS_NAMES),
        "training": f"seed {SEED}, {arguments.epochs} epochs",
        "torch": torch.__version__,
    }
    description = "A small MobileNetV2 with batch normalization kept, trained on shapes for tests."
    onnx.save(build_mobilenet(exported(model), dense, description, metadata), arguments.output)
    print_figures(model, arguments.output, seconds)


if __name__ == "__main__":
    main()
