"""Conversion to another opset."""

import pytest
from helpers import make_classifier
from ptq_comparison.common.errors import UserError
from ptq_comparison.model.opset import convert_opset


def test_an_opset_that_onnx_cannot_reach_is_an_error():
    model = make_classifier()
    model.graph.node[1].op_type = "NoSuchOperator"
    with pytest.raises(UserError, match=r"model.opset: onnx cannot convert opset 13 to 15"):
        convert_opset(model, 15)


@pytest.mark.parametrize("opset", [10**6, 2**62])
def test_an_opset_that_onnx_does_not_know_is_an_error(opset):
    with pytest.raises(UserError, match=r"model.opset: onnx knows none above \d\d, .* lower it"):
        convert_opset(make_classifier(), opset)
