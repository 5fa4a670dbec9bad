"""Models of Keras 3 become ONNX with all their outputs."""

import numpy as np
import onnxruntime
import pytest
from ptq_comparison.common.errors import UserError
from ptq_comparison.preparation.conversion_check import compare
from ptq_comparison.preparation.keras_conversion import convert
from ptq_comparison.preparation.keras_reading import load_keras

pytestmark = pytest.mark.conversion
keras = pytest.importorskip("keras", reason="Keras is not installed; run make convert")


def through_file(model, path):
    model.save(path)
    return load_keras(path)[0]


@pytest.mark.parametrize("suffix", [".keras", ".h5"])
def test_a_sequential_converts(tmp_path, suffix):
    """tf2onnx looks for names of outputs, which that of Keras 3 does not have."""
    layers = [keras.layers.Conv2D(2, 3), keras.layers.Flatten(), keras.layers.Dense(3)]
    model = keras.Sequential([keras.Input((8, 8, 3)), keras.Sequential(layers[:2]), layers[2]])
    loaded = through_file(model, tmp_path / f"model{suffix}")
    images = np.random.default_rng(0).integers(0, 256, (30, 8, 8, 3), dtype=np.uint8)
    preprocessing = {"layout": "auto", "scale": 1.0, "mean": 0.0, "std": 1.0}
    converted = convert(loaded, 13)
    assert compare(loaded, converted, converted, images, preprocessing)["same_top1"] == 1.0


def test_outputs_keep_their_order(tmp_path):
    inputs = keras.Input((8, 8, 3))
    flat = keras.layers.Flatten()(inputs)
    heads = [keras.layers.Dense(size, name=name)(flat) for size, name in ((3, "b"), (2, "a"))]
    model = convert(through_file(keras.Model(inputs, heads), tmp_path / "model.keras"), 13)
    session = onnxruntime.InferenceSession(model.SerializeToString())
    assert [(o.name, o.shape[1]) for o in session.get_outputs()] == [("b", 3), ("a", 2)]


def test_two_inputs_are_refused(tmp_path):
    inputs = [keras.Input((4,)), keras.Input((4,))]
    model = keras.Model(inputs, keras.layers.Add()(inputs))
    with pytest.raises(UserError, match="has 2 inputs of a known shape; one image input is needed"):
        convert(through_file(model, tmp_path / "model.keras"), 13)


def test_weights_alone_are_named(tmp_path):
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3)])
    path = tmp_path / "model.weights.h5"
    model.save_weights(path)
    with pytest.raises(UserError, match=r"holds weights without their network; build the network"):
        load_keras(path)
