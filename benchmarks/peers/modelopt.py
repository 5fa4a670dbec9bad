"""ModelOpt's quantization of ONNX models to int8, which is made for TensorRT, run on the CPU."""

from collections.abc import Callable
from pathlib import Path

from benchmarks.peers.inside import Given, Variant, main

METHODS = ("entropy", "max")  # the first one is the default


def quantize_by(method: str) -> Callable[[Given, Path], None]:
    def quantize(given: Given, path: Path) -> None:
        from modelopt.onnx.quantization import quantize

        quantize(
            str(given.model),
            quantize_mode="int8",
            calibration_data={given.input: given.inputs},
            calibration_method=method,
            calibration_eps=["cpu"],
            high_precision_dtype="fp32",  # what stays in float; fp16 is for GPUs
            output_path=str(path),
        )

    return quantize


if __name__ == "__main__":
    main(
        "nvidia-modelopt",
        [Variant(f"int8, {method}", f"{method}.onnx", quantize_by(method)) for method in METHODS],
    )
