"""Factors and terms behind weighted nodes are folded, and the model computes the same."""

import numpy as np
import onnx
import pytest
from helpers import make_images
from helpers.models import make_from_nodes
from onnx import helper
from ptq_comparison.inference.session import make_session
from ptq_comparison.preparation.folding import fold_model
from ptq_comparison.preparation.own_folding import fold_affine, foldable

RNG = np.random.default_rng(3)
IMAGES, _ = make_images(12, seed=4, side=6)
INPUTS = {"image": IMAGES.transpose(0, 3, 1, 2).astype(np.float32)}
RAW = {"layout": "NCHW", "scale": 1.0, "mean": 0.0, "std": 1.0}


def channels(count, rank=4):
    """Values of each channel; none is 0, and some are negative."""
    values = RNG.uniform(0.5, 2, count) * RNG.choice([-1, 1], count)
    return values.reshape(count, *[1] * (rank - 2))


NORM = {
    "scale": RNG.uniform(0.5, 2, 4),
    "shift": RNG.normal(size=4),
    "mean": RNG.normal(size=4),
    "variance": RNG.uniform(0.1, 3, 4),
}
NORMALIZE = ("BatchNormalization", list(NORM), {"epsilon": 0.01})


def make(host, followers, constants, tail=True):
    """A host node on the image or on its flattened pixels, what follows, and class scores."""
    kind, inputs, attributes = host
    nodes, tensor = [], "image"
    if kind in ("Gemm", "MatMul"):
        nodes.append(helper.make_node("Flatten", ["image"], ["flat"], name="flat"))
        tensor = "flat"
    steps = [(kind, inputs, attributes, "host"), *((*step, "") for step in followers)]
    for number, (op_type, names, attributes, name) in enumerate(steps):
        given = [tensor if n == "." else n for n in (names if "." in names else [".", *names])]
        output = f"t{number}"
        nodes.append(
            helper.make_node(op_type, given, [output], name=name or f"n{number}", **attributes)
        )
        tensor = output
    if kind not in ("Gemm", "MatMul"):
        nodes.append(helper.make_node("GlobalAveragePool", [tensor], ["p"], name="pool"))
        nodes.append(helper.make_node("Flatten", ["p"], ["scores"], name="flatten"))
    else:
        nodes.append(helper.make_node("Relu", [tensor], ["scores"], name="relu"))
    return make_from_nodes(nodes, constants, scores=("batch", "classes"))


CONV = ("Conv", ["w"], {"pads": [1, 1, 1, 1]})
W = RNG.normal(size=(4, 3, 3, 3))
F, T = channels(4), channels(4)
MUL, ADD = ("Mul", ["f"], {}), ("Add", ["t"], {})
DENSE = RNG.normal(size=(108, 4)) / 100
CASES = {
    "Mul and Add, as of tf2onnx": (CONV, [MUL, ADD], {"w": W, "f": F[None], "t": T[None]}),
    "with a bias before": (
        ("Conv", ["w", "b"], {}), [MUL, ADD], {"w": W, "b": RNG.normal(size=4), "f": F, "t": T}),
    "constants on the left": (
        CONV, [("Mul", ["f", "."], {}), ("Sub", ["t", "."], {})], {"w": W, "f": F, "t": T}),
    "Div and Sub": (CONV, [("Div", ["f"], {}), ("Sub", ["t"], {})], {"w": W, "f": F, "t": T}),
    "numbers": (CONV, [MUL, ADD], {"w": W, "f": np.array(2.0), "t": np.array([3.0])}),
    "batch normalization": (CONV, [NORMALIZE], {"w": W, **NORM}),
    "batch normalization twice": (CONV, [NORMALIZE, MUL, NORMALIZE], {"w": W, "f": F, **NORM}),
    "depthwise": (
        ("Conv", ["w"], {"group": 3, "pads": [1, 1, 1, 1]}), [MUL, ADD],
        {"w": RNG.normal(size=(6, 1, 3, 3)), "f": channels(6), "t": channels(6)}),
    "ConvTranspose": (
        ("ConvTranspose", ["w"], {}), [NORMALIZE], {"w": RNG.normal(size=(3, 4, 2, 2)), **NORM}),
    "ConvTranspose in groups": (
        ("ConvTranspose", ["w"], {"group": 3}), [MUL, ADD],
        {"w": RNG.normal(size=(3, 2, 2, 2)), "f": channels(6), "t": channels(6)}),
    "Gemm": (("Gemm", ["w", "b"], {}), [NORMALIZE], {"w": DENSE, "b": RNG.normal(size=4), **NORM}),
    "Gemm transposed": (("Gemm", ["w"], {"transB": 1}), [MUL, ADD],
                        {"w": DENSE.T, "f": channels(4, 2), "t": channels(4, 2)}),
    "MatMul": (("MatMul", ["w"], {}), [NORMALIZE], {"w": DENSE, **NORM}),
    "MatMul with a bias": (("MatMul", ["w"], {}), [ADD, NORMALIZE, MUL],
                           {"w": DENSE, "t": channels(4, 2), "f": np.array(-0.5), **NORM}),
}  # fmt: skip


def scores(model):
    return make_session(model, 1, optimize=False).run(None, INPUTS)[0]


@pytest.mark.parametrize("case", CASES)
def test_what_follows_is_folded(case):
    model = make(*CASES[case])
    folded, into = fold_affine(model)
    onnx.checker.check_model(folded, full_check=True)
    host = CASES[case][0][0]
    assert into == [f"{host} 'host'"]
    left = [node.op_type for node in folded.graph.node]
    end = ["Relu"] if host in ("Gemm", "MatMul") else ["GlobalAveragePool", "Flatten"]
    kept = ["Add"] if host == "MatMul" else []
    assert left == [*(["Flatten"] if end == ["Relu"] else []), host, *kept, *end]
    expected = scores(model)
    assert np.allclose(expected, scores(folded), rtol=1e-4, atol=1e-4 * np.abs(expected).max())
    assert not foldable(folded)
    # No constant is left that nothing uses.
    used = {name for node in folded.graph.node for name in node.input}
    assert {i.name for i in folded.graph.initializer} <= used


def read_twice(model):
    """The result of the host is read by another node, too."""
    model.graph.node[-1].output[0] = "one"
    model.graph.node.append(helper.make_node("ReduceMean", ["t0"], ["m"], name="m", axes=[2, 3],
                                             keepdims=0))  # fmt: skip
    model.graph.node.append(helper.make_node("Add", ["one", "m"], ["scores"], name="both"))


def is_output(model):
    model.graph.output.append(helper.make_tensor_value_info("t0", 1, ["batch", 4, 6, 6]))


ALONE = {
    "another reader": ((CONV, [MUL], {"w": W, "f": F}), read_twice),
    "an output of the model": ((CONV, [MUL], {"w": W, "f": F}), is_output),
    "a constant along the width": (
        (CONV, [MUL], {"w": W, "f": RNG.normal(size=(4, 1, 6))}), None),
    "a vector along the width": ((CONV, [ADD], {"w": W, "t": RNG.normal(size=6)}), None),
    "a division by the result": ((CONV, [("Div", ["f", "."], {})], {"w": W, "f": F}), None),
    "a division by 0": ((CONV, [("Div", ["f"], {})], {"w": W, "f": 0 * F}), None),
    "an activation between": (
        (CONV, [("Relu", [], {}), MUL], {"w": W, "f": F}), None),
    "a factor that overflows": (
        (CONV, [MUL, ADD], {"w": W, "f": np.array(3e38), "t": T}), None),
    "beta of Gemm": (
        (("Gemm", ["w", "b"], {"beta": 2.0}), [NORMALIZE], {"w": DENSE, "b": T.ravel(), **NORM}),
        None),
    "a bias alone": ((("MatMul", ["w"], {}), [ADD], {"w": DENSE, "t": T.ravel()}), None),
}  # fmt: skip


@pytest.mark.parametrize("case", ALONE)
def test_what_cannot_be_folded_is_left_alone(case):
    arguments, change = ALONE[case]
    model = make(*arguments)
    if change:
        change(model)
    folded, into = fold_affine(model)
    assert folded is model and not into


def test_a_shared_weight_is_folded_into_a_copy():
    nodes = [
        helper.make_node("Conv", ["image", "w"], ["a"], name="first", pads=[1, 1, 1, 1]),
        helper.make_node("Mul", ["a", "f"], ["b"], name="mul"),
        helper.make_node("Conv", ["b", "w"], ["c"], name="second", pads=[1, 1, 1, 1]),
        helper.make_node("GlobalAveragePool", ["c"], ["p"], name="pool"),
        helper.make_node("Flatten", ["p"], ["scores"], name="flatten"),
    ]
    constants = {"w": RNG.normal(size=(3, 3, 3, 3)), "f": channels(3)}
    model = make_from_nodes(nodes, constants, scores=("batch", 3))
    folded, into = fold_affine(model)
    assert into == ["Conv 'first'"]
    assert np.allclose(scores(model), scores(folded), rtol=1e-4, atol=0.01)


def test_batch_normalization_before_a_padded_convolution_stays():
    """Its term would have to reach into the padding."""
    nodes = [
        helper.make_node("BatchNormalization", ["image", *NORM], ["n"], name="norm"),
        helper.make_node("Conv", ["n", "w"], ["c"], name="conv", pads=[1, 1, 1, 1]),
        helper.make_node("GlobalAveragePool", ["c"], ["p"], name="pool"),
        helper.make_node("Flatten", ["p"], ["scores"], name="flatten"),
    ]
    norm = {key: value[:3] for key, value in NORM.items()}
    assert not foldable(make_from_nodes(nodes, {"w": W, **norm}))


def test_products_of_three_axes_have_their_channels_last():
    nodes = [
        helper.make_node("MatMul", ["image", "w"], ["a"], name="host"),
        helper.make_node("Mul", ["a", "f"], ["b"], name="mul"),
        helper.make_node("GlobalAveragePool", ["b"], ["p"], name="pool"),
        helper.make_node("Flatten", ["p"], ["scores"], name="flatten"),
    ]
    constants = {"w": RNG.normal(size=(6, 3)), "f": channels(3, 2)}
    model = make_from_nodes(nodes, constants, scores=("batch", 3))
    folded, into = fold_affine(model)
    assert into and np.allclose(scores(model), scores(folded), rtol=1e-4, atol=1e-3)
    constants["f"] = channels(3, 4)  # of the second axis
    assert not foldable(make_from_nodes(nodes, constants, scores=("batch", 3)))


@pytest.mark.parametrize("fails", [False, True])
@pytest.mark.parametrize("case", CASES)
def test_nothing_foldable_is_left_even_where_onnxruntime_fails(case, fails, monkeypatch):
    if fails:

        def fail(*args, **options):
            raise RuntimeError("this model")

        monkeypatch.setattr("ptq_comparison.preparation.folding.quant_pre_process", fail)
    model = make(*CASES[case])
    folded, _ = fold_model(model, IMAGES, RAW)
    assert not foldable(folded)
    kinds = {node.op_type for node in folded.graph.node}
    assert not kinds & {"Mul", "Div", "Sub", "BatchNormalization"}
    expected = scores(model)
    assert np.allclose(expected, scores(folded), rtol=1e-4, atol=1e-4 * np.abs(expected).max())
