"""Quark: the preset for AMD's NPUs, and the one for CPUs, with rounding that is learned, too."""

from collections.abc import Callable
from pathlib import Path

from benchmarks.peers.inside import Given, Variant, main

PRESETS = ("XINT8", "A8W8", "A8W8_ADAROUND")


class Reader:
    """Calibration images in the form of onnxruntime's CalibrationDataReader."""

    def __init__(self, given: Given) -> None:
        self._given = given
        self.rewind()

    def rewind(self) -> None:
        # One image at a time takes it ten minutes for 1,000.
        self._rest = iter(self._given.batches(self._given.batch))

    def get_next(self) -> dict | None:
        return next(self._rest, None)


def quantize_as(preset: str) -> Callable[[Given, Path], None]:
    def quantize(given: Given, path: Path) -> None:
        from quark.onnx import ModelQuantizer, QConfig

        config = QConfig.get_default_config(preset)
        ModelQuantizer(config).quantize_model(str(given.model), str(path), Reader(given))

    return quantize


if __name__ == "__main__":
    main(
        "amd-quark",
        [Variant(preset, f"{preset.lower()}.onnx", quantize_as(preset)) for preset in PRESETS],
    )
