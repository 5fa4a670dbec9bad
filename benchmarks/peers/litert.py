"""LiteRT's runtime with full-integer models that TensorFlow makes of the Keras model."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.peers.inside import Given, Variant, main


class Interpreted:
    """A .tflite file in LiteRT with one thread; integers are made of images before the call."""

    def __init__(self, path: Path) -> None:
        from ai_edge_litert.interpreter import Interpreter

        self._interpreter = Interpreter(str(path), num_threads=1)
        self._interpreter.allocate_tensors()
        self._input = self._interpreter.get_input_details()[0]
        self._output = self._interpreter.get_output_details()[0]

    def prepare(self, image: np.ndarray) -> np.ndarray:
        kind = self._input["dtype"]
        if kind == np.float32:
            return image
        scale, zero_point = self._input["quantization"]
        levels = np.iinfo(kind)
        values = np.rint(image / scale) + zero_point
        prepared: np.ndarray = np.clip(values, levels.min, levels.max).astype(kind)
        return prepared

    def run(self, prepared: np.ndarray) -> np.ndarray:
        # Integer scores stay as they are: their order is that of the classes.
        self._interpreter.set_tensor(self._input["index"], prepared)
        self._interpreter.invoke()
        output: np.ndarray = self._interpreter.get_tensor(self._output["index"])
        return output


def convert_with(types: str) -> Callable[[Given, Path], None]:
    def convert(given: Given, path: Path) -> None:
        if given.keras is None:
            raise LookupError("it needs the Keras model (--keras)")
        os.environ["TF_USE_LEGACY_KERAS"] = "1"  # which reads files of Keras 2
        import tensorflow
        import tf_keras

        def images() -> Iterator[list[np.ndarray]]:
            yield from ([image[None]] for image in given.inputs)

        model = tf_keras.models.load_model(given.keras, compile=False)
        converter: Any = tensorflow.lite.TFLiteConverter.from_keras_model(model)
        converter.optimizations = [tensorflow.lite.Optimize.DEFAULT]
        converter.representative_dataset = images
        converter.target_spec.supported_ops = [tensorflow.lite.OpsSet.TFLITE_BUILTINS_INT8]
        converter.inference_input_type = converter.inference_output_type = getattr(
            tensorflow, types
        )
        path.write_bytes(converter.convert())

    return convert


if __name__ == "__main__":
    main(
        "ai-edge-litert",
        [
            Variant("int8, float32 in and out", "float_io.tflite", convert_with("float32")),
            Variant("int8, int8 in and out", "int8_io.tflite", convert_with("int8")),
        ],
        Interpreted,
    )
