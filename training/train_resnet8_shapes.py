"""Train the bundled classifier: MLPerf Tiny's ResNet8 topology on the procedural data set shapes.

Run from the repository's root, with the packages of the dependency group ``training``:

    python training/train_resnet8_shapes.py

It trains on the stream ``train``, prints the accuracy on ``validation`` after each epoch, writes
the ONNX file as text and prints the figures that the model card holds. The stream ``test`` is
evaluated once, at the end, on the ONNX file.
"""

# torch is large, so that mypy must also pass where it is not installed and all of it is Any:
# mypy: disallow-subclassing-any=False, warn-unused-ignores=False

from __future__ import annotations

import argparse
import base64
import os
import platform
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import numpy as np
import onnx
import torch
from export_onnx import Layer, build_resnet8
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional
from tqdm import tqdm

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "workflow" / "scripts"))

os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")  # before the import of onnxruntime

# These need the path that is set just above.
from ptq_comparison.common.files import sha256_file  # noqa: E402
from ptq_comparison.datasets import shapes_generator  # noqa: E402
from ptq_comparison.inference.batches import Batches  # noqa: E402
from ptq_comparison.inference.session import make_session, predict_scores  # noqa: E402
from ptq_comparison.model.bundled import BUNDLED_FILE  # noqa: E402
from ptq_comparison.model.loading import load_model  # noqa: E402

Network = TypeVar("Network", bound=nn.Module)

SEED = 42
BATCH = 64
PEAK_LEARNING_RATE = 0.1
WEIGHT_DECAY = 5e-4
PIXEL_SCALE = 1 / 64  # brings raw pixels near unit size; folded into the first convolution


class ConvNorm(nn.Module):
    """A convolution with Keras "same" padding and its batch normalization."""

    def __init__(
        self, channels_in: int, channels: int, stride: int = 1, zero_mean: bool = False
    ) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels_in, channels, 3, stride, bias=False)
        self.norm = nn.BatchNorm2d(channels)
        self.pads = (1, 1, 1, 1) if stride == 1 else (0, 1, 0, 1)
        self.zero_mean = zero_mean

    def weight(self) -> Tensor:
        """The filters in use; with zero_mean they see contrasts only, not the colours as such."""
        weight = self.conv.weight
        return weight - weight.mean((2, 3), keepdim=True) if self.zero_mean else weight

    def forward(self, images: Tensor) -> Tensor:
        padded = functional.pad(images, self.pads)
        result: Tensor = self.norm(
            functional.conv2d(padded, self.weight(), stride=self.conv.stride)
        )
        return result


class ResNet8(nn.Module):
    """Raw pixels, float32 (batch, 3, 32, 32), to logits (batch, classes)."""

    def __init__(self, classes: int) -> None:
        super().__init__()
        # Without zero_mean the raw pixels' brightness hides the shapes: the loss stays at chance.
        self.stem = ConvNorm(3, 16, zero_mean=True)
        self.conv1 = nn.ModuleList([ConvNorm(16, 16), ConvNorm(16, 32, 2), ConvNorm(32, 64, 2)])
        self.conv2 = nn.ModuleList([ConvNorm(16, 16), ConvNorm(32, 32), ConvNorm(64, 64)])
        shortcuts = [nn.Identity(), nn.Conv2d(16, 32, 1, 2), nn.Conv2d(32, 64, 1, 2)]
        self.shortcut = nn.ModuleList(shortcuts)
        self.dense = nn.Linear(64, classes)

    def forward(self, images: Tensor) -> Tensor:
        features = torch.relu(self.stem(images * PIXEL_SCALE))
        for conv1, conv2, shortcut in zip(self.conv1, self.conv2, self.shortcut, strict=True):
            inner = conv2(torch.relu(conv1(features)))
            features = torch.relu(shortcut(features) + inner)
        logits: Tensor = self.dense(features.mean((2, 3)))
        return logits


def as_batch(images: NDArray[np.uint8]) -> Tensor:
    """uint8 (batch, 32, 32, 3) as float32 (batch, 3, 32, 32), values kept."""
    return torch.from_numpy(images).permute(0, 3, 1, 2).float()


def predict(model: nn.Module, images: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Top-1 classes, int64 (images,), by torch."""
    model.eval()
    with torch.inference_mode():
        parts = [model(as_batch(images[i : i + 500])).argmax(1) for i in range(0, len(images), 500)]
    return np.asarray(torch.cat(parts).numpy(), np.int64)


def predict_onnx(path: Path, images: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Top-1 classes, int64 (images,), by ONNX Runtime on one thread, as the workflow does it."""
    model = load_model(path)
    batches = Batches.of(images, model, {"layout": "auto"}, batch_size=500)
    session = make_session(model, threads=1)
    scores = predict_scores(session, batches, len(shapes_generator.CLASS_NAMES), tqdm(disable=True))
    return np.asarray(scores.argmax(axis=1), np.int64)


def train(network: Callable[[int], Network], epochs: int) -> Network:
    """Train on the stream train with the fixed seed and print a line for each epoch.

    `network` makes the untrained model for a number of classes.
    """
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    torch.manual_seed(SEED)
    images, labels = shapes_generator.generate("train")
    held_images, held_labels = shapes_generator.generate("validation")
    targets = torch.from_numpy(labels)
    model = network(len(shapes_generator.CLASS_NAMES))
    optimizer = torch.optim.SGD(
        model.parameters(), momentum=0.9, nesterov=True, weight_decay=WEIGHT_DECAY
    )
    steps = len(images) // BATCH
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, PEAK_LEARNING_RATE, epochs * steps, pct_start=0.2
    )
    for epoch in range(1, epochs + 1):
        model.train()
        started, loss_sum = time.perf_counter(), 0.0
        order = torch.randperm(len(images))[: steps * BATCH].view(steps, BATCH)
        for batch in order:
            loss = functional.cross_entropy(model(as_batch(images[batch.numpy()])), targets[batch])
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            schedule.step()
            loss_sum += loss.item()
        seconds = time.perf_counter() - started
        accuracy = np.mean(predict(model, held_images) == held_labels)
        print(
            f"epoch {epoch}/{epochs}: loss {loss_sum / steps:.3f}, "
            f"validation accuracy {accuracy:.2%}, {seconds:.0f} s",
            flush=True,
        )
    return model


def fold(block: ConvNorm, scale: float = 1.0) -> Layer:
    """Weight and bias of the convolution that equals a block, its input multiplied by a scale."""
    norm = {name: value.double().numpy() for name, value in block.norm.state_dict().items()}
    gain = norm["weight"] / np.sqrt(norm["running_var"] + block.norm.eps)
    weight = block.weight().detach().double().numpy() * gain[:, None, None, None] * scale
    bias = norm["bias"] - norm["running_mean"] * gain
    return weight.astype(np.float32), bias.astype(np.float32)


def folded_layers(model: ResNet8) -> dict[str, Layer]:
    """The layers of the ONNX graph, by name."""
    # The scale is a power of two and zero padding stays zero, so that folding it in is exact.
    layers = {"stem_conv": fold(model.stem, PIXEL_SCALE)}
    for index, (conv1, conv2, shortcut) in enumerate(
        zip(model.conv1, model.conv2, model.shortcut, strict=True), start=1
    ):
        assert isinstance(conv1, ConvNorm)
        assert isinstance(conv2, ConvNorm)
        layers[f"stack{index}_conv1"] = fold(conv1)
        layers[f"stack{index}_conv2"] = fold(conv2)
        if isinstance(shortcut, nn.Conv2d) and shortcut.bias is not None:
            weight, bias = shortcut.weight.detach().numpy(), shortcut.bias.detach().numpy()
            layers[f"stack{index}_shortcut"] = (weight, bias)
    weight = np.ascontiguousarray(model.dense.weight.detach().numpy().T)
    return layers | {"dense": (weight, model.dense.bias.detach().numpy())}


def print_figures(model: nn.Module, path: Path, seconds: float) -> None:
    """Check the written file against torch, and print what a model card holds."""
    made_with = {"torch": torch.__version__, "numpy": np.__version__, "onnx": onnx.__version__}
    images, labels = shapes_generator.generate("validation")
    predicted = predict_onnx(path, images)
    differing = int(np.sum(predicted != predict(model, images)))
    if differing:
        sys.exit(f"{path}: top-1 differs from torch's on {differing} validation images")
    test_images, test_labels = shapes_generator.generate("test")
    test_correct = int(np.sum(predict_onnx(path, test_images) == test_labels))
    print(f"validation accuracy: {np.sum(predicted == labels)} of {len(labels)}")
    print(f"test accuracy: {test_correct} of {len(test_labels)}")
    print(f"training: {seconds:.0f} CPU seconds on {platform.machine()}, {made_with}")
    print(f"file: {path.stat().st_size} bytes, sha256 {sha256_file(path)}")


def main() -> None:
    """Train, export, check the export against torch, and print the model card's figures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--epochs", type=int, default=5, help="default: %(default)s")
    parser.add_argument(
        "--output",
        type=Path,
        default=BUNDLED_FILE,
        help="the ONNX file to write, as base64 text; default: %(default)s",
    )
    arguments = parser.parse_args()

    started = time.process_time()
    model = train(ResNet8, arguments.epochs)
    seconds = time.process_time() - started
    made_with = {"torch": torch.__version__, "numpy": np.__version__, "onnx": onnx.__version__}
    count = shapes_generator.STREAM_SIZES["train"]
    metadata = {
        "data": f"shapes (procedural), stream train, {count} images",
        "classes": ",".join(shapes_generator.CLASS_NAMES),
        "training": f"seed {SEED}, {arguments.epochs} epochs",
        **made_with,
    }
    description = (
        "ResNet8 (MLPerf Tiny's topology) trained on the synthetic data set shapes. Its accuracy "
        "says nothing about photographs and does not compare with CIFAR-10 figures."
    )
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "resnet8_shapes.onnx"
        onnx.save(build_resnet8(folded_layers(model), description, metadata), path)
        print_figures(model, path, seconds)
        arguments.output.write_bytes(base64.encodebytes(path.read_bytes()))


if __name__ == "__main__":
    main()
