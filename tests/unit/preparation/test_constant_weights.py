"""Weights that nodes compute from constants are stored as initializers before anything looks."""

import numpy as np
import onnx
import onnxruntime
import pytest
from helpers import RAW, Quantizer, make_classifier, make_images, make_network
from onnx import helper, numpy_helper
from ptq_comparison.common.errors import UserError
from ptq_comparison.inference.batches import Batches
from ptq_comparison.model.loading import load_model
from ptq_comparison.model.opset import convert_opset
from ptq_comparison.preparation.constant_weights import plain_weights
from ptq_comparison.quantization.checks import check_names, check_stored, tensor_types
from ptq_comparison.quantization.quantized_weights import stored_weights

IMAGES, _ = make_images(30, seed=5)


def make_model():
    """Two layers: Conv with w and b, MatMul with v, all initializers."""
    generator = np.random.default_rng(1)
    conv = {"w": generator.normal(size=(4, 3, 3, 3)), "b": generator.normal(size=4)}
    product = {"v": generator.normal(size=(4, 3))}
    pool = ("GlobalAveragePool", {}, {})
    return make_network([("Conv", {}, conv), pool, ("Flatten", {}, {}), ("MatMul", {}, product)])


def take(model, name):
    (tensor,) = [t for t in model.graph.initializer if t.name == name]
    model.graph.initializer.remove(tensor)
    return tensor


def insert(model, op_type, inputs, name, **attributes):
    model.graph.node.insert(0, helper.make_node(op_type, inputs, [name], name=name, **attributes))


def in_constant_nodes(model):
    for name in ("w", "b", "v"):
        insert(model, "Constant", [], name, value=take(model, name))


def through_nodes(model):
    """v is a transposed initializer behind Identity; w is one half of a split one."""
    turned = numpy_helper.to_array(take(model, "v")).T.copy()
    model.graph.initializer.append(numpy_helper.from_array(turned, "turned"))
    insert(model, "Identity", ["v_same"], "v")
    insert(model, "Transpose", ["turned"], "v_same")
    weights = numpy_helper.to_array(take(model, "w"))
    model.graph.initializer.append(
        numpy_helper.from_array(np.concatenate([weights, weights]), "pair")
    )
    split = helper.make_node("Split", ["pair"], ["w", "other"], name="split", axis=0)
    model.graph.node.insert(0, split)


def as_inputs(model, version=3, place=0):
    """As Keras and PyTorch exported until 2019: an initializer is an input of the graph, too."""
    model.ir_version = version
    for tensor in model.graph.initializer:
        value = helper.make_tensor_value_info(tensor.name, tensor.data_type, tensor.dims)
        model.graph.input.insert(place, value)


def scores(model):
    session = onnxruntime.InferenceSession(model.SerializeToString())
    return session.run(None, {"image": IMAGES.transpose(0, 3, 1, 2).astype(np.float32)})[0]


def quantize(model, folder, **options):
    batches = Batches.of(IMAGES, model, {**RAW, "layout": "NCHW"}, 10)
    quantizer = Quantizer(model, batches, folder, **options)
    quantized = quantizer(model)
    check_stored(quantized, quantizer.options)
    onnx.save(quantized, folder / "quantized.onnx")
    return load_model(folder / "quantized.onnx")


@pytest.mark.parametrize("format", ["QDQ", "QOperator"])
@pytest.mark.parametrize("change", [in_constant_nodes, through_nodes, as_inputs])
def test_the_model_quantizes_as_if_its_weights_had_been_initializers(tmp_path, change, format):
    expected, model = make_model(), make_model()
    change(model)
    onnx.checker.check_model(model)
    given = model.SerializeToString()
    plain, changes = plain_weights(model)
    assert changes and model.SerializeToString() == given
    assert [node.op_type for node in plain.graph.node] == [n.op_type for n in expected.graph.node]
    assert [value.name for value in plain.graph.input] == ["image"] and plain.ir_version >= 4
    assert sorted(t.name for t in plain.graph.initializer)[:2] == ["b", "v"]
    assert np.allclose(scores(plain), scores(expected), rtol=1e-6)
    levels = [
        {weight.name: weight.values.tolist() for weight in stored_weights(quantized)}
        for quantized in (
            quantize(plain, tmp_path, format=format),
            quantize(expected, tmp_path, format=format),
        )
    ]
    assert len(levels[0]) == 2 and levels[0] == levels[1]
    assert plain_weights(plain) == (plain, [])


def test_a_plain_model_comes_back_itself():
    for model in (make_model(), make_classifier()):
        assert plain_weights(model)[0] is model


def test_what_was_changed_is_told():
    model = make_model()
    as_inputs(model)
    in_constant_nodes(model)
    del model.graph.input[:3]
    assert plain_weights(model)[1] == [
        "the IR version 3 is now 4",
        "weights that nodes compute from constants are stored (3)",
    ]
    model = make_model()
    as_inputs(model, version=8)
    assert plain_weights(model)[1] == ["initializers are no longer inputs (3)"]


def test_constants_of_other_operators_and_shared_ones_stay():
    """The limit of a Min is no weight; a transposed tensor that a node still uses is kept."""
    model = make_network([("Flatten", {}, {}), ("MatMul", {}, {"v": np.ones((192, 3))})])
    insert(model, "Transpose", ["turned"], "v")
    model.graph.initializer.append(numpy_helper.from_array(np.ones((3, 192), np.float32), "turned"))
    take(model, "v")
    limit = numpy_helper.from_array(np.float32(6))
    insert(model, "Constant", [], "six", value=limit)
    model.graph.node[-1].output[0] = "product"
    model.graph.node.append(helper.make_node("Min", ["product", "six"], ["low"], name="min"))
    model.graph.node.append(helper.make_node("ReduceMax", ["turned"], ["top"], name="top"))
    model.graph.node.append(helper.make_node("Add", ["low", "top"], ["matmul1"], name="add"))
    plain, _ = plain_weights(model)
    onnx.checker.check_model(plain)
    names = [node.op_type for node in plain.graph.node]
    assert names == ["Constant", "Flatten", "MatMul", "Min", "ReduceMax", "Add"]
    assert {t.name for t in plain.graph.initializer} == {"turned", "v"}


def test_a_weight_that_depends_on_the_image_or_on_chance_is_none():
    model = make_model()
    take(model, "v")
    insert(model, "RandomNormal", [], "v", shape=[4, 3])
    assert plain_weights(model) == (model, [])


def test_weights_that_onnxruntime_cannot_compute_are_one_line():
    model = make_model()
    model.graph.initializer.append(numpy_helper.from_array(np.ones((4, 3), np.float32), "raw"))
    take(model, "v")
    model.graph.node.insert(0, helper.make_node("Unpack", ["raw"], ["v"], domain="my.own"))
    model.opset_import.append(helper.make_opsetid("my.own", 1))
    with pytest.raises(
        UserError, match=r"cannot compute the weights 'v' from constants \("
    ) as error:
        plain_weights(model)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("place", [0, 1])
def test_an_old_model_is_converted_and_quantized(tmp_path, place):
    model = make_model()
    model.opset_import[0].version = 8
    as_inputs(model, place=place)
    plain, _ = plain_weights(convert_opset(model, 13))
    quantized = quantize(plain, tmp_path, per_channel=True)
    assert len(list(stored_weights(quantized))) == 2


def test_an_initializer_in_front_is_not_taken_for_the_image():
    model = make_model()
    as_inputs(model, version=8)
    assert model.graph.input[0].name != "image"
    assert tensor_types(model, {"tensor_types": {"input": "QUInt16"}}) == {"image": "QUInt16"}
    check_names(model, [], [], ["image"])
