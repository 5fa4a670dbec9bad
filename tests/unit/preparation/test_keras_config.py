"""What a configuration of Keras may ask for, and what is left out of it. Without TensorFlow."""

import json

import pytest
from ptq_comparison.common.errors import UserError
from ptq_comparison.preparation.keras_config import (
    check_code,
    has_other_meaning,
    leave_out_training,
)


def layer(kind, **rest):
    return {"class_name": kind, **rest}


def function(name, module):
    return layer("function", config=name, module=module, registered_name=name)


SOUND = [
    layer("Conv2D", config={"name": "a/b", "activation": "relu"}),
    layer("Conv2D", module="keras.layers", registered_name=None, config={}),
    layer("Functional", module="keras.src.models.functional", config={}),
    layer("Functional", module="keras.src.engine.functional", config={}),
    layer("Sequential", module="keras", config={"layers": []}),
    layer("DTypePolicy", module="keras", config={"name": "float32"}),
    layer("Multiply", module="keras.src.ops.numpy", config={}),
    layer("SeedGenerator", module="keras.src.random.seed_generator", config={}),
    function("relu", "builtins"),
    function("relu6", "keras.activations"),
    function("silu", "keras.src.activations.activations"),
    layer("TFOpLambda", config={"function": "math.truediv"}),
    layer("TFOpLambda", config={"function": "compat.v1.nn.relu6"}),
    layer("TFOpLambda", config={"function": "__operators__.add"}),
    layer("TFOpLambda", config={"function": "image.resize"}),
    layer("SlicingOpLambda", config={"function": "__operators__.getitem"}),
    layer("TensorFlowOpLayer", config={"node_def": {"op": "Relu6"}}),
    layer("__tuple__", items=[1, 2]),
]
# (what would run code, or read or write a file)
REFUSED = [
    layer("Lambda", config={"function": ["4wEA", None, None]}),
    layer("Custom>Lambda", config={}),
    layer("__lambda__", config={"value": "4wEA"}),
    layer("TFSMLayer", config={"filepath": "/tmp"}),
    layer("StringLookup", config={"vocabulary": "/etc/passwd"}),
    layer("os.system", module="keras.layers", config={}),
    layer("Popen", module="subprocess", config={}),
    layer("get_file", module="keras.utils", config={}),
    layer("Dense", module="keras.src.utils.file_utils", config={}),
    layer("write_file", module="tensorflow.python.ops.io_ops", config={}),
    layer("Dense", module=["keras"], config={}),
    layer(["Dense"], config={}),
    function("get_file", "keras.utils"),
    function("eval", "builtins"),
    function("load_model", "keras.models"),
    function(["eval"], "builtins"),
    layer("TFOpLambda", config={"function": "io.write_file"}),
    layer("TFOpLambda", config={"function": "raw_ops.WriteFile"}),
    layer("TFOpLambda", config={"function": "py_function"}),
    layer("TFOpLambda", config={}),
    layer("TensorFlowOpLayer", config={"node_def": {"op": "PyFunc"}}),
    layer("TensorFlowOpLayer", config={"node_def": "\n\x01a"}),
    layer("InstanceMethod", config={"method_name": "__class__"}),
]


def around(part):
    """Put a part deep into a network."""
    wrapped = layer("TimeDistributed", config={"layer": part})
    return layer("Sequential", config={"layers": [layer("Model", config={"layers": [wrapped]})]})


@pytest.mark.parametrize("part", SOUND, ids=json.dumps)
def test_parts_of_networks_pass(part):
    check_code(around(part), "model.h5")


@pytest.mark.parametrize("part", REFUSED, ids=json.dumps)
def test_code_is_refused_at_any_depth(part):
    for config in (part, around(part), {"config": {"activation": part}}):
        with pytest.raises(UserError, match=r"^model.h5: layer [^\n]+; replace it by layers"):
            check_code(config, "model.h5")


def test_any_depth_and_form_is_looked_through():
    config = layer("Lambda", config={})
    for _ in range(100_000):
        config = [config]
    with pytest.raises(UserError):
        check_code(config, "model.h5")
    check_code([None, "Lambda", 3, {"class_name": None}], "model.h5")


def test_training_is_left_out():
    own = layer("Own", module="of.somebody", config={})
    policy = layer("Policy", config={"name": "mixed_float16"})
    config = layer(
        "Model",
        compile_config={"loss": own},
        config={
            "layers": [
                layer(
                    "Conv2D",
                    config={
                        "kernel_initializer": own,
                        "kernel_regularizer": own,
                        "bias_constraint": own,
                        "filters": 3,
                        "dtype": policy,
                    },
                ),
                layer("InputLayer", config={"dtype": "uint8"}),
                layer("Dense", config={"dtype": "bfloat16", "bias_initializer": None}),
            ]
        },
    )
    leave_out_training(config)
    check_code(config, "model.h5")
    conv, given, dense = (part["config"] for part in config["config"]["layers"])
    assert "compile_config" not in config
    assert conv == {
        "kernel_initializer": "zeros",
        "kernel_regularizer": None,
        "bias_constraint": None,
        "filters": 3,
        "dtype": "float32",
    }
    assert given["dtype"] == "uint8"
    assert dense == {"dtype": "float32", "bias_initializer": None}


def test_what_keras_3_reads_otherwise():
    assert has_other_meaning(around(layer("Dense", config={"activation": "hard_sigmoid"})))
    assert has_other_meaning(around(function("hard_sigmoid", "builtins")))
    assert has_other_meaning(around(layer("Normalization", config={})))
    assert not has_other_meaning(around(layer("Dense", config={"activation": "sigmoid"})))
