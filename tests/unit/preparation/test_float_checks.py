"""The gate before quantization."""

import numpy as np
import onnx
import onnxruntime
import pytest
from helpers import RAW, make_classifier, make_images, make_nan_classifier
from onnx import helper, numpy_helper
from onnxruntime.quantization import QuantType, quantize_dynamic
from ptq_comparison.common.errors import UserError
from ptq_comparison.config.schemes import required_opset
from ptq_comparison.model.opset import convert_opset
from ptq_comparison.preparation.float_checks import (
    check_accuracy,
    check_float_model,
    check_readable,
    check_runs,
    required_accuracy,
)


def check(model, opset=10, needed_by="quantization"):
    check_float_model(model, opset, needed_by)


def set_weights(model, array):
    model.graph.initializer[0].CopyFrom(numpy_helper.from_array(array, "w"))
    return model


def set_opset(model, version):
    model.opset_import[0].version = version


def test_a_sound_model_passes():
    check(make_classifier())


def test_weights_that_are_not_finite_are_named():
    with pytest.raises(UserError, match=r"tensor 'w' holds values that are not finite"):
        check(make_nan_classifier())
    weights = numpy_helper.to_array(make_classifier().graph.initializer[0]).copy()
    weights[0, 0, 0, 0] = np.inf
    with pytest.raises(UserError, match=r"tensor 'w' holds values that are not finite"):
        check(set_weights(make_classifier(), weights))


def test_a_constant_that_is_not_finite_is_named():
    model = make_classifier()
    value = numpy_helper.from_array(np.float32([np.nan]))
    model.graph.node.insert(0, helper.make_node("Constant", [], ["k"], value=value))
    with pytest.raises(UserError, match=r"tensor 'k'"):
        check(model)


@pytest.mark.parametrize("kind", [np.float16, np.float64])
def test_weights_of_another_precision_are_named(kind):
    weights = numpy_helper.to_array(make_classifier().graph.initializer[0]).astype(kind)
    with pytest.raises(UserError, match=r"tensor 'w' is (FLOAT16|DOUBLE); export .* in float32"):
        check(set_weights(make_classifier(), weights))


def test_integer_tensors_are_no_weights():
    model = make_classifier()
    model.graph.initializer.append(numpy_helper.from_array(np.int64([1, -1]), "shape"))
    check(model)


def test_a_quantized_model_is_refused(tmp_path):
    model = make_classifier()
    model.graph.node.append(
        helper.make_node("QuantizeLinear", ["scores", "s", "z"], ["q"], name="quantize")
    )
    with pytest.raises(UserError, match=r"quantized already \(node 'quantize' is QuantizeLinear"):
        check(model)
    onnx.save(make_classifier(), tmp_path / "model.onnx")
    quantize_dynamic(
        tmp_path / "model.onnx", tmp_path / "dynamic.onnx", weight_type=QuantType.QUInt8
    )
    with pytest.raises(UserError, match=r"quantized already"):
        check(onnx.load(tmp_path / "dynamic.onnx"))


def test_names_of_nodes_are_unique_or_empty():
    model = make_classifier()
    model.graph.node[2].name = model.graph.node[1].name
    with pytest.raises(UserError, match=r"2 nodes have the name 'conv'"):
        check(model)
    for node in model.graph.node:
        node.name = ""
    check(model)


def test_per_channel_needs_opset_13_and_the_remedy_works():
    options = {"per_channel": True, "format": "QDQ", "activation_type": "QInt8"}
    assert required_opset([options])[0] == 13
    assert required_opset([{**options, "format": "QOperator"}])[0] == 10
    assert required_opset([{**options, "per_channel": False}])[0] == 10
    # onnxruntime itself takes a model with 16 bits to opset 21.
    assert required_opset([{**options, "activation_type": "QUInt16"}])[0] == 10
    assert required_opset([{**options, "tensor_types": {"input": "QUInt16"}}])[0] == 10
    model = make_classifier()
    set_opset(model, 12)
    with pytest.raises(
        UserError, match=r"opset 12, but .*per_channel.* needs 13; set model.opset: 13"
    ):
        check(model, *required_opset([options]))
    converted = convert_opset(model, 13)
    check(converted, *required_opset([options]))
    inputs = {"image": make_images(9, seed=1)[0].astype(np.float32)}
    before, after = (
        onnxruntime.InferenceSession(m.SerializeToString()).run(None, inputs)[0]
        for m in (model, converted)
    )
    assert np.array_equal(before, after)


def refuses(change, message, image=(8, 8, 3)):
    """Assert that the changed NCHW classifier is refused with one line."""
    model = make_classifier("NCHW")
    change(model)
    onnx.checker.check_model(model)
    with pytest.raises(UserError, match=message) as error:
        check_runs(model, {**RAW, "layout": "NCHW"}, image, 3)
    assert str(error.value).startswith("model.source: ") and "\n" not in str(error.value)


def test_a_model_that_runs_passes():
    for batch in ("batch", 1, 4):
        check_runs(make_classifier(batch=batch), RAW, (8, 8, 3), 3)


def test_a_model_that_onnxruntime_does_not_know_is_refused():
    def own_operator(model):
        model.graph.node[1].op_type, model.graph.node[1].domain = "Own", "my.own"
        model.opset_import.append(helper.make_opsetid("my.own", 1))

    refuses(own_operator, r"onnxruntime \S+ cannot run the model .*two at once .*Own.*; export it")
    refuses(lambda model: set_opset(model, 99), r"cannot run the model .*Opset 99.*; export it")


def flatten(model, shape):
    """Give the classifier a Reshape to a constant shape instead of its Flatten."""
    model.graph.initializer.append(numpy_helper.from_array(np.int64(shape), "shape"))
    model.graph.node[3].CopyFrom(helper.make_node("Reshape", ["g", "shape"], ["f"], name="flat"))


def test_a_batch_of_one_inside_a_model_of_any_batch_is_found():
    refuses(lambda model: flatten(model, [1, 3]), r"cannot run the model .*two at once .*export it")
    refuses(
        lambda m: flatten(m, [1, -1]), r"output of shape \(1, 6\) for 2 images; .*any number of"
    )


def test_a_fixed_layer_behind_any_image_size_is_found():
    def fixed(model):
        height, width = model.graph.input[0].type.tensor_type.shape.dim[2:]
        height.dim_param, width.dim_param = "height", "width"
        model.graph.node[2].op_type = "Identity"
        weight = numpy_helper.from_array(np.ones((3 * 8 * 8, 3), np.float32), "v")
        model.graph.initializer.append(weight)
        model.graph.node[3].output[0] = "flat"
        model.graph.node.insert(4, helper.make_node("Gemm", ["flat", "v"], ["f"], name="gemm"))

    refuses(fixed, r"height, width, channels \(9, 9, 3\)", image=(9, 9, 3))


def test_required_accuracy_is_clearly_above_chance():
    labels = np.repeat(np.arange(10), 5)
    assert required_accuracy(None, labels) == pytest.approx(0.325)
    assert required_accuracy(None, np.array([0, 0, 0, 1])) == pytest.approx(0.8125)
    assert required_accuracy(0.2, labels) == 0.2
    check_accuracy(17, 50, required_accuracy(None, labels))
    with pytest.raises(UserError, match=r"names 16 of 50 calibration images right \(32.0%\)"):
        check_accuracy(16, 50, required_accuracy(None, labels))


@pytest.mark.parametrize(
    ("op_type", "place", "passes"),
    [
        ("Clip", 1, True),
        ("Clip", 2, True),
        ("Add", 1, True),
        ("Where", 1, True),
        ("Max", 1, True),
        ("Mul", 1, False),
        ("Where", 0, False),
        ("Conv", 2, False),
    ],
)
def test_infinite_constants_pass_as_bounds_and_masks_alone(op_type, place, passes):
    model = make_classifier()
    inputs = ["r", "r", "r"][: max(place + 1, 2)]
    inputs[place] = "k"
    model.graph.node.append(helper.make_node(op_type, inputs, ["unused"], name="user"))
    infinite = numpy_helper.from_array(np.float32(-np.inf), "k")
    model.graph.initializer.append(infinite)
    if passes:
        check(model)
        infinite.CopyFrom(numpy_helper.from_array(np.float32(np.nan), "k"))
        model.graph.initializer[-1].CopyFrom(infinite)
    with pytest.raises(UserError, match=r"tensor 'k' holds values that are not finite"):
        check(model)


def test_an_infinite_bound_that_another_node_reads_is_named():
    model = make_classifier()
    model.graph.initializer.append(numpy_helper.from_array(np.float32(np.inf), "k"))
    for op_type in ("Min", "Mul"):
        model.graph.node.append(helper.make_node(op_type, ["r", "k"], [f"{op_type}_out"]))
    with pytest.raises(UserError, match=r"tensor 'k'"):
        check(model)


def branch_of(node, *constants):
    value = helper.make_tensor_value_info("y", onnx.TensorProto.FLOAT, None)
    graph = helper.make_graph([node], "inner", [], [value], constants)
    model = make_classifier()
    model.graph.initializer.append(numpy_helper.from_array(np.array(True), "yes"))
    model.graph.node.append(
        helper.make_node("If", ["yes"], ["unused"], "if", then_branch=graph, else_branch=graph)
    )
    return model


def test_graphs_inside_nodes_are_looked_at():
    nan = numpy_helper.from_array(np.float32([np.nan]), "inner_k")
    with pytest.raises(UserError, match=r"tensor 'inner_k' holds values that are not finite"):
        check(branch_of(helper.make_node("Mul", ["r", "inner_k"], ["y"]), nan))
    scale = numpy_helper.from_array(np.float32(1), "s")
    with pytest.raises(UserError, match=r"is quantized already"):
        check(branch_of(helper.make_node("DequantizeLinear", ["r", "s"], ["y"], "d"), scale))


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (b"image", b"im\xffge", r"a name in ValueInfoProto is not UTF-8|a input in NodeProto"),
        (b"relu", b"r\xfflu", r"a name in NodeProto is not UTF-8; the file is damaged"),
    ],
)
def test_a_name_that_is_not_utf8_is_refused(old, new, message):
    content = make_classifier().SerializeToString().replace(old, new)
    check_readable(onnx.ModelProto.FromString(content.replace(new, old)))
    with pytest.raises(UserError, match=message):
        check_readable(onnx.ModelProto.FromString(content))


def test_a_tensor_that_is_no_array_is_named_wherever_it_is():
    inner = helper.make_graph([], "inner", [], [])
    inner.initializer.add(name="long", dims=[3], data_type=1, raw_data=bytes(16))
    model = make_classifier()
    model.graph.node.append(helper.make_node("If", ["x"], ["y"], then_branch=inner))
    with pytest.raises(UserError, match=r"tensor 'long' cannot be read \(.*\); export the model"):
        check_readable(model)


def test_a_model_without_an_output_is_named():
    model = make_classifier()
    model.graph.ClearField("output")
    with pytest.raises(UserError, match=r"has 0 outputs; one with the scores"):
        check_readable(model)


def test_a_subset_of_the_classes_is_told_what_to_do():
    with pytest.raises(
        UserError, match=r"scores of 3 classes, the data set has 2; .*dataset\.clas"
    ):
        check_runs(make_classifier(), RAW, (8, 8, 3), 2)
    check_runs(make_classifier(), RAW, (8, 8, 3), 3)
