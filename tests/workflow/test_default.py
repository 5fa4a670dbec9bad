"""The default: what a newcomer gets from the first command, with the bundled data and model."""

import json
import re
import time

import pytest
from helpers import REPOSITORY, run_snakemake
from helpers.shared_runs import copy_run

pytestmark = pytest.mark.slow  # 10,000 images; the tests of the report look at the same run


def test_default_reproduces_the_model_card(default_run):
    card = (REPOSITORY / "workflow/resources/resnet8_shapes.md").read_text()
    stated = re.search(r"\| test \|[^|]*\| ([0-9,]+) of 10,000", card).group(1)
    evaluation = json.loads((default_run / "results/fp32_eval.json").read_text())
    # Kernels of other CPUs round otherwise, which may move an image on the edge of two classes.
    assert evaluation["accuracy"]["correct"] == pytest.approx(int(stated.replace(",", "")), abs=5)
    assert evaluation["accuracy"]["total"] == 10_000
    assert evaluation["model"]["sha256"] in card


@pytest.mark.parametrize("dtype", ["int8", "uint8"])
def test_quantized_models_are_smaller_and_nearly_as_good(default_run, dtype):
    evaluation = json.loads((default_run / f"results/{dtype}_eval.json").read_text())
    assert evaluation["calibration"]["images"] == 512
    assert evaluation["model"]["bytes"] < 110_000
    assert evaluation["baseline"]["agreement"] > 0.97
    assert abs(evaluation["baseline"]["delta_pp"]) < 1


def test_default_is_called_synthetic(default_run):
    text = (default_run / "results/comparison.md").read_text()
    assert "synthetic" in text
    assert "do not compare with those of CIFAR-10" in text


def test_second_run_has_nothing_to_do(default_run, tmp_path):
    # The bundled model comes from Snakemake's cache of sources, whose path changes at every start.
    time.sleep(1)
    result = run_snakemake(copy_run(default_run, tmp_path / "run"), "all")
    assert result.returncode == 0
    assert "Nothing to be done" in result.stdout, result.stdout
