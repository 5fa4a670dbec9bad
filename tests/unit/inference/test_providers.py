"""Execution providers: names, threads, and which of them ran the nodes."""

import subprocess

import numpy as np
import onnx
import onnxruntime
import pytest
from helpers import REPOSITORY, make_classifier
from onnx import TensorProto, helper
from ptq_comparison.common.errors import UserError
from ptq_comparison.common.provider_names import ran_elsewhere
from ptq_comparison.inference import providers
from ptq_comparison.inference.providers import (
    check_loaded,
    check_nodes,
    nodes_by_provider,
    provider_arguments,
    resolve_provider,
)

CPU, AZURE = "CPUExecutionProvider", "AzureExecutionProvider"
OPENVINO, XNNPACK = "OpenVINOExecutionProvider", "XnnpackExecutionProvider"
COUNT = """
import sys
import numpy as np, onnxruntime
from ptq_comparison.inference.providers import nodes_by_provider, resolve_provider
print("onnxruntime", onnxruntime.__version__)
inputs = {"image": np.zeros((2, 8, 8, 3), np.float32)}
print(nodes_by_provider(sys.argv[1], inputs, resolve_provider("openvino"), int(sys.argv[2])))
"""
INPUTS = {"image": np.zeros((2, 8, 8, 3), np.float32)}


def make_loop():
    """A model whose node in a loop runs ten times."""
    scalar = {"elem_type": TensorProto.INT64, "shape": []}
    body = helper.make_graph(
        [
            helper.make_node("Add", ["x", "x"], ["y"], "twice"),
            helper.make_node("Identity", ["go"], ["still"], "same"),
        ],
        "body",
        [
            helper.make_tensor_value_info("i", **scalar),
            helper.make_tensor_value_info("go", TensorProto.BOOL, []),
            helper.make_tensor_value_info("x", TensorProto.FLOAT, [1]),
        ],
        [
            helper.make_tensor_value_info("still", TensorProto.BOOL, []),
            helper.make_tensor_value_info("y", TensorProto.FLOAT, [1]),
        ],
    )
    loop = helper.make_node("Loop", ["times", "", "start"], ["end"], "loop", body=body)
    graph = helper.make_graph(
        [loop],
        "graph",
        [helper.make_tensor_value_info("start", TensorProto.FLOAT, [1])],
        [helper.make_tensor_value_info("end", TensorProto.FLOAT, [1])],
        [helper.make_tensor("times", TensorProto.INT64, [], [10])],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


@pytest.mark.parametrize("name", ["cpu", "CPU", " Cpu ", CPU, CPU.lower()])
def test_a_provider_has_several_names(name):
    assert resolve_provider(name) == CPU


@pytest.mark.parametrize(
    ("name", "shown", "remedy"),
    [
        ("openvino", OPENVINO, "install onnxruntime-openvino in an environment without"),
        ("CUDAExecutionProvider", "CUDAExecutionProvider", "install onnxruntime-gpu in an"),
        ("xnnpack", XNNPACK, "build onnxruntime with it"),
        ("opnvino", "opnvino", "name one of these"),
        ("", "''", "name one of these"),
    ],
)
def test_a_provider_that_is_not_there_is_refused(monkeypatch, name, shown, remedy):
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: [AZURE, CPU])
    with pytest.raises(UserError) as error:
        resolve_provider(name)
    text = str(error.value)
    assert shown in text and f"has {AZURE}, {CPU}; " in text and remedy in text
    assert "\n" not in text


def test_known_packages_are_of_known_providers():
    assert set(providers.PACKAGES) <= set(onnxruntime.get_all_providers())


def test_threads_are_those_of_the_provider():
    options = onnxruntime.SessionOptions()
    assert provider_arguments(options, CPU, 3) == [CPU]
    assert (options.intra_op_num_threads, options.inter_op_num_threads) == (3, 1)
    (name, own), rest = provider_arguments(options, OPENVINO, 2)
    assert (name, own["num_of_threads"], rest) == (OPENVINO, "2", CPU)
    assert options.intra_op_num_threads == 2
    (name, own), rest = provider_arguments(options, XNNPACK, 4)
    assert (name, own, rest) == (XNNPACK, {"intra_op_num_threads": "4"}, CPU)
    assert options.intra_op_num_threads == 1
    assert options.get_session_config_entry("session.intra_op.allow_spinning") == "0"


def test_the_nodes_of_the_cpu_are_counted(tmp_path):
    """As many as the graph holds that onnxruntime makes of the model."""
    model = make_classifier()
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    options.optimized_model_filepath = str(tmp_path / "optimized.onnx")
    onnxruntime.InferenceSession(model.SerializeToString(), options, providers=[CPU])
    nodes = len(onnx.load(tmp_path / "optimized.onnx").graph.node)
    onnx.save(model, tmp_path / "model.onnx")
    for given in (model.SerializeToString(), str(tmp_path / "model.onnx")):
        counts = nodes_by_provider(given, INPUTS)
        assert counts == {CPU: nodes}
        check_nodes(counts, CPU)
        assert ran_elsewhere(counts, CPU) == ""


def test_a_node_in_a_loop_counts_once():
    counts = nodes_by_provider(make_loop().SerializeToString(), {"start": np.ones(1, np.float32)})
    assert 2 <= counts[CPU] <= 3  # Loop itself has no event in some releases


@pytest.mark.skipif(
    AZURE not in onnxruntime.get_available_providers(), reason="this onnxruntime has one provider"
)
def test_a_provider_that_runs_nothing_is_refused():
    """The one that sends nodes to a server takes none of a classifier."""
    counts = nodes_by_provider(make_classifier().SerializeToString(), INPUTS, AZURE)
    assert set(counts) == {CPU}
    with pytest.raises(UserError, match=rf"{AZURE} ran no node .* (\d+) of \1 nodes ran on {CPU}"):
        check_nodes(counts, AZURE)


@pytest.mark.filterwarnings("ignore:Specified provider")
def test_a_provider_that_is_not_loaded_is_refused():
    """onnxruntime warns, and makes a session without it."""
    model = make_classifier().SerializeToString()
    with pytest.raises(UserError, match=f"CUDAExecutionProvider: .* could not load .* {CPU}"):
        nodes_by_provider(model, INPUTS, "CUDAExecutionProvider")
    check_loaded(onnxruntime.InferenceSession(model, providers=[CPU]), CPU)


@pytest.mark.openvino
def test_a_provider_that_refuses_an_option_is_not_passed_over(tmp_path):
    """onnxruntime makes a session on the CPU, and a line in its log."""
    python = REPOSITORY / ".venv-openvino/bin/python"
    if not python.is_file():
        pytest.skip("no .venv-openvino; make openvino sets it up")
    onnx.save(make_classifier(), tmp_path / "model.onnx")
    results = [
        subprocess.run(
            [python, "-c", COUNT, tmp_path / "model.onnx", str(threads)],
            cwd=REPOSITORY / "workflow/scripts",
            capture_output=True,
            text=True,
        )
        for threads in (1, -5)
    ]
    if "make openvino" in results[0].stderr or "onnxruntime here has" in results[0].stderr:
        pytest.skip("there is no onnxruntime-openvino for this machine")
    assert "{'OpenVINOExecutionProvider': " in results[0].stdout
    assert f"{OPENVINO}: onnxruntime could not load it and would use {CPU}" in results[1].stderr


def test_a_part_that_falls_back_is_told():
    counts = {CPU: 2, OPENVINO: 29}
    check_nodes(counts, OPENVINO)
    assert ran_elsewhere(counts, OPENVINO) == f"2 of 31 nodes ran on {CPU}"
    assert ran_elsewhere({OPENVINO: 1}, OPENVINO) == ""


def test_a_failed_run_leaves_no_file_behind(monkeypatch, tmp_path):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    with pytest.raises(Exception, match="image"):
        nodes_by_provider(make_classifier().SerializeToString(), {"picture": INPUTS["image"]})
    assert list(tmp_path.iterdir()) == []
