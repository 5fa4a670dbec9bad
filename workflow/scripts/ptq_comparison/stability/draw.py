"""One draw of calibration images: the models that it makes, and what they predict."""

import logging
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import onnx

from ptq_comparison.calibration.measure import measure_ranges
from ptq_comparison.common.files import sha256_file
from ptq_comparison.config.recipes import calibration_name, calibration_options
from ptq_comparison.datasets.sampling import few_per_class
from ptq_comparison.evaluation.metrics import paired_comparison
from ptq_comparison.evaluation.results import SaturationCheck
from ptq_comparison.evaluation.saturation import predict_exactly
from ptq_comparison.inference.batch_size import choose_batch_size
from ptq_comparison.inference.batches import Batches
from ptq_comparison.inference.session import make_session, predict_scores, predicted_classes
from ptq_comparison.model.loading import load_model
from ptq_comparison.refinement.make_model import make_model
from ptq_comparison.stability.results import Compared, DrawRow

Counter = Callable[[str, int], AbstractContextManager[Any]]  # a text and a number of images


class Tried(NamedTuple):
    """A model to make anew: its name in tables, name and content of its recipe, and its start."""

    model: str
    name: str
    recipe: dict[str, Any]
    float_model: Path


class TestImages(NamedTuple):
    """Test images, uint8 (N, H, W, C), labels and what float32 predicts, int64 (N,)."""

    images: Any
    labels: np.ndarray
    baseline: np.ndarray
    classes: int


def try_draw(
    tried: Sequence[Tried],
    samples_path: Path,
    sample_labels: np.ndarray,
    seed: int,
    test: TestImages,
    calibrating: Any,
    predicting: Any,
    folder: Path,
    progress: Counter,
) -> list[DrawRow]:
    """Calibrate, quantize and test all models with one draw of calibration images.

    `samples_path` is their `.npy`, `sample_labels` are int64 (n,). Models with the same calibration
    share ranges. `calibrating` and `predicting` are params of `choose_batch_size`. `folder` gets
    temporary files. The models are those of the rules, byte for byte. Raises what these raise.
    """
    rows: list[DrawRow] = []
    for each in tried:
        ranges = folder / f"{calibration_name(each.recipe)}.json"
        if not ranges.exists():
            calibration = calibration_options(each.recipe)
            per_class = calibration["options"]["samples_per_class"]
            measure_ranges(
                each.float_model,
                samples_path,
                few_per_class(sample_labels, per_class, seed),
                calibration,
                calibrating,
                ranges,
                lambda total, name=ranges.stem: progress(f"calibrating {name}", total),  # type: ignore[misc]
            )
        path = folder / "model.onnx"
        make_model(
            each.float_model,
            samples_path,
            ranges,
            each.recipe,
            each.name,
            f"seed {seed}, {each.model}",
            calibrating,
            path,
            folder / "check.json",
        )
        found, check, exact = _test(load_model(path), test, predicting, each.model, progress)
        row: DrawRow = {
            "model": each.model,
            "recipe": each.name,
            "model_sha256": sha256_file(path),
            **found,
            "saturation": check,
            "exact": exact,
        }
        logging.info("seed %d, %s: %s", seed, each.model, found)
        rows.append(row)
    return rows


def compare(predicted: np.ndarray, test: TestImages) -> Compared:
    """Compare predicted classes, int64 (N,), with float32 on the test images."""
    paired = paired_comparison(predicted, test.baseline, test.labels)
    correct, total = int(np.sum(predicted == test.labels)), len(test.labels)
    return {
        "correct": correct,
        "total": total,
        "top1": correct / total,
        "delta_pp": paired["delta_pp"],
        "agreement": paired["agreement"],
        "fixed": paired["fixed"],
        "broken": paired["broken"],
    }


def _test(
    model: onnx.ModelProto, test: TestImages, params: Any, name: str, progress: Counter
) -> tuple[Compared, SaturationCheck, Compared | None]:
    """Return a model against float32 as this CPU runs it, and without saturation."""
    size = choose_batch_size(model, test.images, params)
    batches = Batches.of(test.images, model, params.preprocessing, size)
    # A thread, as rule predict has: with more, sums are added in another order.
    with progress(f"predicting {name}", len(test.labels)) as bar:
        scores = predict_scores(make_session(model, threads=1), batches, test.classes, bar)
    found = compare(predicted_classes(scores), test)
    with progress(f"checking {name}", len(test.labels)) as bar:
        check, exact = predict_exactly(model, batches, test.classes, 1, bar)
    if exact is not None:
        return found, check, compare(exact, test)
    return found, check, found if check["refused"] is None else None
