"""Classifiers with one score, with several outputs, and with outputs for more than the images show.

Each runs through the whole workflow, and a plain loop over the images tells what is right.
"""

import json
import re

import numpy as np
import onnx
import onnxruntime
import pandas as pd
import pytest
import yaml
from helpers import REPOSITORY, make_from_nodes, overlay, run_snakemake
from jsonschema import validate
from onnx import TensorProto, helper
from scipy.stats import mannwhitneyu

SCHEMA = yaml.safe_load((REPOSITORY / "workflow/schemas/evaluation.schema.yaml").read_text())
SIDE = 8
MODELS = ("fp32", "int8")
TARGETS = (
    "results/comparison.md",
    "results/verification.json",
    *(f"results/figures/{name}.svg" for name in ("classes", "confusion", "examples")),
)


def make_images(prototypes, labels, generator):
    noise = generator.normal(scale=30, size=(len(labels), SIDE, SIDE, 3))
    return np.clip(prototypes[labels] + noise, 0, 255).astype(np.uint8)


def write_run(folder, make, classes, present, contrast=6, train=300, test=200, **settings):
    """Write model and data of a run, and return its configuration.

    The images are noise around a pattern for each of the classes `present`, which the weights of
    the first layer, (pixels, classes), tell apart, the better the more `contrast` they have.
    """
    generator = np.random.default_rng(4)
    prototypes = generator.uniform(125 - contrast, 125 + contrast, (classes, SIDE, SIDE, 3))
    weights = (prototypes - 125).transpose(0, 3, 1, 2).reshape(classes, -1)
    arrays = {}
    for split, count in (("train", train), ("test", test)):
        labels = np.array(present)[np.arange(count) % len(present)]
        arrays[f"{split}_images"] = make_images(prototypes, labels, generator)
        arrays[f"{split}_labels"] = labels
    names = np.array([f"class {number}" for number in range(classes)])
    np.savez(folder / "data.npz", class_names=names, **arrays)
    onnx.save(make(weights.T / (50 * contrast**2)), folder / "model.onnx")
    own = {
        "dataset": {"name": "npz", "path": str(folder / "data.npz")},
        "model": {"source": str(folder / "model.onnx"), "mean": 125, **settings.pop("model", {})},
        "calibration": {"samples": 60},
        "latency": {"measure": False},
        "acceptance": {"min_size_reduction": None},  # the model is tiny
        "quantization": {"dtypes": ["int8"], **settings.pop("quantization", {})},
        **settings,
    }
    return arrays, overlay(folder / "config.yaml", own)


def network(*end, output=("batch", "classes"), **constants):
    """Return a function from the weights to a model of a product, and nodes behind its logits."""

    def make(weights):
        nodes = [
            helper.make_node("Flatten", ["image"], ["flat"], "flatten"),
            helper.make_node("MatMul", ["flat", "w"], ["logits"], "product"),
            *end,
        ]
        last = end[-1].output[0] if end else "logits"
        model = make_from_nodes(nodes, {"w": weights, **constants}, output, SIDE)
        model.graph.output[0].name = last
        return model

    return make


def difference(weights):
    """Return one column of weights, the logit of the second of two classes."""
    return 4 * (weights[:, 1:] - weights[:, :1])


def sigmoid(weights):
    end = [
        helper.make_node("Sigmoid", ["logits"], ["p"], "sigmoid"),
        helper.make_node("Squeeze", ["p"], ["squeezed"], "squeeze"),
    ]
    return network(*end, output=("batch",))(difference(weights))


def logit(weights):
    return network(output=("batch", 1))(difference(weights))


def answers(folder, name, images):
    """Return what a model gives for images of the preprocessing of `write_run`, one at a time."""
    session = onnxruntime.InferenceSession(folder / f"results/models/{name}.onnx")
    pixels = (images.transpose(0, 3, 1, 2).astype(np.float32) - 125)[:, np.newaxis]
    return np.array([session.run(None, {"image": image})[0].ravel() for image in pixels])


def read(folder, name):
    evaluation = json.loads((folder / f"results/{name}_eval.json").read_text())
    validate(evaluation, SCHEMA)
    return evaluation


def run(folder, config, *targets):
    result = run_snakemake(folder, *targets, configfiles=(config,))
    assert result.returncode == 0, result.stdout
    return result


@pytest.mark.parametrize(
    ("make", "format"),
    [(sigmoid, "QDQ"), pytest.param(logit, "QOperator", marks=pytest.mark.slow)],
)
def test_one_score_tells_two_classes_apart(tmp_path, make, format):
    arrays, config = write_run(tmp_path, make, 2, [0, 1], quantization={"format": format})
    run(tmp_path, config, *TARGETS)
    images, labels = arrays["test_images"], arrays["test_labels"]
    for name in MODELS:
        given = answers(tmp_path, name, images)[:, 0]
        predicted = given > (0.5 if make is sigmoid else 0)
        evaluation = read(tmp_path, name)
        assert evaluation["accuracy"]["correct"] == int((predicted == labels).sum()) > 120
        two, hits = evaluation["two_classes"], int((predicted & (labels == 1)).sum())
        assert two["positive"] == "class 1"
        assert two["precision"] == pytest.approx(hits / predicted.sum())
        assert two["recall"] == pytest.approx(hits / (labels == 1).sum())
        u = mannwhitneyu(given[labels == 1], given[labels == 0]).statistic
        assert two["auc"] == pytest.approx(u / (labels == 1).sum() / (labels == 0).sum(), abs=1e-6)
        with np.load(tmp_path / f"results/predictions/{name}.npz") as stored:
            second = given if make is sigmoid else 1 / (1 + np.exp(-given.astype(float)))
            assert np.allclose(stored["scores"], np.transpose([1 - second, second]), atol=1e-6)
    text = (tmp_path / "results/comparison.md").read_text()
    (header,) = [line for line in text.splitlines() if line.startswith("| model")]
    assert " F1 |" in header and " AUC |" in header and "top-5" not in header
    requirements = json.loads((tmp_path / "results/verification.json").read_text())
    assert all(requirement["passed"] for requirement in requirements)


@pytest.mark.slow
def test_recipes_of_one_score_are_compared_by_both_classes(tmp_path):
    """As one column of scores, every model would agree with every other."""
    recipes = tmp_path / "recipes.yaml"
    recipes.write_text(yaml.safe_dump({"recipes": {"int8": {"dtype": "int8"}}}))
    _, config = write_run(
        tmp_path, logit, 2, [0, 1],
        sweep={"recipes": str(recipes)}, sensitivity={"recipe": "int8"},
    )  # fmt: skip
    run(tmp_path, config, "results/sweep.csv", "results/sensitivity.csv")
    table = pd.read_csv(tmp_path / "results/sweep.csv", index_col="recipe")
    predictions = tmp_path / "results/sweep/predictions"
    with np.load(predictions / "int8.npz") as own, np.load(predictions / "fp32.npz") as fp32:
        assert own["scores"].shape[1] == 2
        agreement = (own["predicted"] == fp32["predicted"]).mean()
        right = (own["predicted"] == own["labels"]).mean()
    assert table.loc["int8", "agreement"] == pytest.approx(agreement)
    assert table.loc["int8", "top1"] == pytest.approx(right) and 0.5 < right < 1
    sensitivity = pd.read_csv(tmp_path / "results/sensitivity.csv")
    assert (sensitivity["kl_divergence"] > 0).any()


def two_outputs(weights):
    """Return the logits as the second output, behind hidden values that nothing else needs."""
    model = network(
        helper.make_node("MatMul", ["flat", "v"], ["hidden"], "hidden_product"),
        v=np.ones((SIDE * SIDE * 3, 5)),
    )(weights)
    logits = helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["batch", weights.shape[1]])
    model.graph.output.append(logits)
    return model


def test_one_of_several_outputs_is_named(tmp_path):
    _, config = write_run(tmp_path, two_outputs, 3, [0, 1, 2])
    result = run_snakemake(tmp_path, "results/comparison.md", configfiles=(config,))
    assert result.returncode == 1
    assert (
        "model.output: is not set, and the model has 2 outputs: 'hidden' (?, ?), 'logits' (?, 3); "
        "set it to the one that holds the scores of the classes"
    ) in result.stdout

    _, config = write_run(tmp_path, two_outputs, 3, [0, 1, 2], model={"output": "scores"})
    result = run_snakemake(tmp_path, "results/comparison.md", configfiles=(config,))
    assert "the model has no output 'scores'; it has 'hidden' (?, ?), 'logits' " in result.stdout

    arrays, config = write_run(tmp_path, two_outputs, 3, [0, 1, 2], model={"output": "logits"})
    result = run(tmp_path, config, "results/comparison.md")
    for name in MODELS:
        model = onnx.load(tmp_path / f"results/models/{name}.onnx")
        assert [output.name for output in model.graph.output] == ["logits"]
        assert "hidden_product" not in {node.name for node in model.graph.node}
        predicted = answers(tmp_path, name, arrays["test_images"]).argmax(axis=1)
        correct = int((predicted == arrays["test_labels"]).sum())
        assert read(tmp_path, name)["accuracy"]["correct"] == correct > 100
    notes = (tmp_path / "results/comparison.md").read_text()
    assert "cut to the output 'logits' of 2, as model.output asks" in notes


def convolution(weights):
    """Return a model of scores of shape (batch, classes, 1, 1)."""
    kernels = weights.T.reshape(-1, 3, SIDE, SIDE)
    nodes = [helper.make_node("Conv", ["image", "w"], ["scores"], "conv")]
    return make_from_nodes(nodes, {"w": kernels}, ("batch", len(kernels), 1, 1), SIDE)


def test_images_of_ten_classes_for_a_model_of_a_thousand(tmp_path):
    present = list(range(50, 1000, 95))
    arrays, config = write_run(tmp_path, convolution, 1000, present, contrast=18, train=1000)
    run(tmp_path, config, *TARGETS)
    images, labels = arrays["test_images"], arrays["test_labels"]
    for name in MODELS:
        scores = answers(tmp_path, name, images)
        evaluation = read(tmp_path, name)
        predicted = scores.argmax(axis=1)
        correct = int((predicted == labels).sum())
        assert evaluation["accuracy"]["correct"] == correct > 100
        among = np.array(present)[scores[:, present].argmax(axis=1)]
        some = evaluation["present_classes"]
        assert (some["classes"], some["outputs"]) == (10, 1000)
        assert some["correct"] == int((among == labels).sum()) > correct
        order = np.argsort(-scores, axis=1, kind="stable")[:, :5]
        assert evaluation["top5"]["correct"] == int((order == labels[:, None]).sum()) >= correct
        tied = sum(row[order[n, 0]] == row[order[n, 1]] for n, row in enumerate(scores))
        assert evaluation["ties"] == {"images": tied, "share": tied / len(labels)}
        assert [row["class"] for row in evaluation["per_class"]] == [f"class {n}" for n in present]
        matrix = np.array(evaluation["confusion_matrix"])
        assert matrix.shape == (10, 11) and matrix.sum() == len(labels)
        assert matrix[:, 10].sum() == (~np.isin(predicted, present)).sum() > 0
        assert evaluation["baseline"] is None or evaluation["top5"]["delta_pp"] is not None
    text = (tmp_path / "results/comparison.md").read_text()
    assert re.search(r"\| +top-5 \| +top-1 of present \|", text)
    assert "of 10 of the 1,000 classes" in text
    # The shape of the scores is that of the model as it was given.
    output = onnx.load(tmp_path / "results/models/int8.onnx").graph.output[0]
    assert [d.dim_value for d in output.type.tensor_type.shape.dim][1:] == [1000, 1, 1]
