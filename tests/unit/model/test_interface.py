"""How the input of a model is read, and which models are taken."""

import pytest
from helpers import make_classifier, make_pixel_classifier
from onnx import TensorProto, helper
from ptq_comparison.common.errors import UserError
from ptq_comparison.model.interface import (
    check_fits,
    float_image,
    image_and_scores,
    read_interface,
)


@pytest.mark.parametrize("layout", ["NHWC", "NCHW"])
@pytest.mark.parametrize(
    ("batch", "expected"), [("batch", None), (-1, None), (0, None), (1, 1), (4, 4)]
)
def test_layout_and_batch_are_read_from_the_input_shape(layout, batch, expected):
    interface = read_interface(make_classifier(layout, batch))
    assert interface.layout == layout
    assert interface.batch == expected
    assert interface.image == (8, 8, 3)
    assert (interface.input, interface.output, interface.classes) == ("image", "scores", 3)


@pytest.mark.parametrize("layout", ["NHWC", "NCHW"])
def test_stored_pixels_are_an_input_too(layout):
    interface = read_interface(make_pixel_classifier(layout))
    assert (interface.dtype, interface.layout, interface.image) == ("uint8", layout, (8, 8, 3))
    assert read_interface(make_classifier(layout)).dtype == "float32"


def test_the_first_float_tensor_is_the_input_or_what_a_cast_gives():
    assert float_image(make_classifier()) == "image"
    model = make_pixel_classifier()
    assert float_image(model) == "cast"
    # Turned before it is cast.
    turn = helper.make_node("Transpose", ["image"], ["turned"], perm=[0, 3, 1, 2])
    model.graph.node.insert(0, turn)
    model.graph.node[1].input[0] = "turned"
    assert float_image(model) == "cast"


def test_an_ambiguous_layout_must_be_set():
    model = make_classifier("NCHW", side=3)
    with pytest.raises(UserError, match=r"model.layout"):
        read_interface(model)
    assert read_interface(model, "NCHW").image == (3, 3, 3)


def set_shape(value, shape, element=TensorProto.FLOAT):
    value.CopyFrom(helper.make_tensor_value_info(value.name, element, shape))


def test_models_that_are_no_classifiers_of_images_are_refused():
    model = make_classifier()
    set_shape(model.graph.input[0], ["batch", 8, 8, 3], TensorProto.INT8)
    with pytest.raises(UserError, match=r"is INT8 .*; images .* float32 or uint8"):
        read_interface(model)

    model = make_classifier()
    set_shape(model.graph.input[0], ["batch", 192])
    with pytest.raises(UserError, match=r"rank 4"):
        read_interface(model)

    model = make_classifier()
    set_shape(model.graph.output[0], ["batch", 3, 8, 8])
    with pytest.raises(UserError, match=r"scores of shape \(batch, classes\)"):
        read_interface(model)

    model = make_classifier()
    model.graph.input.append(helper.make_tensor_value_info("c", TensorProto.FLOAT, [3]))
    with pytest.raises(UserError, match=r"has 2 inputs; a classifier with one image input"):
        read_interface(model)


def test_a_model_of_several_outputs_has_an_image_and_no_scores():
    """As one that is converted, and not yet cut to an output."""
    model = make_classifier()
    model.graph.output.append(helper.make_tensor_value_info("c", TensorProto.FLOAT, None))
    interface = read_interface(model)
    assert (interface.image, interface.output, interface.classes) == ((8, 8, 3), "", None)
    with pytest.raises(UserError, match=r"has 2 outputs; .* name one of several in model\.output"):
        image_and_scores(model)


def test_data_that_does_not_fit_is_refused():
    interface = read_interface(make_classifier())
    check_fits(interface, (8, 8, 3), 3)
    with pytest.raises(UserError, match=r"\(8, 8, 3\).*the data set has \(9, 8, 3\)"):
        check_fits(interface, (9, 8, 3), 3)
    with pytest.raises(UserError, match=r"3 classes, the data set has 4; use the data set"):
        check_fits(interface, (8, 8, 3), 4)
    with pytest.raises(UserError, match=r"3 classes, the data set has 2; .* name all in the order"):
        check_fits(interface, (8, 8, 3), 2)


def test_a_fixed_batch_that_fills_the_memory_is_named():
    interface = read_interface(make_classifier(batch=100_000))
    check_fits(interface, (8, 8, 3), 3)
    interface = read_interface(make_classifier(batch=100_000, side=224))
    with pytest.raises(UserError, match=r"takes 100000 images at once, 60.2 GB, and 1 GB are"):
        check_fits(interface, (224, 224, 3), 3)


def test_an_input_of_an_unknown_type_is_named():
    model = make_classifier()
    model.graph.input[0].type.tensor_type.elem_type = 99
    with pytest.raises(UserError, match=r"input 'image' is 99 of shape"):
        read_interface(model)
