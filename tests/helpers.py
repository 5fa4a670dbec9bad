"""What tests share: a tiny classifier with its images, and a way to run Snakemake."""

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from onnx import ModelProto, TensorProto, checker, helper, numpy_helper, save
from ptq_comparison.calibration.calibrate import calibrate, write_ranges
from ptq_comparison.evaluation import metrics
from ptq_comparison.inference.batches import Batches
from ptq_comparison.quantization.quantize import quantize_model
from tqdm import tqdm

REPOSITORY = Path(__file__).parents[1]

# Real CIFAR-10 images and published weights, which may not be shipped.
SHARED_DATA = Path(os.environ.get("SHARED_DATA", REPOSITORY.parent / "shared" / "data"))
CLASSES = ("red", "green", "blue")
MEAN, STD = [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]  # torchvision's, of pixels from 0 to 1
OPTIONS = {  # of quantize_model
    "activation_type": "QUInt8",
    "weight_type": "QInt8",
    "per_channel": False,
    "reduce_range": False,
    "format": "QDQ",
    "nodes_to_exclude": [],
    "op_types_to_quantize": [],
    "extra_options": {},
}
RAW = {"layout": "auto", "scale": 1.0, "mean": 0.0, "std": 1.0}  # preprocessing: pixels as they are


def make_classifier(layout: str = "NHWC", batch: int | str = "batch", side: int = 8) -> ModelProto:
    """Return an ONNX classifier that names the brightest of three channels."""
    shape = [batch, side, side, 3] if layout == "NHWC" else [batch, 3, side, side]
    generator = np.random.default_rng(0)
    weights = 0.0001 * generator.normal(size=(3, 3, 3, 3))
    weights[range(3), range(3), 1, 1] += 0.02
    nodes = [
        helper.make_node("Conv", ["nchw", "w"], ["c"], name="conv", pads=[1, 1, 1, 1]),
        helper.make_node("Relu", ["c"], ["r"], name="relu"),
        helper.make_node("GlobalAveragePool", ["r"], ["g"], name="pool"),
        helper.make_node("Flatten", ["g"], ["f"], name="flatten"),
        helper.make_node("Softmax", ["f"], ["scores"], name="softmax"),
    ]
    if layout == "NHWC":
        transpose = helper.make_node(
            "Transpose", ["image"], ["nchw"], name="transpose", perm=[0, 3, 1, 2]
        )
        nodes.insert(0, transpose)
    else:
        nodes[0].input[0] = "image"
    graph = helper.make_graph(
        nodes,
        "tiny",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info("scores", TensorProto.FLOAT, [batch, 3])],
        [numpy_helper.from_array(weights.astype(np.float32), "w")],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)


def make_nan_classifier() -> ModelProto:
    """Return the classifier with weights that are not numbers."""
    model = make_classifier()
    weights = np.full((3, 3, 3, 3), np.nan, np.float32)
    model.graph.initializer[0].CopyFrom(numpy_helper.from_array(weights, "w"))
    return model


def make_outlier_classifier() -> ModelProto:
    """Return the classifier with a node `outlier` that 8 bits for a whole tensor make useless.

    It passes on three channels as they are; a fourth one, always 0, has a weight that stretches the
    grid until the others round to 0.
    """
    model = make_classifier()
    nodes, weights = model.graph.node, model.graph.initializer[0]
    wider = np.pad(numpy_helper.to_array(weights), [(0, 1), (0, 0), (0, 0), (0, 0)])
    weights.CopyFrom(numpy_helper.from_array(wider, "w"))
    passing = np.hstack([np.eye(3), np.full((3, 1), 1000.0)]).astype(np.float32)
    model.graph.initializer.append(numpy_helper.from_array(passing[..., None, None], "passing"))
    pool = next(place for place, node in enumerate(nodes) if node.name == "pool")
    nodes.insert(pool, helper.make_node("Conv", ["r", "passing"], ["o"], name="outlier"))
    nodes[pool + 1].input[0] = "o"
    return model


def make_images(count: int, seed: int, side: int = 8) -> tuple[np.ndarray, np.ndarray]:
    """Return noise, uint8 (N, side, side, 3), with the channel of the label a little brighter."""
    generator = np.random.default_rng(seed)
    labels = np.arange(count) % 3
    images = generator.integers(0, 200, (count, side, side, 3))
    images[np.arange(count), :, :, labels] += 20
    return images.astype(np.uint8), labels


def make_network(
    layers: Sequence[tuple[str, dict[str, Any], dict[str, np.ndarray]]],
    channels: int = 3,
    side: int = 8,
    batch: int | str = "batch",
) -> ModelProto:
    """Return an NCHW model of operators in a row: type, attributes, and constants by name.

    Constants are float32 further inputs in their order; nodes are named by their position, as in
    conv0, and give a tensor of that name. The output has the shape (batch, classes).
    """
    tensor, nodes, constants = "image", [], []
    for position, (op_type, attributes, arrays) in enumerate(layers):
        name = f"{op_type.lower()}{position}"
        nodes.append(helper.make_node(op_type, [tensor, *arrays], [name], name=name, **attributes))
        constants += [
            numpy_helper.from_array(array.astype(np.float32), key) for key, array in arrays.items()
        ]
        tensor = name
    shape = [batch, channels, side, side]
    graph = helper.make_graph(
        nodes,
        "network",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info(tensor, TensorProto.FLOAT, [batch, "classes"])],
        list({constant.name: constant for constant in constants}.values()),
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    checker.check_model(model)
    return model


class Quantizer:
    """Quantizes a model and those like it with the ranges of its activations.

    `settings` are the options of the calibration; the others are those of `quantize_model`, where
    what is not given is onnxruntime's default.
    """

    def __init__(
        self,
        model: ModelProto,
        batches: Batches,
        folder: Path,
        method: str = "MinMax",
        settings: dict[str, Any] | None = None,
        **given: Any,
    ) -> None:
        self.options = {**OPTIONS, **given}
        self._method, self._path = method, folder / "ranges.json"
        ranges = calibrate(model, batches, method, settings or {}, tqdm(disable=True))
        write_ranges(self._path, ranges, {})

    def __call__(self, model: ModelProto) -> ModelProto:
        copy = ModelProto()
        copy.CopyFrom(model)
        return quantize_model(copy, self._path, self._method, self.options)


def snakemake_command(
    folder: Path,
    *targets: str,
    configfiles: tuple[Path, ...] = (),
    options: tuple[str, ...] = (),
) -> list[str]:
    """Return the command that a user types, with results in `folder`."""
    command = [sys.executable, "-m", "snakemake", "--cores", "2", "--directory", str(folder)]
    command += ["--configfile", *map(str, configfiles)] if configfiles else []
    return [*command, *options, "--", *targets]


def run_snakemake(
    folder: Path, *targets: str, repository: Path = REPOSITORY, **arguments: Any
) -> subprocess.CompletedProcess[str]:
    """Run that command to its end; both output streams come back in `stdout`."""
    return subprocess.run(
        snakemake_command(folder, *targets, **arguments),
        cwd=repository,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=600,
    )


def overlay(path: Path, content: dict[str, Any]) -> Path:
    """Write a config file that is merged over another one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(yaml.safe_dump(content))
    return path


RECIPES = {
    "int8": {"dtype": "int8"},
    "u8s8": {"dtype": "u8s8", "per_channel": True},
    "gptq": {"dtype": "u8s8", "rounding": "GPTQ"},
}
RECIPE_SETTINGS: dict[str, dict[str, Any]] = {
    "sensitivity": {"recipe": "u8s8", "images": 40, "target_drop_pp": 5.0},
    "latency": {"measure": True, "seconds": 0.05, "threads": [1], "batch_sizes": [4]},
    "sweep": {"seconds": 0.05},
    "recommend": {"max_drop_pp": 50, "min_speedup": None},
}


def recipe_files(folder: Path, tiny: Path, **settings: dict[str, Any]) -> tuple[Path, ...]:
    """Write the configuration of a run in `folder`, with recipes and the model with the outlier."""
    overlay(folder / "recipes.yaml", {"recipes": RECIPES})
    own = {
        key: {**RECIPE_SETTINGS.get(key, {}), **settings.get(key, {})}
        for key in {*RECIPE_SETTINGS, *settings}
    }
    own["sweep"]["recipes"] = str(folder / "recipes.yaml")
    own["model"] = {"source": str(folder / "outlier.onnx")}
    if not (folder / "outlier.onnx").exists():
        save(make_outlier_classifier(), folder / "outlier.onnx")
    return (tiny / "config.yaml", overlay(folder / "own.yaml", own))


def make_evaluations(
    models: dict[str, np.ndarray], labels: np.ndarray, classes: tuple[str, ...] = CLASSES
) -> list[dict[str, Any]]:
    """Return evaluations of models by their predictions, int64 (N,), the first one float32."""
    baseline = next(iter(models.values()))
    evaluations = []
    for number, (name, predicted) in enumerate(models.items()):
        other = baseline if number else None
        correct = int((predicted == labels).sum())
        evaluations.append(
            {
                "model": {"name": name, "bytes": 96_000 if number else 320_000, "nodes": 25},
                "dataset": {"name": "npz", "description": "", "images": len(labels)},
                "accuracy": metrics.accuracy(correct, len(labels)),
                "baseline": metrics.paired_comparison(predicted, baseline, labels)
                if number
                else None,
                "per_class": metrics.per_class_accuracy(predicted, other, labels, list(classes)),
                "confusion_matrix": metrics.confusion_matrix(
                    predicted, labels, len(classes)
                ).tolist(),
                "calibration": None,
                "saturation": None,
                "runtime": {"onnxruntime": "1.32.0", "cpu": "CPU", "isa": ["avx2"]},
            }
        )
    return evaluations


def make_speeds(models: tuple[str, ...]) -> dict[str, dict[str, Any]]:
    """Return a row of latency.json for each model, each a little slower than the one before."""
    return {
        name: {
            "model": name,
            "threads": 1,
            "batch_size": 1,
            "images_per_second": 8000.0 / (1 + number),
            "speedup": 1 / (1 + number),
            "speedup_ci95": [0.99 / (1 + number), 1.01 / (1 + number)],
        }
        for number, name in enumerate(models)
    }
