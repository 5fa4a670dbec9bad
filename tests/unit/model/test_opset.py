"""Conversion to another opset."""

import onnx
import pytest
from helpers import make_classifier
from ptq_comparison.common.errors import UserError
from ptq_comparison.model.opset import convert_opset, drop_unused_domains


def test_an_opset_that_onnx_cannot_reach_is_an_error():
    model = make_classifier()
    model.graph.node[1].op_type = "NoSuchOperator"
    with pytest.raises(UserError, match=r"model.opset: onnx cannot convert opset 13 to 15"):
        convert_opset(model, 15)


@pytest.mark.parametrize("opset", [10**6, 2**62])
def test_an_opset_that_onnx_does_not_know_is_an_error(opset):
    with pytest.raises(UserError, match=r"model.opset: onnx knows none above \d\d, .* lower it"):
        convert_opset(make_classifier(), opset)


def test_domains_that_no_node_is_of_are_dropped():
    """An older onnxruntime refuses a model for the version of any of them."""
    model = make_classifier()
    for domain in ("ai.onnx.ml", "com.microsoft", "own", "inside"):
        model.opset_import.append(onnx.helper.make_opsetid(domain, 99))
    model.graph.node[1].domain = "com.microsoft"
    function = onnx.helper.make_function("own", "f", [], [], [], [])
    model.functions.append(function)
    inner = onnx.helper.make_node("Op", [], ["x"], domain="inside")
    branch = onnx.helper.make_graph([inner], "branch", [], [])
    model.graph.node.append(onnx.helper.make_node("If", ["c"], ["d"], then_branch=branch))
    drop_unused_domains(model)
    assert [o.domain for o in model.opset_import] == ["", "com.microsoft", "own", "inside"]
