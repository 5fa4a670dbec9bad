"""Quantized models that take pixels predict what their twins with float32 input do."""

import numpy as np
import onnx
import pytest
from helpers import Quantizer, make_classifier, make_images, make_pixel_classifier
from onnx import TensorProto, helper, numpy_helper
from ptq_comparison.common.errors import UserError
from ptq_comparison.inference.batches import Batches
from ptq_comparison.inference.session import make_session, run_scores
from ptq_comparison.model.interface import read_interface
from ptq_comparison.model.metadata import write_metadata
from ptq_comparison.quantization.activation_grids import stored_grids
from ptq_comparison.quantization.uint8_input import check_same_scores, take_pixels

IMAGES, _ = make_images(60, seed=4)
IMAGES[0, 0, 0], IMAGES[1, 7, 7] = 0, 255  # the whole range, at the border, too
RAW = {"layout": "auto", "scale": 1.0, "mean": 0.0, "std": 1.0, "channels": "RGB"}
UNIT = {**RAW, "scale": 1 / 255}
TORCH = {**UNIT, "mean": [0.485, 0.456, 0.406], "std": [0.229, 0.224, 0.225], "channels": "BGR"}
KERAS = {**RAW, "scale": 1 / 127.5, "mean": 1.0}
ODD = {**RAW, "scale": 0.017, "mean": [2.0], "std": [0.3]}
TYPES = {"int8": ("QInt8", "QInt8"), "uint8": ("QUInt8", "QUInt8"), "u8s8": ("QUInt8", "QInt8")}


def quantized(folder, preprocessing, model, dtype="u8s8", **options):
    batches = Batches.of(IMAGES, model, preprocessing, 16)
    activations, weights = TYPES[dtype]
    options |= {"activation_type": activations, "weight_type": weights}
    return Quantizer(model, batches, folder, **options)(model), batches


def taking_pixels(model, preprocessing):
    """The twin of a model, marked as the workflow does."""
    made = take_pixels(model, preprocessing)
    write_metadata(made, {"quantization": {"input_type": "uint8"}})
    onnx.checker.check_model(made, full_check=True)
    return made


def scores(model, images):
    batches = Batches.of(images, model, RAW, len(images))
    (batch,) = batches
    (given,) = batch.inputs.values()
    assert given.dtype == np.uint8
    return run_scores(make_session(model, 1), batches.interface, batch)


@pytest.mark.parametrize("preprocessing", [RAW, UNIT, TORCH, KERAS, ODD])
@pytest.mark.parametrize(
    ("dtype", "format", "layout", "excluded"),
    [
        ("int8", "QDQ", "NHWC", []),
        ("int8", "QOperator", "NCHW", ["conv"]),
        ("uint8", "QDQ", "NCHW", []),
        ("u8s8", "QOperator", "NHWC", []),
        ("u8s8", "QDQ", "NHWC", ["conv"]),
    ],
)
def test_scores_are_the_same_bits(tmp_path, preprocessing, dtype, format, layout, excluded):
    own = {"format": format, "nodes_to_exclude": excluded}
    twin, batches = quantized(tmp_path, preprocessing, make_classifier(layout), dtype, **own)
    made = taking_pixels(twin, preprocessing)
    check_same_scores(twin, made, batches)
    interface = read_interface(made)
    assert interface.dtype == "uint8" and interface.layout == layout
    assert interface.input == "image" and interface.image == read_interface(twin).image
    assert twin.graph.input[0].type.tensor_type.elem_type == TensorProto.FLOAT  # left as it was


def kinds(model):
    return [node.op_type for node in model.graph.node]


# Of ODD, 0 lies between two pixels; the zero point is rounded as all of them are.
@pytest.mark.parametrize("preprocessing", [RAW, UNIT, ODD])
@pytest.mark.parametrize("format", ["QDQ", "QOperator"])
@pytest.mark.parametrize("layout", ["NHWC", "NCHW"])
def test_pixels_that_are_the_levels_go_straight_in(tmp_path, preprocessing, format, layout):
    twin, _ = quantized(tmp_path, preprocessing, make_classifier(layout), format=format)
    made = taking_pixels(twin, preprocessing)
    assert "Cast" not in kinds(made)
    assert kinds(made).count("QuantizeLinear") == kinds(twin).count("QuantizeLinear") - 1


@pytest.mark.parametrize(
    ("preprocessing", "dtype", "expected"),
    [
        (RAW, "int8", ["Cast"]),  # the levels are pixels - 128, of a type that no kernel mixes
        (KERAS, "u8s8", ["Cast", "Div", "Sub"]),  # the level of 0 is half a pixel off
        (TORCH, "u8s8", ["Cast", "Div", "Sub", "Div"]),
        ({**ODD, "mean": [0.5, 2.0, 1.0]}, "u8s8", ["Cast", "Mul", "Sub", "Div"]),
    ],
)
def test_others_are_preprocessed_as_images_are(tmp_path, preprocessing, dtype, expected):
    twin, _ = quantized(tmp_path, preprocessing, make_classifier("NCHW"), dtype)
    made = taking_pixels(twin, preprocessing)
    assert kinds(made) == expected + kinds(twin)


def test_a_coarser_grid_than_that_of_pixels_is_kept(tmp_path):
    model = make_classifier("NCHW")
    batches = Batches.of(IMAGES, model, RAW, 16)
    settings = {"percentile": 60.0, "num_bins": 2048}
    twin = Quantizer(model, batches, tmp_path, "Percentile", settings)(model)
    made = taking_pixels(twin, RAW)
    assert kinds(made)[:2] == ["Cast", "QuantizeLinear"]
    check_same_scores(twin, made, batches)


def test_scores_by_hand(tmp_path):
    """The input is the image, channel by channel and in the order of the model."""
    twin, _ = quantized(tmp_path, TORCH, make_classifier("NCHW"))
    made = taking_pixels(twin, TORCH)
    pixels = IMAGES[:5, ..., ::-1].transpose(0, 3, 1, 2)
    (found,) = make_session(made, 1).run(None, {"image": np.ascontiguousarray(pixels)})
    mean, std = (np.float32(TORCH[key]).reshape(3, 1, 1) for key in ("mean", "std"))
    floats = (pixels.astype(np.float32) / np.float32(255) - mean) / std
    (expected,) = make_session(twin, 1).run(None, {"image": floats})
    assert np.array_equal(found, expected)


def test_channels_at_the_end_are_spread_over_a_row(tmp_path):
    twin, _ = quantized(tmp_path, TORCH, make_classifier("NHWC"))
    made = taking_pixels(twin, TORCH)
    constants = {i.name: numpy_helper.to_array(i) for i in made.graph.initializer}
    (sub,) = [node for node in made.graph.node if node.op_type == "Sub"]
    assert sorted(constants[sub.input[1]].shape) == [1, 1, 3, 8]


def test_an_image_of_any_width(tmp_path):
    model = make_classifier("NHWC")
    for value in model.graph.input:
        for place in (1, 2):
            value.type.tensor_type.shape.dim[place].dim_param = f"side{place}"
    twin, batches = quantized(tmp_path, TORCH, model)
    check_same_scores(twin, taking_pixels(twin, TORCH), batches)


def test_a_branch_that_reads_the_image(tmp_path):
    """What is inside a node gets the preprocessed image, what the levels go into gets pixels."""
    twin, _ = quantized(tmp_path, RAW, make_classifier("NCHW"))
    float_tensor = helper.make_tensor_value_info("mean", TensorProto.FLOAT, None)
    branches = [
        helper.make_graph(
            [helper.make_node(kind, ["image"], ["mean"], axes=[1, 2, 3], keepdims=0)],
            kind,
            [],
            [float_tensor],
        )
        for kind in ("ReduceMean", "ReduceMax")
    ]
    twin.graph.initializer.append(numpy_helper.from_array(np.array(True), "yes"))
    end = twin.graph.output[0].name
    twin.graph.node.extend(
        [
            helper.make_node(
                "If", ["yes"], ["some"], then_branch=branches[0], else_branch=branches[1]
            ),
            helper.make_node("Unsqueeze", ["some", "axis"], ["column"]),
            helper.make_node("Add", [end, "column"], ["moved"]),
        ]
    )
    twin.graph.initializer.append(numpy_helper.from_array(np.array([1]), "axis"))
    twin.graph.output[0].name = "moved"
    made = taking_pixels(twin, RAW)
    assert kinds(made).count("QuantizeLinear") == kinds(twin).count("QuantizeLinear") - 1
    check_same_scores(twin, made, Batches.of(IMAGES, twin, RAW, 16))


def test_a_model_that_takes_pixels_already_stays(tmp_path):
    model = make_pixel_classifier()
    twin, _ = quantized(tmp_path, RAW, model)
    assert take_pixels(twin, RAW) is twin


def test_a_twin_that_gives_other_scores_is_refused(tmp_path):
    twin, batches = quantized(tmp_path, RAW, make_classifier("NCHW"))
    other = taking_pixels(twin, UNIT)
    with pytest.raises(UserError, match=r"as it is stored are up to [\d.]+ off; set model.input"):
        check_same_scores(twin, other, batches)


def test_only_a_model_made_here_gets_pixels_in_place_of_scaled_ones(tmp_path):
    twin, _ = quantized(tmp_path, UNIT, make_classifier("NCHW"))
    unmarked = take_pixels(twin, UNIT)
    with pytest.raises(UserError, match=r"takes uint8 pixels and scales them itself"):
        Batches.of(IMAGES, unmarked, UNIT, 16)


@pytest.mark.parametrize("preprocessing", [RAW, TORCH])
@pytest.mark.parametrize(
    ("layout", "format", "types"),
    [("NHWC", "QDQ", []), ("NHWC", "QOperator", ["Conv"]), ("NCHW", "QOperator", [])],
)
def test_the_grid_of_the_input_is_known(tmp_path, preprocessing, layout, format, types):
    model = make_classifier(layout)
    own = {"format": format, "op_types_to_quantize": types}
    twin, _ = quantized(tmp_path, preprocessing, model, **own)
    grids = stored_grids(twin, model)
    found = stored_grids(taking_pixels(twin, preprocessing), model)
    # Pixels that go straight in are turned without being rounded again.
    assert list(found) == list(grids) or list(found) == ["image", *list(grids)[1:]]
    assert list(found.values()) == list(grids.values())
