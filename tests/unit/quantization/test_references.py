"""Models to compare with: float16, and dynamic quantization."""

import numpy as np
import onnx
import pytest
from helpers import RAW, make_classifier, make_images, make_network
from helpers.drawn_graphs import SIDE, classifiers
from hypothesis import HealthCheck, given, seed, settings
from onnx import TensorProto, numpy_helper
from ptq_comparison.common.errors import UserError
from ptq_comparison.config.schemes import REFERENCES
from ptq_comparison.inference.batches import Batches
from ptq_comparison.inference.session import make_session, run_scores
from ptq_comparison.preparation.quantizable_form import quantizable_form
from ptq_comparison.quantization.references import MAKERS, make_reference, not_finite

IMAGES, _ = make_images(30, seed=3)
CONV = ("Conv", {"pads": [1, 1, 1, 1]}, {"w": np.ones((4, 3, 3, 3))})
FLATTEN = ("Flatten", {}, {})
REMEDY = "; remove {0} from comparison.references"


def batches_of(model):
    return Batches.of(IMAGES, model, RAW, 8)


def test_each_name_can_be_made():
    assert tuple(MAKERS) == REFERENCES


@pytest.mark.parametrize("layout", ["NHWC", "NCHW"])
@pytest.mark.parametrize("name", REFERENCES)
def test_it_predicts_about_the_same_and_leaves_the_model_alone(name, layout):
    model = make_classifier(layout)
    before, batches = model.SerializeToString(), batches_of(model)
    made = make_reference(name, model, batches)
    assert model.SerializeToString() == before
    onnx.checker.check_model(made)
    assert [value.name for value in made.graph.input] == ["image"]
    types = {v.type.tensor_type.elem_type for v in (*made.graph.input, *made.graph.output)}
    assert types == {TensorProto.FLOAT}
    batch = next(iter(batches))
    expected, found = (
        run_scores(make_session(m, 1), batches.interface, batch) for m in (model, made)
    )
    difference = np.abs(found - expected).max()
    assert 0 < difference < 0.05


@pytest.mark.parametrize("name", REFERENCES)
def test_the_same_model_gives_the_same_bytes(name):
    model = make_classifier()
    made = [make_reference(name, model, batches_of(model)).SerializeToString() for _ in range(2)]
    assert made[0] == made[1]


def test_float16_halves_the_weights_and_dynamic_quantization_quarters_them():
    model = make_classifier()
    for name, data_type in (("fp16", TensorProto.FLOAT16), ("dynamic", TensorProto.INT8)):
        made = make_reference(name, model, batches_of(model))
        weight = max(made.graph.initializer, key=lambda tensor: np.prod(tensor.dims))
        assert weight.data_type == data_type and list(weight.dims) == [3, 3, 3, 3]
    assert "ConvInteger" in {node.op_type for node in made.graph.node}


@pytest.mark.parametrize("name", REFERENCES)
def test_a_model_without_weights_has_nothing_to_convert(name):
    model = make_network([("GlobalAveragePool", {}, {}), FLATTEN])
    with pytest.raises(UserError) as error:
        make_reference(name, model, batches_of(model))
    assert str(error.value) == (
        f"comparison.references: {name}: onnxruntime finds nothing in the model to convert"
        + REMEDY.format(name)
    )


def test_float16_that_overflows_is_refused():
    """Scores beyond 65,504, which float32 holds."""
    factor = {"factor": np.array(1000.0)}
    model = make_network([CONV, ("Mul", {}, factor), ("GlobalAveragePool", {}, {}), FLATTEN])
    with pytest.raises(UserError) as error:
        make_reference("fp16", model, batches_of(model))
    assert str(error.value) == not_finite("fp16")
    assert "fp16: its scores of some images are not finite" in not_finite("fp16")
    assert not_finite("fp16").endswith(REMEDY.format("fp16"))


@pytest.mark.parametrize("name", REFERENCES)
def test_what_onnxruntime_raises_is_one_line_with_the_remedy(name, monkeypatch):
    def fail(_):
        raise AssertionError("no such\nthing")

    monkeypatch.setitem(MAKERS, name, (fail, 0))
    model = make_classifier()
    with pytest.raises(UserError) as error:
        make_reference(name, model, batches_of(model))
    assert str(error.value) == (
        f"comparison.references: {name}: onnxruntime cannot make it (AssertionError: no such)"
        + REMEDY.format(name)
    )


def test_a_model_that_does_not_load_is_refused(monkeypatch):
    made = make_classifier()
    made.graph.initializer.append(numpy_helper.from_array(np.float16([1]), "half"))
    made.graph.node[1].input[1] = "half"  # a kernel of another type and rank
    monkeypatch.setitem(MAKERS, "fp16", (lambda _: made, TensorProto.FLOAT16))
    model = make_classifier()
    with pytest.raises(UserError, match=r"fp16: onnxruntime cannot run it \(.*; remove fp16 from"):
        make_reference("fp16", model, batches_of(model))


def test_references_of_drawn_graphs_are_sound():
    """Without sorting, onnx refuses what onnxruntime makes of some."""
    images = np.random.default_rng(0).integers(0, 256, (8, SIDE, SIDE, 3), dtype=np.uint8)

    @seed(3)
    @settings(max_examples=20, deadline=None, database=None, suppress_health_check=[*HealthCheck])
    @given(classifiers())
    def make_both(model):
        form, _ = quantizable_form(model)
        batches = Batches.of(images, form, {**RAW, "layout": "NCHW", "scale": 1 / 255}, 8)
        for name in REFERENCES:
            onnx.checker.check_model(make_reference(name, form, batches))

    make_both()
