"""OpenVINO's runtime with models quantized by NNCF: both presets, and with accuracy control."""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.peers.inside import Given, Onnx, Variant, agreement, main, outputs_of

MAX_DROP = 0.005  # of agreement with float32 on the calibration images


class Compiled:
    """A model as OpenVINO stores it, compiled for one thread and low latency."""

    def __init__(self, path: Path) -> None:
        import openvino

        options = {
            "INFERENCE_NUM_THREADS": 1,
            "NUM_STREAMS": 1,
            "PERFORMANCE_HINT": "LATENCY",
            # It computes in a thread of its own, which would wait while its core is taken.
            "ENABLE_CPU_PINNING": False,
        }
        compiled = openvino.Core().compile_model(str(path), "CPU", options)
        self._request = compiled.create_infer_request()

    def prepare(self, image: np.ndarray) -> np.ndarray:
        return image

    def run(self, prepared: np.ndarray) -> np.ndarray:
        output: np.ndarray = self._request.infer([prepared])[0]
        return output


def read(given: Given) -> Any:
    import openvino

    model = openvino.Core().read_model(str(given.model))
    model.reshape({given.input: given.inputs[:1].shape})
    return model


def quantize_with(preset: str) -> Callable[[Given, Path], None]:
    def quantize(given: Given, path: Path) -> None:
        import nncf
        import openvino

        model = nncf.quantize(
            read(given),
            nncf.Dataset(given.batches()),
            preset=nncf.QuantizationPreset[preset],
            subset_size=len(given.inputs),
        )
        openvino.save_model(model, str(path))

    return quantize


def with_accuracy_control(given: Given, path: Path) -> None:
    import nncf
    import openvino

    reference = outputs_of(Onnx(str(given.model)), given.inputs)

    def validate(compiled: Any, batches: Iterable[Any]) -> tuple[float, None]:
        outputs = np.concatenate([np.array(compiled(batch)[0]) for batch in batches])
        return agreement(outputs, reference), None

    dataset = nncf.Dataset(given.batches())
    model = nncf.quantize_with_accuracy_control(
        read(given),
        dataset,
        dataset,
        validate,
        max_drop=MAX_DROP,
        preset=nncf.QuantizationPreset.MIXED,
        subset_size=len(given.inputs),
    )
    openvino.save_model(model, str(path))


if __name__ == "__main__":
    main(
        "openvino",
        [
            Variant("NNCF, performance", "performance.xml", quantize_with("PERFORMANCE")),
            Variant("NNCF, mixed", "mixed.xml", quantize_with("MIXED")),
            Variant("NNCF, mixed, accuracy control", "controlled.xml", with_accuracy_control),
        ],
        Compiled,
    )
