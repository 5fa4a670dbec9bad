"""The memory that a model and a batch need."""

import onnx
import pytest
from helpers import RAW, make_classifier, make_images
from ptq_comparison.evaluation.peak_memory import peak_memory
from ptq_comparison.inference.batches import Batches

IMAGES, _ = make_images(32, seed=8)


def test_memory_is_that_of_the_model_and_its_inputs(tmp_path):
    def measure_memory(side):
        path = tmp_path / f"{side}.onnx"
        onnx.save(make_classifier(side=side), path)
        images, _ = make_images(32, seed=8, side=side)
        batches = Batches.of(images, onnx.load(path), RAW, 32)
        (inputs,) = next(iter(batches)).inputs.values()
        return peak_memory(path, inputs, 1)

    small, large = measure_memory(8), measure_memory(256)
    assert 0 < small < large
    assert large > 2 * 32 * 256 * 256 * 3 * 4  # two tensors of the size of the input


@pytest.mark.parametrize("name", ["file", "allow_pickle", "a/b", "..", "a\0b", "x" * 5000])
def test_memory_is_measured_whatever_the_tensors_are_called(tmp_path, name):
    model = make_classifier()
    model.graph.input[0].name = model.graph.node[0].input[0] = name
    model.graph.output[0].name = model.graph.node[-1].output[0] = f"{name}, given"
    onnx.save(model, tmp_path / "model.onnx")
    batches = Batches.of(IMAGES, model, RAW, 4)
    (inputs,) = next(iter(batches)).inputs.values()
    assert peak_memory(tmp_path / "model.onnx", inputs, 1) > 0
