"""What the stored form of a quantized model brings: pixels as input, and fewer Transposes.

    PYTHONPATH=workflow/scripts python -m benchmarks.stored_forms [--data ../shared/data]

Prints the nodes that onnxruntime runs and the time of a call, one image and one thread, before and
after. The two take turns, and the time is the 10 % quantile, which other load disturbs least.
"""

import argparse
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from ptq_comparison.calibration.calibrate import calibrate, write_ranges
from ptq_comparison.config.schemes import DTYPES
from ptq_comparison.datasets.cifar10 import read_cifar10
from ptq_comparison.inference.batches import Batches
from ptq_comparison.inference.executed import optimized_graph
from ptq_comparison.inference.session import make_session
from ptq_comparison.model.graph import name_nodes
from ptq_comparison.model.loading import load_model
from ptq_comparison.preparation.folding import fold_model
from ptq_comparison.quantization.channels_last import keep_channels_last
from ptq_comparison.quantization.quantize import quantize_model
from ptq_comparison.quantization.uint8_input import check_same_scores, take_pixels
from tqdm import tqdm

from benchmarks.real_data import add_data_argument

RAW = {"layout": "auto", "scale": 1.0, "mean": 0.0, "std": 1.0, "channels": "RGB"}
BLOCKS, CALLS, WARM_UP = 10, 100, 5


def times(models: dict[str, onnx.ModelProto], image: np.ndarray) -> dict[str, float]:
    """Return microseconds of a call of each model; `image` is uint8, in their layout."""
    found: dict[str, list[float]] = {name: [] for name in models}
    for _ in range(BLOCKS):
        sessions = {name: make_session(model, threads=1) for name, model in models.items()}
        for number in range(CALLS):
            for name, session in sessions.items():
                given = session.get_inputs()[0]
                inputs = {given.name: image.astype(np.uint8 if "uint8" in given.type else "f4")}
                begin = time.perf_counter()
                session.run(None, inputs)
                if number >= WARM_UP:
                    found[name].append(time.perf_counter() - begin)
    return {name: 1e6 * float(np.quantile(values, 0.1)) for name, values in found.items()}


def report(label: str, before: onnx.ModelProto, after: onnx.ModelProto, image: np.ndarray) -> None:
    """Print a line: nodes, Transposes and times of both models."""
    parts = []
    for name, taken in times({"before": before, "after": after}, image).items():
        nodes = optimized_graph(before if name == "before" else after).node
        turned = sum(node.op_type == "Transpose" for node in nodes)
        parts.append(f"{name} {len(nodes)} nodes, {turned} Transposes, {taken:.1f} us")
    print(f"{label}: {'; '.join(parts)}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    add_data_argument(parser)
    data = parser.parse_args().data
    images = np.asarray(read_cifar10(data / "cifar10-prefix").train.images[:400])
    for network in ("resnet8", "resnet20"):
        model = load_model(data / f"models/{network}.onnx")
        model = name_nodes(fold_model(model, images[:64], RAW)[0])
        batches = Batches.of(images, model, RAW, 50)
        (image,) = next(iter(Batches.of(images[:1], model, RAW, 1))).inputs.values()
        image = image.astype(np.uint8)
        first = next(node.name for node in model.graph.node if node.op_type == "Conv")
        with tempfile.TemporaryDirectory() as scratch:
            ranges = Path(scratch) / "ranges.json"
            write_ranges(ranges, calibrate(model, batches, "MinMax", {}, tqdm(disable=True)), {})
            for dtype, form in (("u8s8", "QOperator"), ("u8s8", "QDQ")):
                options: dict[str, Any] = {
                    **dict(zip(("activation_type", "weight_type"), DTYPES[dtype], strict=True)),
                    "format": form,
                    "per_channel": True,
                    "reduce_range": False,
                    "op_types_to_quantize": [],
                    "extra_options": {},
                }
                for excluded in ([], [first]):
                    own = {**options, "nodes_to_exclude": excluded}
                    quantized = quantize_model(model, ranges, own).model
                    label = f"{network} {dtype} {form}" + " but the first" * len(excluded)
                    pixels = take_pixels(quantized, RAW)
                    check_same_scores(quantized, pixels, batches)
                    report(f"{label}, pixels", quantized, pixels, image)
                    turned = keep_channels_last(quantized)
                    if turned is not quantized:
                        check_same_scores(quantized, turned, batches)
                        report(f"{label}, axes", quantized, turned, image)


if __name__ == "__main__":
    main()
