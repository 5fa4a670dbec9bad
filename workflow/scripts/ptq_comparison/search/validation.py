"""A recipe on the validation images, against float32."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from ptq_comparison.common.files import atomic_path, sha256_file, write_json
from ptq_comparison.common.mapped import write_npz
from ptq_comparison.evaluation.evaluate import Validation, evaluate_recipe
from ptq_comparison.inference.batch_size import choose_batch_size
from ptq_comparison.inference.batches import Batches
from ptq_comparison.inference.executed import executed
from ptq_comparison.inference.runtime import describe_runtime
from ptq_comparison.inference.session import make_session, predict_scores, predicted_classes
from ptq_comparison.model.loading import describe_model, load_model
from ptq_comparison.model.metadata import read_metadata


class ValidationFiles(NamedTuple):
    """The images, float32's predictions of them, and what `validate` writes."""

    images: Path
    baseline: Path
    predictions: Path
    provenance: Path
    evaluation: Path


def validate(
    name: str,
    model_path: Path,
    files: ValidationFiles,
    params: Any,
    origin: dict[str, str],
    progress: Callable[[str, int], AbstractContextManager[Any]],
) -> Validation:
    """Run the model of a recipe on the validation images; write what it predicts and how near it
    comes to float32, and return that.

    `params` are those of `choose_batch_size`, `origin` tells where the images are from; it goes
    into the evaluation. `progress` makes a counter of images.
    """
    model, images = load_model(model_path), np.load(files.images, mmap_mode="r")
    with np.load(files.baseline) as arrays:
        fp32, labels = arrays["scores"], arrays["labels"]
    batches = Batches.of(
        images, model, params.preprocessing, choose_batch_size(model, images, params)
    )
    # A thread, as rule predict has: with more, sums are added in another order.
    session = make_session(model, threads=1)
    with progress(f"predicting {name}", len(labels)) as bar:
        scores = predict_scores(session, batches, fp32.shape[1], bar)
    arrays = {"predicted": predicted_classes(scores), "scores": scores, "labels": labels}
    with atomic_path(files.predictions) as temporary:
        write_npz(temporary, arrays)
    runtime = describe_runtime(session.get_providers())
    write_json(
        files.provenance,
        {
            "model_sha256": sha256_file(model_path),
            "dataset_sha256": sha256_file(files.images),
            "preprocessing": params.preprocessing,
            "runtime": runtime,
            "executed": executed(model),
            "saturation": None,
        },
    )
    validation = evaluate_recipe(scores, fp32, labels)
    write_json(
        files.evaluation,
        {
            "recipe": name,
            "model": describe_model(model_path, name),
            "validation": validation,
            "validation_images": origin,
            "provenance": read_metadata(model),
            "runtime": runtime,
        },
    )
    return validation
