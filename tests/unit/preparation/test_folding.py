"""What onnxruntime's preprocessing changes before quantization."""

import numpy as np
import onnx
import onnxruntime
from helpers import make_classifier, make_images
from onnx import numpy_helper
from ptq_comparison.preparation.folding import preprocess_model

IMAGES, _ = make_images(30, seed=5)


def operators(model):
    return [node.op_type for node in model.graph.node]


def test_preprocessing_folds_batch_normalization():
    model = make_classifier()
    for name, value in (("mul", [2.0, 3.0, 4.0]), ("add", [0.5, 0.5, 0.5])):
        array = np.array(value, np.float32).reshape(1, 3, 1, 1)
        model.graph.initializer.append(numpy_helper.from_array(array, name))
    conv = next(i for i, node in enumerate(model.graph.node) if node.name == "conv")
    model.graph.node[conv].output[0] = "c0"
    model.graph.node.insert(conv + 1, onnx.helper.make_node("Mul", ["c0", "mul"], ["c1"]))
    model.graph.node.insert(conv + 2, onnx.helper.make_node("Add", ["c1", "add"], ["c"]))
    folded = preprocess_model(model)
    assert "Mul" in operators(model) and "Mul" not in operators(folded)
    inputs = {"image": IMAGES.astype(np.float32)}
    before, after = (
        onnxruntime.InferenceSession(m.SerializeToString()).run(None, inputs)[0]
        for m in (model, folded)
    )
    assert np.allclose(before, after, atol=1e-4)
