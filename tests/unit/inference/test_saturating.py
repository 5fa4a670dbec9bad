"""Which sums can saturate: by the weights, and on the CPU at hand."""

import json
import os
import shutil
import subprocess
import sys
from itertools import product
from pathlib import Path

import numpy as np
import pytest
from archspec.cpu.detect import detected_info
from helpers import REPOSITORY
from helpers.products import OPERATORS, make_product
from onnx import TensorProto, helper, numpy_helper
from ptq_comparison.inference.exact_kernels import make_exact_session
from ptq_comparison.inference.saturating import kernels_saturate, saturating_operators
from ptq_comparison.inference.saturation_trial import EXACT_KERNELS
from ptq_comparison.inference.session import make_session

FEATURES = set(detected_info().features)
VNNI = bool({"avx512_vnni", "avx_vnni"} & FEATURES)
X86 = "sse2" in FEATURES
FORMATS, TYPES = ("QDQ", "QOperator"), ("int8", "uint8")
CASES = [
    case
    for case in product(OPERATORS, FORMATS, TYPES, TYPES)
    if case[1:] != ("QOperator", "int8", "uint8")  # which onnxruntime does not run
]


@pytest.mark.parametrize("case", CASES, ids=" ".join)
def test_types_that_can_saturate(case):
    """As measured: see `saturates`, and the page docs/saturation.md."""
    _, format, activation, weight = case
    expected = weight == "int8" and (format == "QDQ" or activation == "uint8")
    found = saturating_operators(make_product(*case))
    assert bool(found) == expected
    if found:
        assert [name.split()[1] for name in found] == ["'it'"]


def with_weights(*levels):
    """Return the weight of a MatMul whose first output has these levels, and its second none."""
    weight = np.zeros((64, 2), int)
    weight[: len(levels), 0] = levels
    return weight


@pytest.mark.parametrize(
    ("levels", "expected"),
    [
        (with_weights(64, 64), False),  # 255 * 128 is below 2^15
        (with_weights(65, 64), True),
        (with_weights(-64, -64), False),
        (with_weights(-65, -64), True),
        (with_weights(127, -128), False),
        (with_weights(127), False),
        (with_weights(100, 0, 0, -3, 0, 29), True),  # whichever make a pair
        (np.array([[127, 127], *[[0, 0]] * 63]), False),  # two sums, not one
    ],
)
def test_weights_that_can_saturate(levels, expected):
    assert bool(saturating_operators(make_product(levels=levels))) == expected


def test_outputs_of_a_convolution_and_a_transposed_matrix():
    kernel = np.zeros((4, 8, 3, 3), int)
    kernel[:, 0, 0, 0] = 127
    assert saturating_operators(make_product("Conv", levels=kernel)) == []
    kernel[2, 5, 1, 1] = 2
    assert saturating_operators(make_product("Conv", levels=kernel)) == ["Conv 'it'"]
    matrix = with_weights(127, 127).T
    assert saturating_operators(make_product("Gemm", levels=matrix)) == ["Gemm 'it'"]
    matrix = np.array([[127] + [0] * 63, [127] + [0] * 63])
    assert saturating_operators(make_product("Gemm", levels=matrix)) == []


@pytest.mark.parametrize("activation", ["uint16", "int16"])
def test_activations_of_16_bits_do_not(activation):
    """onnxruntime computes them in float32."""
    assert saturating_operators(make_product(activation=activation, opset=21)) == []


def test_a_weight_that_is_quantized_on_the_fly_may_have_any_levels():
    model = make_product(levels=1)
    dequantize = next(node for node in model.graph.node if node.output[0] == "factors")
    dequantize.input[0] = "not_a_constant"
    assert saturating_operators(model) == ["MatMul 'it'"]


def make_dynamic(operator, weight, weight_type):
    """Return a product as dynamic quantization makes it: integers in, sums of 32 bits out."""
    sizes = [2, 64, 5, 5] if operator == "ConvInteger" else [2, 64]
    names = ["x", "w", "zero", "weight_zero"]
    zeros = {"zero": np.array(0, np.uint8), "weight_zero": np.array(0, weight_type)}
    arrays = {"w": weight.astype(weight_type), **zeros}
    graph = helper.make_graph(
        [helper.make_node(operator, names, ["y"], "it")],
        "dynamic",
        [helper.make_tensor_value_info("x", TensorProto.UINT8, sizes)],
        [helper.make_tensor_value_info("y", TensorProto.INT32, None)],
        [numpy_helper.from_array(array, name) for name, array in arrays.items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)


@pytest.mark.parametrize("level", [100, -100])
@pytest.mark.parametrize("weight_type", TYPES)
@pytest.mark.parametrize(
    ("operator", "shape"),
    [("MatMulInteger", (64, 8)), ("ConvInteger", (8, 64, 1, 1)), ("ConvInteger", (8, 64, 3, 3))],
)
def test_products_of_dynamic_quantization(operator, shape, weight_type, level):
    """What is foreseen is what happens here, on a CPU whose kernels saturate."""
    weight = np.full(shape, level if weight_type == "int8" else abs(level))
    model = make_dynamic(operator, weight, weight_type)
    expected = operator == "MatMulInteger" and weight_type == "int8"
    assert saturating_operators(model) == [f"{operator} 'it'"] * expected
    sizes = [d.dim_value for d in model.graph.input[0].type.tensor_type.shape.dim]
    inputs = {"x": np.full(sizes, 255, np.uint8)}
    true = 255 * int(weight.flat[0]) * 64 * int(np.prod(shape[2:]))
    found, exact = (
        session.run(None, inputs)[0]
        for session in (make_session(model, 1), make_exact_session(model, 1))
    )
    assert np.all(exact == true)
    assert np.all(found == true) != (expected and kernels_saturate())


def test_kernels_of_this_cpu():
    assert kernels_saturate() == (X86 and not VNNI)


def saturates(case):
    """Tell whether the kernels of this CPU change a sum of the largest numbers."""
    model = make_product(*case)
    shape = [d.dim_value for d in model.graph.input[0].type.tensor_type.shape.dim]
    inputs = {"x": np.ones(shape, np.float32)}
    try:
        exact = make_session(model, 1, config_entries=EXACT_KERNELS)
    except Exception:  # int8 as QOperator
        exact = make_session(model, 1, optimize=False)
    pair = [session.run(None, inputs)[0] for session in (make_session(model, 1), exact)]
    return not np.array_equal(*pair)


def saturating_cases():
    return [case for case in CASES if saturates(case)]


@pytest.mark.valgrind
@pytest.mark.skipif(not (X86 and shutil.which("valgrind")), reason="needs valgrind on x86-64")
def test_what_saturates_on_a_cpu_without_vnni_is_foreseen():
    script = (
        "import json, test_saturating as t; "
        "print(json.dumps([t.kernels_saturate(), t.saturating_cases()]))"
    )
    paths = [Path(__file__).parent, REPOSITORY / "tests", REPOSITORY / "workflow/scripts"]
    output = subprocess.run(
        ["valgrind", "--quiet", "--tool=none", sys.executable, "-c", script],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(map(str, paths))},
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    tried, cases = json.loads(output)
    assert tried
    foreseen = [list(case) for case in CASES if saturating_operators(make_product(*case))]
    # onnxruntime has kernels of their own for convolutions by channel.
    assert cases == [case for case in foreseen if case[0] != "Conv by channel"]
