"""Ranges of all activation tensors, measured once and used for every dtype."""

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnxruntime.quantization import CalibrationMethod
from onnxruntime.quantization.calibrate import (
    CalibrationDataReader,
    TensorsData,
    create_calibrator,
    save_tensors_data,
)
from onnxruntime.quantization.registry import QDQRegistry, QLinearOpsRegistry

from ptq_comparison.files import atomic_path
from ptq_comparison.inference import Batches, make_session


class OneBatch(CalibrationDataReader):  # type: ignore[misc]
    """Hand one batch to onnxruntime."""

    def __init__(self, inputs: dict[str, np.ndarray]) -> None:
        self._inputs: Iterator[dict[str, np.ndarray]] = iter([inputs])

    def get_next(self) -> dict[str, np.ndarray] | None:
        return next(self._inputs, None)


def calibrate(
    model: onnx.ModelProto, batches: Batches, method: str, threads: int, progress: Any
) -> TensorsData:
    """Return the range of every float tensor that `quantize_static` may want to quantize.

    The ranges equal those of `quantize_static` itself on the same images. onnxruntime keeps what
    it collects in one call until that call ends: a call for each batch keeps the memory flat. With
    one thread the ranges are the same bytes for any batch size. `progress` is a tqdm bar of images.
    """
    # What quantize_static looks at when it calibrates by itself.
    op_types = sorted(set(QLinearOpsRegistry) | set(QDQRegistry))
    with tempfile.TemporaryDirectory() as scratch:
        # onnxruntime writes beside the path that it is given: parallel jobs need a private copy.
        path = Path(scratch) / "model.onnx"
        onnx.save(model, path)
        augmented = Path(scratch) / "augmented.onnx"
        calibrator = create_calibrator(path, op_types, str(augmented), CalibrationMethod[method])
        calibrator.infer_session = make_session(onnx.load(augmented), threads, optimize=False)
        for inputs in batches:
            calibrator.collect_data(OneBatch(inputs))
            progress.update(len(inputs[batches.interface.input]))
        return calibrator.compute_data()


def write_ranges(path: Path, ranges: TensorsData) -> None:
    """Write ranges as JSON in the format of onnxruntime's calibration cache, sorted by tensor name.

    onnxruntime's own order follows a Python set and thus changes from run to run.
    """
    ordered = {name: ranges[name] for name in sorted(ranges)}
    with atomic_path(path) as temporary:
        save_tensors_data(TensorsData(ranges.calibration_method, ordered), temporary)
