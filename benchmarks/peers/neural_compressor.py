"""Neural Compressor 2.6, the last version that quantizes ONNX models: as it comes, and tuned."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import onnx

from benchmarks.peers.inside import Given, Onnx, Variant, agreement, main, outputs_of

TOLERABLE_LOSS = 0.0101  # of agreement on the calibration images: its default, 1 %, and rounding
MAX_TRIALS, TIMEOUT_S = 50, 1200


class Loader:
    """Calibration images, one at a time, in the form of a data loader."""

    batch_size = 1

    def __init__(self, given: Given) -> None:
        self._inputs = given.inputs

    def __iter__(self) -> Iterator[tuple[np.ndarray, int]]:
        yield from ((image[None], 0) for image in self._inputs)

    def __len__(self) -> int:
        return len(self._inputs)


def fit(given: Given, path: Path, config: Any, **options: Any) -> None:
    from neural_compressor import quantization

    model = quantization.fit(str(given.model), config, calib_dataloader=Loader(given), **options)
    if model is None:
        raise RuntimeError("it found no model that meets its accuracy criterion")
    onnx.save(model.model, path)


def plain(given: Given, path: Path) -> None:
    from neural_compressor import PostTrainingQuantConfig

    sizes = [len(given.inputs)]
    fit(given, path, PostTrainingQuantConfig(calibration_sampling_size=sizes))


def tuned(given: Given, path: Path) -> None:
    from neural_compressor import PostTrainingQuantConfig
    from neural_compressor.config import AccuracyCriterion, TuningCriterion

    reference = outputs_of(Onnx(str(given.model)), given.inputs)

    def evaluate(model: onnx.ModelProto) -> float:
        return agreement(outputs_of(Onnx(model.SerializeToString()), given.inputs), reference)

    config = PostTrainingQuantConfig(
        calibration_sampling_size=[len(given.inputs)],
        accuracy_criterion=AccuracyCriterion(criterion="absolute", tolerable_loss=TOLERABLE_LOSS),
        tuning_criterion=TuningCriterion(max_trials=MAX_TRIALS, timeout=TIMEOUT_S),
    )
    fit(given, path, config, eval_func=evaluate)


if __name__ == "__main__":
    main(
        "neural_compressor",
        [Variant("default", "default.onnx", plain), Variant("tuned", "tuned.onnx", tuned)],
    )
