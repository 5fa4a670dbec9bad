"""The target `all`: the files that other tools read."""

import json
import re

import numpy as np
import onnx
import onnxruntime
import pandas as pd
import pytest
import yaml
from helpers import (
    CLASSES,
    RAW,
    REPOSITORY,
    make_classifier,
    make_images,
    overlay,
    run_snakemake,
)
from helpers.rules import figure_names
from helpers.shared_runs import copy_run
from helpers.snakemake_runs import run_in
from jsonschema import validate
from onnx import helper, numpy_helper
from PIL import Image
from ptq_comparison.common.files import sha256_file
from ptq_comparison.model.loading import load_model
from ptq_comparison.quantization.quantized_weights import stored_weights

MODELS = ("fp32", "int8", "uint8")
SCHEMA = yaml.safe_load((REPOSITORY / "workflow/schemas/evaluation.schema.yaml").read_text())


def read(folder, model):
    return json.loads((folder / f"results/{model}_eval.json").read_text())


@pytest.mark.parametrize("model", MODELS)
def test_evaluation_follows_the_schema(tiny_run, model):
    evaluation = read(tiny_run, model)
    validate(evaluation, SCHEMA)
    assert evaluation["model"]["path"] == f"results/models/{model}.onnx"
    assert evaluation["accuracy"]["total"] == 151
    assert evaluation["preprocessing"] == {**RAW, "channels": "RGB"}
    assert [row["class"] for row in evaluation["per_class"]] == list(CLASSES)
    assert np.sum(evaluation["confusion_matrix"]) == 151
    if model == "fp32":
        assert evaluation["baseline"] is None and evaluation["calibration"] is None
    else:
        expected = {"method": "MinMax", "images": 30, "per_class": 10, "seed": 42}
        calibration = dict(evaluation["calibration"])
        provenance = calibration.pop("provenance")
        assert calibration == expected
        folded = tiny_run / "results/models/preprocessed.onnx"
        assert provenance["model_sha256"] == sha256_file(folded)
        samples = tiny_run / "results/calibration/samples.npy"
        assert provenance["samples_sha256"] == sha256_file(samples)


@pytest.mark.parametrize("model", MODELS)
def test_figures_equal_a_plain_loop(tiny_run, model):
    session = onnxruntime.InferenceSession(tiny_run / f"results/models/{model}.onnx")
    images, labels = make_images(151, seed=2)
    predicted = np.array(
        [
            session.run(None, {"image": image[None].astype(np.float32)})[0].argmax()
            for image in images
        ]
    )
    with np.load(tiny_run / f"results/predictions/{model}.npz") as predictions:
        extra = {"digests"} if model == "fp32" else set()
        assert set(predictions) - {"exact"} == {"predicted", "scores", "labels", *extra}
        assert predictions["predicted"].dtype == predictions["labels"].dtype == np.int64
        assert predictions["scores"].dtype == np.float32
        assert predictions["scores"].shape == (151, 3)
        assert np.array_equal(predictions["predicted"], predicted)
        assert np.array_equal(predictions["labels"], labels)
    evaluation = read(tiny_run, model)
    assert evaluation["accuracy"]["correct"] == int((predicted == labels).sum()) > 80
    if model != "fp32":
        fp32 = read(tiny_run, "fp32")["accuracy"]
        assert evaluation["baseline"]["correct"] == fp32["correct"]
        difference = 100 * (evaluation["accuracy"]["top1"] - fp32["top1"])
        assert evaluation["baseline"]["delta_pp"] == pytest.approx(difference)


def test_comparison_has_a_row_a_model(tiny_run):
    table = pd.read_csv(tiny_run / "results/comparison.csv", index_col="model")
    assert tuple(table.index) == MODELS
    for model in MODELS:
        assert table.loc[model, "correct"] == read(tiny_run, model)["accuracy"]["correct"]
        assert table.loc[model, "bytes"] == read(tiny_run, model)["model"]["bytes"]
    assert table.loc["fp32", "integer_nodes"] == 0 and table.loc["uint8", "integer_nodes"] > 0


def test_the_verdict_closes_the_run(tiny_run):
    verdict = (tiny_run / "results/verdict.txt").read_text().splitlines()
    assert re.fullmatch(
        r"Ship u?int8: it keeps [\d.]+ % of the float32 accuracy \([-+][\d.]+ pp, "
        r"(not )?significant\) at \d+ % of the size\.",
        verdict[0],
    )
    markdown = (tiny_run / "results/comparison.md").read_text()
    assert all(sentence in markdown for sentence in verdict)
    output = (tiny_run / "output.txt").read_text()
    summary = (tiny_run / "results/summary.txt").read_text().rstrip()
    place = output.index(summary)
    assert output.index("steps (100%) done") < place < output.index("Next:")
    # After it Snakemake names its log, and says no more.
    assert output.splitlines()[-1].startswith("Complete log(s): ")
    assert len(output.splitlines()) <= 40
    assert max(map(len, summary.splitlines())) < 80


def test_a_target_needs_no_option(tiny, tiny_run, tmp_path):
    run = copy_run(tiny_run, tmp_path / "run")
    options = ("--directory", str(run), "--configfile", str(tiny / "config.yaml"))
    result = run_in(REPOSITORY, "results/uint8_eval.json", *options)
    assert result.returncode == 0 and "Nothing to be done" in result.stdout, result.stdout


def test_what_the_terminal_does_not_show_is_in_the_log(tiny_run):
    log = max((tiny_run / ".snakemake/log").glob("*.snakemake.log")).read_text()
    output = (tiny_run / "output.txt").read_text()
    for text in ("rule predict:", "reason: ", "Finished jobid: ", "Job stats:", "wildcards: "):
        assert text in log and text not in output


def test_calibration_images_are_those_of_the_list(tiny_run):
    rows = np.loadtxt(tiny_run / "results/calibration/samples.csv", int, delimiter=",", skiprows=1)
    images, labels = make_images(90, seed=1)
    assert np.array_equal(labels[rows[:, 0]], rows[:, 1])
    assert np.bincount(rows[:, 1]).tolist() == [10, 10, 10]
    stored = np.load(tiny_run / "results/calibration/samples.npy")
    assert np.array_equal(stored, images[rows[:, 0]])


@pytest.mark.parametrize(("dtype", "kind"), [("int8", "QInt8"), ("uint8", "QUInt8")])
def test_log_of_quantize_says_how(tiny_run, dtype, kind):
    log = (tiny_run / f"results/logs/quantize/{dtype}.log").read_text()
    assert "calibration: method MinMax, 30 images, 10 a class, seed 42" in log
    assert f"format QDQ, activations {kind}, weights {kind}" in log


def test_nothing_else_is_left(tiny_run):
    found = {path.name for path in (tiny_run / "results").iterdir()}
    assert found == {
        *(f"{model}_eval.json" for model in MODELS),
        *("comparison.csv", "comparison.md", "comparison.html", "comparison.tex"),
        *("landing.html", "summary.txt", "verdict.txt"),
        *(f"verification.{suffix}" for suffix in ("json", "md", "html", "xml")),
        *("diagnosis.json", "diagnosis.md"),
        *("dataset", "calibration", "models", "predictions", "figures", "logs", "benchmarks"),
    }
    assert {path.name for path in (tiny_run / "results/models").iterdir()} == {
        *(f"{model}.onnx" for model in MODELS),
        *(f"{model}.json" for model in MODELS if model != "fp32"),
        "preprocessed.onnx",
    }


def test_second_run_has_nothing_to_do(tiny, tiny_run, tmp_path):
    run = copy_run(tiny_run, tmp_path / "run")
    result = run_snakemake(run, "all", configfiles=(tiny / "config.yaml",))
    assert result.returncode == 0 and "Nothing to be done" in result.stdout


def test_a_changed_extra_dtype_reruns_this_model_alone(tiny, tiny_run, tmp_path):
    copy_run(tiny_run, tmp_path)
    types = {"activation_type": "QUInt8", "weight_type": "QInt8"}
    target = "results/models/own.onnx"
    for options in ({}, {"reduce_range": True}):
        extra = {"quantization": {"extra_dtypes": {"own": {**types, **options}}}}
        files = (tiny / "config.yaml", overlay(tmp_path / "o.yaml", extra))
        models = (target, "results/models/int8.onnx")
        result = run_snakemake(tmp_path, *models, configfiles=files)
        assert result.returncode == 0, result.stdout
    quantized = re.findall(r"output: (results/models/[^,\s]+)", result.stdout)
    assert quantized == [target]


@pytest.mark.parametrize(
    ("asked", "reason"),
    [(13, "as model.opset asks"), (None, "for quantization.per_channel with the format QDQ")],
)
def test_another_opset_on_demand_or_where_it_is_needed(tiny, tmp_path, asked, reason):
    model = make_classifier()
    model.opset_import[0].version = 12
    onnx.save(model, tmp_path / "model.onnx")
    config = {
        "model": {"source": "model.onnx", "opset": asked},
        "quantization": {"dtypes": ["int8"]},
    }
    files = (tiny / "config.yaml", overlay(tmp_path / "o.yaml", config))
    result = run_snakemake(tmp_path, "results/int8_eval.json", configfiles=files)
    assert result.returncode == 0, result.stdout
    assert f"model.onnx: converted from opset 12 to 13, {reason}" in result.stdout
    assert read(tmp_path, "int8")["model"]["opset"] == 13


def test_an_old_model_with_a_computed_weight(tiny, tmp_path):
    """IR version 3, whose initializers are inputs, the image the last one; w is transposed."""
    model = make_classifier()
    model.ir_version, model.opset_import[0].version = 3, 8
    (weight,) = model.graph.initializer
    turned = numpy_helper.to_array(weight).transpose(3, 2, 1, 0)
    weight.CopyFrom(numpy_helper.from_array(turned.copy(), "turned"))
    model.graph.input.insert(0, helper.make_tensor_value_info("turned", 1, turned.shape))
    model.graph.node.insert(0, helper.make_node("Transpose", ["turned"], ["w"]))
    onnx.save(model, tmp_path / "model.onnx")
    config = {"model": {"source": "model.onnx", "opset": 13}}
    files = (tiny / "config.yaml", overlay(tmp_path / "o.yaml", config))
    targets = [f"results/{name}_eval.json" for name in MODELS]
    result = run_snakemake(tmp_path, *targets, configfiles=files)
    assert result.returncode == 0, result.stdout
    (line,) = [x for x in result.stdout.splitlines() if x.startswith("model.onnx: ")]
    assert line == (
        "model.onnx: converted from opset 8 to 13, as model.opset asks; initializers are no longer "
        "inputs (1); the IR version 3 is now 4; weights that nodes compute from constants are "
        "stored (1); the baseline is the model with this change"
    )
    fp32 = load_model(tmp_path / "results/models/fp32.onnx")
    assert [i.name for i in fp32.graph.initializer] == ["w"]
    for name in ("int8", "uint8"):
        quantized = load_model(tmp_path / f"results/models/{name}.onnx")
        assert [weight.name for weight in stored_weights(quantized)] == ["w_quantized"]


def test_another_run_gives_the_same_bytes(tiny, tiny_run, tmp_path):
    # Other batches, since neither ranges nor predictions may depend on them: of seven images, and
    # of one, for which alone there is room.
    other = overlay(tmp_path / "o.yaml", {"calibration": {"batch_size": 7}, "memory_mb": 1})
    result = run_snakemake(tmp_path, "all", configfiles=(tiny / "config.yaml", other))
    assert result.returncode == 0, result.stdout
    names = [f"results/{model}_eval.json" for model in MODELS]
    names += ["results/calibration/ranges.json", "results/calibration/samples.csv"]
    names += ["results/models/int8.onnx", "results/models/uint8.onnx", "results/comparison.csv"]
    names += ["results/comparison.html", "results/verdict.txt", "results/verification.html"]
    names += [f"results/figures/{figure}.svg" for figure in figure_names()]
    names += ["results/calibration/activations.json"]
    assert [n for n in names if sha256_file(tmp_path / n) != sha256_file(tiny_run / n)] == []


def test_one_target_makes_only_what_it_needs(tiny, tmp_path):
    target = "results/uint8_eval.json"
    result = run_snakemake(tmp_path, target, configfiles=(tiny / "config.yaml",))
    assert result.returncode == 0, result.stdout
    found = {path.name for path in (tmp_path / "results/models").iterdir()}
    assert found == {"fp32.onnx", "preprocessed.onnx", "uint8.onnx", "uint8.json"}
    assert not (tmp_path / "results/comparison.csv").exists()
    assert "float32 accuracy" not in result.stdout  # a run of something else has no verdict


def test_all_options_of_quantization_run(tiny, tmp_path):
    options = {
        "quantization": {
            "dtypes": ["u8s8"],
            "per_channel": True,
            "reduce_range": True,
            "format": "QOperator",
            "preprocess": True,
            "nodes_to_exclude": ["pool"],
            "op_types_to_quantize": ["Conv", "GlobalAveragePool"],
            "extra_options": {"ActivationSymmetric": True},
            "extra_dtypes": {
                "own": {"activation_type": "QUInt8", "weight_type": "QInt8", "per_channel": False}
            },
        },
        "calibration": {"method": "Percentile", "percentile": 99.9, "num_bins": 256},
        "baseline": {"published_top1": 0.8719},
    }
    files = (tiny / "config.yaml", overlay(tmp_path / "o.yaml", options))
    result = run_snakemake(tmp_path, "all", configfiles=files)
    assert result.returncode == 0, result.stdout
    evaluation = read(tmp_path, "u8s8")
    assert evaluation["model"]["operators"]["QLinearConv"] == 1
    # The grids of this model, which are symmetric: 0 is the level in the middle.
    activations = json.loads((tmp_path / "results/calibration/activations.json").read_text())
    assert {row["tensor"]: row["zero_level"] for row in activations} == {"nchw": 128, "c": 128}
    assert "QLinearGlobalAveragePool" not in evaluation["model"]["operators"]
    assert not (tmp_path / "results/int8_eval.json").exists()
    provenance = read(tmp_path, "own")["calibration"]["provenance"]
    assert provenance["options"] == {
        "percentile": 99.9,
        "num_bins": 256,
        "samples_per_class": 10,
    }
    assert provenance["quantization"]["per_channel"] is False
    assert "Published baseline: 87.19%" in (tmp_path / "results/comparison.md").read_text()


def test_nchw_model_with_a_fixed_batch_on_an_image_folder(tmp_path):
    """Other layout, batch, data set and preprocessing: the same accuracy as a plain script."""
    onnx.save(make_classifier("NCHW", batch=4), tmp_path / "model.onnx")
    for split, count in (("train", 30), ("test", 31)):
        for number, (image, label) in enumerate(zip(*make_images(count, seed=count), strict=True)):
            # Classes are sorted by name, which must give the order of the model's outputs.
            path = tmp_path / "images" / split / f"{label}_{CLASSES[label]}" / f"{number:03}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(image).save(path)
    mean, std = [2.0, 0.0, 1.0], [1.0, 1.02, 0.99]
    config = {
        "dataset": {"name": "image_folder", "path": "images"},
        "model": {"source": "model.onnx", "mean": mean, "std": std},
        "calibration": {"samples_per_class": 4},
        "quantization": {"dtypes": ["int8"]},
    }
    config_file = overlay(tmp_path / "config" / "config.yaml", config)
    assert config_file.is_file()  # found by itself: the working folder's own config
    result = run_snakemake(tmp_path, "results/fp32_eval.json")
    assert result.returncode == 0, result.stdout

    session = onnxruntime.InferenceSession(tmp_path / "model.onnx")
    images, labels = make_images(31, seed=31)
    order = np.argsort(labels, kind="stable")  # class by class, as the folders are read
    scores = []
    for image in images[order]:
        inputs = (image.astype(np.float32) - np.float32(mean)) / np.float32(std)
        batch = np.repeat(inputs.transpose(2, 0, 1)[None], 4, axis=0)
        scores.append(session.run(None, {"image": batch})[0][0])
    with np.load(tmp_path / "results/predictions/fp32.npz") as predictions:
        assert np.allclose(predictions["scores"], scores, atol=1e-5)
    correct = int((np.argmax(scores, axis=1) == labels[order]).sum())
    assert read(tmp_path, "fp32")["accuracy"]["correct"] == correct
