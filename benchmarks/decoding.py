"""Images a second of prediction from JPEG files, against the network and the decoder alone.

    python benchmarks/decoding.py [--images 256] [--rounds 5] [--threads 1]

Photos of 500 x 375 and 375 x 500 pixels, made here, become 224 x 224 as torchvision's preset says,
and go through a network that is slower than the decoder, and one that is faster. The three are
measured in turn; a ratio is the median of those of the rounds, the CPU time in per cent of what the
two take alone. The network alone is a loop of
`session.run` over arrays that are ready, the decoder alone reads and decodes the same batches.
"""

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")  # before the import of onnxruntime
sys.path.insert(0, str(Path(__file__).parents[1] / "workflow/scripts"))

import numpy as np
import onnx
from onnx import helper, numpy_helper
from PIL import Image
from ptq_comparison.config.presets import IMAGENET
from ptq_comparison.datasets.encoded import References
from ptq_comparison.datasets.image_files import ImageFiles
from ptq_comparison.inference.batches import Batches
from ptq_comparison.inference.session import make_session, predict_scores
from tqdm import tqdm

GEOMETRY = {"resize": 256, "crop": 224, "channels": "RGB"}
PREPROCESSING = {"layout": "NCHW", "scale": 1 / 255, **IMAGENET}
BATCH_SIZE = 16
CLASSES = 10
CHANNELS = {"slow network": [32, 64, 64, 128, 128], "fast network": [4]}


def make_photo(generator: np.random.Generator, path: Path) -> None:
    """Write a photo of gradients and noise, about as many bytes as a photo of a camera has."""
    size = (500, 375) if generator.random() < 0.7 else (375, 500)
    coarse = generator.integers(0, 256, (8, 8, 3), np.uint8)
    pixels = np.asarray(Image.fromarray(coarse).resize(size, Image.Resampling.BICUBIC), int)
    noise = generator.normal(0, 12, pixels.shape)
    Image.fromarray(np.clip(pixels + noise, 0, 255).astype(np.uint8)).save(path, quality=85)


def make_network(channels: list[int]) -> onnx.ModelProto:
    """Make convolutions of 3 x 3, the first two and the last with a stride, and a classifier."""
    generator, nodes, weights, before, name = np.random.default_rng(0), [], [], 3, "image"
    for number, count in enumerate(channels):
        kernel = generator.normal(0, (before * 9) ** -0.5, (count, before, 3, 3))
        weights.append(numpy_helper.from_array(kernel.astype(np.float32), f"w{number}"))
        strides = [2, 2] if number in (0, 1, len(channels) - 1) else [1, 1]
        nodes += [
            helper.make_node(
                "Conv", [name, f"w{number}"], [f"c{number}"], strides=strides, pads=[1, 1, 1, 1]
            ),
            helper.make_node("Relu", [f"c{number}"], [f"r{number}"]),
        ]
        before, name = count, f"r{number}"
    matrix = generator.normal(size=(before, CLASSES)).astype(np.float32)
    weights.append(numpy_helper.from_array(matrix, "matrix"))
    nodes += [
        helper.make_node("GlobalAveragePool", [name], ["pooled"]),
        helper.make_node("Flatten", ["pooled"], ["flat"]),
        helper.make_node("MatMul", ["flat", "matrix"], ["scores"]),
    ]
    values = [
        helper.make_tensor_value_info("image", onnx.TensorProto.FLOAT, ["batch", 3, 224, 224]),
        helper.make_tensor_value_info("scores", onnx.TensorProto.FLOAT, ["batch", CLASSES]),
    ]
    graph = helper.make_graph(nodes, "network", values[:1], values[1:], weights)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


class Cost(NamedTuple):
    """Seconds on the clock, and of all processors."""

    clock: float
    cpu: float


def cost(work: Callable[[], object]) -> Cost:
    """Return what the work takes."""
    clock, cpu = time.perf_counter(), time.process_time()
    work()
    return Cost(time.perf_counter() - clock, time.process_time() - cpu)


def measure(model: onnx.ModelProto, files: list[Path], threads: int) -> dict[str, Cost]:
    """Return the cost of the network alone, the decoder alone, and both together."""
    references, session = References.of_files(files), make_session(model, threads)

    def batches() -> Batches:
        images: Any = ImageFiles(references, GEOMETRY, threads)
        return Batches.of(images, model, PREPROCESSING, BATCH_SIZE)

    # As many ready batches as the processor's caches do not hold.
    ready = [batch.inputs for _, batch in zip(range(4), batches(), strict=False)]
    images = ImageFiles(references, GEOMETRY, threads)
    starts = range(0, len(files), BATCH_SIZE)
    runs = {
        "network": lambda: [
            session.run(None, ready[number % len(ready)]) for number in range(len(starts))
        ],
        "decoder": lambda: [images[start : start + BATCH_SIZE] for start in starts],
        "both": lambda: predict_scores(session, batches(), CLASSES, tqdm(disable=True)),
    }
    return {name: cost(run) for name, run in runs.items()}


def main(images: int, rounds: int, threads: int) -> None:
    """Print the rates, what share of the slower of the two prediction reaches, and its CPU time.

    On a machine that has other work to do, only the CPU time tells something.
    """
    models = {name: make_network(channels) for name, channels in CHANNELS.items()}
    with tempfile.TemporaryDirectory() as folder:
        generator = np.random.default_rng(0)
        files = [Path(folder) / f"{number:06}.jpg" for number in range(images)]
        for file in files:
            make_photo(generator, file)
        measured: dict[str, list[dict[str, Cost]]] = {name: [] for name in models}
        for _ in range(rounds):
            for name, model in models.items():
                measured[name].append(measure(model, files, threads))
    print(
        "| images/s | network alone | decoder alone | prediction | of the slower one | CPU time |"
    )
    print("| --- | ---: | ---: | ---: | ---: | ---: |")
    for name, rows in measured.items():
        rates = [
            f"{images / np.median([row[key].clock for row in rows]):.0f}"
            for key in ("network", "decoder", "both")
        ]
        share = np.median(
            [max(row["network"].clock, row["decoder"].clock) / row["both"].clock for row in rows]
        )
        cpu = np.median(
            [row["both"].cpu / (row["network"].cpu + row["decoder"].cpu) for row in rows]
        )
        print(f"| {name} | {' | '.join(rates)} | {share:.0%} | {cpu:.0%} |")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=256)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=1)
    main(**vars(parser.parse_args()))
