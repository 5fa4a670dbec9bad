"""The saturation check, on the CPU at hand and on one without VNNI."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import pytest
from archspec.cpu.detect import detected_info
from helpers import RAW, REPOSITORY, make_images
from onnx import helper, numpy_helper
from ptq_comparison.calibration.calibrate import calibrate, write_ranges
from ptq_comparison.config.schemes import DTYPES
from ptq_comparison.evaluation import saturation
from ptq_comparison.evaluation.saturation import EXACT_KERNELS, FITTING_WEIGHTS, predict_exactly
from ptq_comparison.inference.batches import Batches
from ptq_comparison.inference.session import make_session, predict_scores
from ptq_comparison.quantization.quantize import quantize
from tqdm import tqdm

FEATURES = detected_info().features
VNNI = bool({"avx512_vnni", "avx_vnni"} & set(FEATURES))
X86 = "sse2" in FEATURES
IMAGES, _ = make_images(60, seed=6)


def make_saturating_classifier():
    """Return a classifier whose sums of two products of 8-bit numbers do not fit into 16 bits.

    On bright pixels the score of class 0 is well above that of class 1, which is small. Two of its
    positive products, 2 * 255 * 127, saturate at about half; two negative ones, 2 * 255 * -76, lose
    little: what is left of it is below 0.
    """
    column = np.repeat(np.tile([1.0, -0.6], 12), 8)
    weights = np.stack([column, 0 * column + 0.02, 0 * column], axis=1)
    nodes = [
        helper.make_node("Flatten", ["image"], ["f"], name="flatten"),
        helper.make_node("MatMul", ["f", "w"], ["scores"], name="dense"),
    ]
    float32 = onnx.TensorProto.FLOAT
    graph = helper.make_graph(
        nodes,
        "saturating",
        [helper.make_tensor_value_info("image", float32, ["batch", 8, 8, 3])],
        [helper.make_tensor_value_info("scores", float32, ["batch", 3])],
        [numpy_helper.from_array(weights.astype(np.float32), "w")],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)


BRIGHT = (255 - IMAGES // 16).astype(np.uint8)


def make(folder, model, images, dtype, reduce_range=False, format="QDQ"):
    activation_type, weight_type = DTYPES[dtype]
    batches = Batches.of(images, model, RAW, 10)
    ranges = calibrate(model, batches, "MinMax", {}, tqdm(disable=True))
    write_ranges(folder / "ranges.json", ranges, {})
    quantize(
        model,
        folder / "ranges.json",
        folder / f"{dtype}.onnx",
        folder / f"{dtype}.json",
        {"method": "MinMax"},
        batches,
        activation_type=activation_type,
        weight_type=weight_type,
        per_channel=False,
        reduce_range=reduce_range,
        format=format,
        nodes_to_exclude=[],
        op_types_to_quantize=[],
        extra_options={},
    )
    return folder / f"{dtype}.onnx"


def check(path):
    """Return the check, and the share of predictions that saturation changes, if it was checked."""
    model = onnx.load(path)
    batches = Batches.of(BRIGHT, model, RAW, 10)
    progress = tqdm(disable=True)
    predicted = predict_scores(make_session(model, 1), batches, 3, progress).argmax(axis=1)
    result, exact = predict_exactly(model, batches, 3, 1, progress)
    return result, None if exact is None else float(np.mean(predicted != exact))


CASES = [("u8s8", False, True), ("u8s8", True, False), ("uint8", False, False)]


@pytest.mark.parametrize(("dtype", "reduce_range", "saturates"), CASES)
def test_on_this_cpu(tmp_path, dtype, reduce_range, saturates):
    path = make(tmp_path, make_saturating_classifier(), BRIGHT, dtype, reduce_range)
    result, changed = check(path)
    operators = ["MatMul 'dense'"] if saturates else []
    assert result["refused"] is None and result["saturating_operators"] == operators
    if saturates and X86 and not VNNI:
        assert (result["checked"], result["cannot"], changed) == (True, None, 1.0)
    else:
        expected = EXACT_KERNELS if saturates else FITTING_WEIGHTS
        assert (result["checked"], result["cannot"], changed) == (False, expected, None)


def test_kernels_that_may_saturate_are_checked(tmp_path, monkeypatch):
    """As it would go on elsewhere, where this CPU has kernels that do not."""
    path = make(tmp_path, make_saturating_classifier(), BRIGHT, "u8s8")
    monkeypatch.setattr(saturation, "kernels_saturate", lambda: True)
    result, changed = check(path)
    assert result["checked"] and result["cannot"] is None
    assert changed == float(X86 and not VNNI)


@pytest.mark.valgrind
@pytest.mark.skipif(not (X86 and shutil.which("valgrind")), reason="needs valgrind on x86-64")
@pytest.mark.parametrize(("dtype", "reduce_range", "saturates"), CASES)
def test_on_a_cpu_without_vnni(tmp_path, dtype, reduce_range, saturates):
    """valgrind runs the program on a CPU that it emulates, with AVX2 and no AVX-512."""
    path = make(tmp_path, make_saturating_classifier(), BRIGHT, dtype, reduce_range)
    script = f"import json, test_saturation as t; print(json.dumps(t.check({str(path)!r})))"
    paths = [Path(__file__).parent, REPOSITORY / "tests", REPOSITORY / "workflow/scripts"]
    output = subprocess.run(
        ["valgrind", "--quiet", "--tool=none", sys.executable, "-c", script],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(map(str, paths))},
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    result, changed = json.loads(output)
    assert (result["checked"], changed) == ((True, 1.0) if saturates else (False, None))


def test_signed_activations_of_integer_operators_do_not_saturate(tmp_path):
    result, changed = check(
        make(tmp_path, make_saturating_classifier(), BRIGHT, "int8", format="QOperator")
    )
    assert (result["cannot"], result["saturating_operators"]) == (FITTING_WEIGHTS, [])
    assert changed is None


def test_a_model_that_onnxruntime_refuses_is_told(tmp_path, monkeypatch):
    def refuse(model, threads):
        raise RuntimeError("No kernel for\n QLinearMatMul. A long page follows. And more")

    path = make(tmp_path, make_saturating_classifier(), BRIGHT, "u8s8")
    monkeypatch.setattr(saturation, "kernels_saturate", lambda: True)
    monkeypatch.setattr(saturation, "make_exact_session", refuse)
    result, changed = check(path)
    assert (result["checked"], result["cannot"], changed) == (False, None, None)
    assert result["refused"] == "No kernel for QLinearMatMul"
