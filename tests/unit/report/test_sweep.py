"""The table of all recipes, what it says, and its figure."""

import numpy as np
import pytest
from helpers.layout import check_layout
from helpers.sweeps import FREE
from ptq_comparison.common.errors import UserError
from ptq_comparison.evaluation.evaluate import evaluate_recipe
from ptq_comparison.report.columns import csv_text, markdown_table
from ptq_comparison.report.figures.sweep import plot_sweep
from ptq_comparison.report.sweep import (
    describe_sweep,
    made_recipes,
    more_of_sweep,
    read_sweep,
    readable_sweep,
    reasons_not_made,
    sweep_table,
)

LABELS = np.arange(600) % 4
NOTE = "Validation images are of the training split."


def make_scores(wrong, seed):
    """Softmax scores that name the label, but for the first `wrong` images."""
    answers = np.where(np.arange(len(LABELS)) < wrong, (LABELS + 1) % 4, LABELS)
    logits = (
        5.0 * np.eye(4)[answers] + np.random.default_rng(seed).normal(size=(len(LABELS), 4)) / 9
    )
    exponentials = np.exp(logits)
    return (exponentials / exponentials.sum(axis=1, keepdims=True)).astype(np.float32)


FP32 = make_scores(60, seed=0)
# Images that each recipe gets wrong, of which float32 gets 60 wrong as well; speed.
RECIPES = {"slow": (63, 0.5), "fast": (66, 1.5), "poor": (150, 1.5)}


def make_evaluations():
    return [
        {
            "recipe": name,
            "model": {"bytes": 100_000 + wrong, "nodes": 20},
            "validation": evaluate_recipe(make_scores(wrong, seed=1), FP32, LABELS),
            "provenance": {
                "quantization": {
                    "activation_type": "QUInt8",
                    "weight_type": "QInt8" if name == "fast" else "QUInt8",
                    "format": "QOperator" if name == "poor" else "QDQ",
                }
            },
        }
        for name, (wrong, _) in RECIPES.items()
    ]


def make_latencies():
    return [
        {"images_per_second": 1000 * speed, "speedup": speed, "speedup_ci95": [speed, speed]}
        for _, speed in RECIPES.values()
    ]


def test_a_recipe_is_compared_with_float32_on_the_same_images():
    evaluation = evaluate_recipe(make_scores(66, seed=1), FP32, LABELS)
    assert evaluation["correct"] == 534
    assert evaluation["agreement"] == pytest.approx(594 / 600)
    assert evaluation["delta_pp"] == pytest.approx(-1.0)
    assert (evaluation["fixed"], evaluation["broken"]) == (0, 6)
    low, high = evaluation["agreement_ci95"]
    assert low < evaluation["agreement"] < high
    assert evaluation["kl_divergence"] > 0
    assert evaluate_recipe(FP32, FP32, LABELS)["kl_divergence"] == pytest.approx(0)


def test_the_best_recipe_comes_first_and_the_best_of_the_faster_ones_is_named():
    table = sweep_table(make_evaluations(), make_latencies())
    assert list(table["recipe"]) == ["slow", "fast", "poor"]
    lead = describe_sweep(table, NOTE)[0]
    assert lead == (
        "Of 3 recipes slow agrees with float32 most often: on 99.50% of 600 validation images at "
        "0.50 times the speed; of the faster ones, fast: 99.00% at 1.50 times the speed."
    )
    readable = readable_sweep(table)
    assert [cell.split()[0] for cell in readable["agreement"]] == ["99.50%", "99.00%", "85.00%"]
    assert [cell.split()[0] for cell in readable["speed"]] == ["0.50", "1.50", "1.50"]


def test_ties_of_a_recipe_are_in_the_table_with_a_note():
    coarse = np.round(make_scores(63, seed=1), 1)
    twice = (np.sort(coarse)[:, -1] == np.sort(coarse)[:, -2]).sum()
    coarse[:9] = 0.5
    evaluations = make_evaluations()
    evaluations[0]["validation"] = evaluate_recipe(coarse, FP32, LABELS)
    assert evaluations[0]["validation"]["ties"] == {"images": twice + 9, "share": 0.015}
    table = sweep_table(evaluations, [])
    assert table.set_index("recipe").loc["slow", "ties"] == 0.015
    assert sorted(more_of_sweep(table)["ties"]) == ["0.00%", "0.00%", "1.50%"]
    assert "Ties: share of images whose highest score" in describe_sweep(table, NOTE)[-1]


def test_without_speed_there_is_none_in_the_table():
    table = sweep_table(make_evaluations(), [])
    assert "speed" not in describe_sweep(table, NOTE)[0]
    assert "speed" not in readable_sweep(table).columns


def test_recipes_keep_their_names_in_csv(tmp_path):
    """pandas takes NA and its like for no value, and 007 for a number."""
    names = ["NA", "None", "null", "nan", "007", "1e5"]
    evaluations = [{**make_evaluations()[0], "recipe": name} for name in names]
    for some in (evaluations, evaluations[4:]):
        table = sweep_table(some, [])
        (tmp_path / "sweep.csv").write_text(csv_text(table))
        found = read_sweep(tmp_path / "sweep.csv")
        assert found["recipe"].tolist() == table["recipe"].tolist()
        assert found["speedup"].isna().all()


def test_a_reason_is_no_formula_and_no_column_of_a_table(tmp_path):
    reason = "=cmd|' /C calc'!A0 <b>"
    table = sweep_table(make_evaluations(), [], {"lost": reason})
    (tmp_path / "sweep.csv").write_text(csv_text(table))
    assert csv_text(table).splitlines()[-1].endswith(f",'{reason}")
    assert reasons_not_made(read_sweep(tmp_path / "sweep.csv")) == {"lost": reason}
    assert r"=cmd\|' /C calc'!A0 \<b>" in markdown_table(readable_sweep(table)).splitlines()[-1]


def test_recipes_that_could_not_be_made_come_last_without_figures(tmp_path, monkeypatch):
    latencies = [None, *make_latencies()[1:]]  # its twin could not be made
    table = sweep_table(
        make_evaluations(), latencies, {"lost": "no kernel, for 8 bits; exclude it"}
    )
    table.to_csv(tmp_path / "sweep.csv", index=False)
    found = read_sweep(tmp_path / "sweep.csv")
    assert found["recipe"].tolist() == ["slow", "fast", "poor", "lost"]
    assert found["reason"].tolist() == ["", "", "", "no kernel, for 8 bits; exclude it"]
    assert reasons_not_made(found) == {"lost": "no kernel, for 8 bits; exclude it"}
    made = made_recipes(found)
    assert made["correct"].tolist() == made_recipes(table)["correct"].tolist() == [537, 534, 450]
    assert made["correct"].dtype == int and np.isnan(made["speedup"].iloc[0])
    lead, note, second, *_ = describe_sweep(found, NOTE)
    assert note == NOTE
    assert lead == (
        "Of 3 recipes that could be made, slow agrees with float32 most often: on 99.50% of 600 "
        "validation images."
    )
    assert second.startswith("1 of 4 recipes could not be made: lost (no kernel")
    assert more_of_sweep(found)["correct"].tolist() == [
        "537 of 600", "534 of 600", "450 of 600",
    ]  # fmt: skip
    readable = readable_sweep(found)
    assert readable["bytes"].tolist() == ["100,063", "100,066", "100,150", ""]
    assert readable["not made"].tolist()[-1].startswith("no kernel")
    check_layout(plot_sweep(found, FREE), "sweep", monkeypatch)


def test_where_nothing_could_be_made_the_first_reason_is_told():
    with pytest.raises(UserError, match=r"none of 2 recipes could be made; a: no kernel$"):
        sweep_table([], [], {"a": "no kernel", "b": "too wide"})
