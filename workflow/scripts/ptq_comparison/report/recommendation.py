"""The recipe to ship: why, and what it gives on the test images, which are used once."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import pandas as pd

from ptq_comparison.common.texts import plain_markdown
from ptq_comparison.evaluation.evaluate import Evaluation, of_quantized
from ptq_comparison.evaluation.metrics import SIGNIFICANCE, wilson_interval
from ptq_comparison.evaluation.results import Latency, LatencyRow, Saturation
from ptq_comparison.report.code_sections import Use, code_markdown, with_code
from ptq_comparison.report.columns import FRONT_PAGE, markdown_table, text_table
from ptq_comparison.report.comparison import (
    MORE_CAPTION,
    comparison_table,
    main_table,
    more_table,
)
from ptq_comparison.report.comparison_notes import disturbance_notes
from ptq_comparison.report.page import to_page
from ptq_comparison.report.verdict import describe_setting, headline_speeds, is_slower
from ptq_comparison.search.device_speeds import SpeedDevice
from ptq_comparison.search.selection_summary import RecipeValues

FILE_KEYS = ("path", "sha256", "bytes", "nodes", "opset")
TITLE = "Which recipe to ship"
TEST_HEADING = "On the test images"
FRONT_HEADING = "Not beaten by any other recipe, on the validation images"


class Recommendation(NamedTuple):
    """The contents of recommendation.json, .md and .html."""

    content: dict[str, Any]
    markdown: str
    html: str


def recommend(
    selection: dict[str, Any],
    evaluations: list[Evaluation],
    evaluation: Evaluation,
    latencies: Sequence[Latency],
    use: Use,
) -> Recommendation:
    """Write the recommendation of the selected recipe.

    `evaluations` are those of the compared models on the test images, float32 first; `evaluation`
    is that of the recommended model. `latencies` are none where speed is not measured.
    """
    speeds = all_speeds(latencies)
    content = recommendation(selection, evaluations[0], evaluation, speeds, use)
    table = comparison_table([*evaluations, evaluation], speeds)
    front = front_table(selection["pareto"], selection.get("device"))
    shown = (_about_file(content), content["reason"], content["warning"])
    rules = ("measure_latency", "time_recommended")
    disturbed = [
        note
        for latency, rule in zip(latencies, rules, strict=False)
        for note in disturbance_notes(latency, f"{rule} recommend")
    ]
    notes = [*disturbed, *filter(None, shown)]
    main = main_table(table)
    tables = {TEST_HEADING: main, FRONT_HEADING: front, MORE_CAPTION: more_table(table)}
    return Recommendation(
        content,
        to_markdown(content, main, front, disturbed),
        with_code(to_page(TITLE, content["summary"], tables, notes), content),
    )


def all_speeds(latencies: Sequence[Latency]) -> dict[str, LatencyRow]:
    """Return the rows of several latency.json for their first setting, by model."""
    return {name: row for latency in latencies for name, row in headline_speeds(latency).items()}


def recommendation(
    selection: dict[str, Any],
    fp32: Evaluation,
    evaluation: Evaluation,
    speeds: Mapping[str, LatencyRow],
    use: Use,
) -> dict[str, Any]:
    """Return the content of recommendation.json.

    `selection` is that of `describe_selection`, `fp32` and `evaluation` are those of the float32
    model and of the recommended one on the test images, `speeds` rows of latency.json by model.
    """
    accuracy, model, name = evaluation["accuracy"], evaluation["model"], selection["recipe"]
    baseline = of_quantized(evaluation["baseline"])
    provenance = of_quantized(evaluation["calibration"])["provenance"]
    agreeing = round(baseline["agreement"] * accuracy["total"])
    speed = speeds.get(model["name"])
    return {
        "recipe": name,
        "summary": f"Recommended: {name} {_result(fp32, evaluation, speed)}{_there(selection)}",
        "words": use.words,
        "reason": selection["reason"],
        "warning": _portability(of_quantized(evaluation["saturation"])),
        **({"device": selection["device"]} if "device" in selection else {}),
        "constraints": selection["constraints"],
        "recipes": selection["recipes"],
        "not_made": selection["not_made"],
        "tried": selection["tried"],
        "options": provenance,
        "validation": selection["validation"],
        "test": {
            **accuracy,
            "delta_pp": baseline["delta_pp"],
            "delta_ci95_pp": baseline["delta_ci95_pp"],
            "mcnemar_p": baseline["mcnemar_p"],
            "agreement": baseline["agreement"],
            "agreement_ci95": list(wilson_interval(agreeing, accuracy["total"])),
            "ties": evaluation["ties"],
            "bytes": model["bytes"],
            "size_ratio": model["bytes"] / fp32["model"]["bytes"],
            "speedup": speed and speed["speedup"],
            "speedup_ci95": speed and speed["speedup_ci95"],
            "speed_setting": speed and describe_setting(speed),
            "saturation": evaluation["saturation"],
        },
        "model": {k: v for k, v in model.items() if k in FILE_KEYS},
        "python": use.python,
        "quantize_static": use.quantize_static,
        "pinned": {
            "file": use.pinned_file,
            "yaml": use.pinned_yaml,
            "model": use.pinned.name,
            "notes": use.pinned.notes,
            "left_out": use.pinned.left_out,
        },
        "best": selection["best"],
        "not_worse": selection["not_worse"],
        "pareto": selection["pareto"],
        "runtime": evaluation["runtime"],
    }


def _result(fp32: Evaluation, evaluation: Evaluation, speed: LatencyRow | None) -> str:
    """Return what the model keeps, and at which size and speed, for the end of a sentence."""
    correct, fp32_correct = evaluation["accuracy"]["correct"], fp32["accuracy"]["correct"]
    baseline = of_quantized(evaluation["baseline"])
    if fp32_correct:
        keeps = f"keeps {100 * correct / fp32_correct:.1f} % of the float32 accuracy"
    else:
        keeps = f"gets {correct:,} images right, where float32 gets none"
    size = 100 * evaluation["model"]["bytes"] / fp32["model"]["bytes"]
    significant = "significant" if baseline["mcnemar_p"] < SIGNIFICANCE else "not significant"
    result = f"{keeps} ({baseline['delta_pp']:+.2f} pp, {significant}), at {size:.0f} % of the size"
    if speed:
        result += (
            f" and {speed['speedup']:.2f} times the speed on this machine "
            f"({describe_setting(speed)})"
        )
        if is_slower(speed):
            result += ", slower than float32"
    return f"{result}."


def _there(selection: Mapping[str, Any]) -> str:
    """Return the speed on the device that it was chosen for, as a sentence; "" for this machine."""
    device, values = selection.get("device"), selection["validation"]
    if device is None:
        return ""
    if values["speedup"] is None:
        return f" On {device['name']}, for which it was chosen, it was not measured."
    low, high = values["speedup_ci95_low"], values["speedup_ci95_high"]
    slower = ", slower than float32" if high < 1 else ""
    return (
        f" On {device['name']}, for which it was chosen: {values['speedup']:.2f} times the speed "
        f"({low:.2f} to {high:.2f}; {describe_setting(device)}){slower}."
    )


def _about_file(content: dict[str, Any]) -> str:
    model = content["model"]
    return (
        f"What it is: {content['words']}. File: {model['path']}, {model['bytes']:,} bytes, SHA-256 "
        f"{model['sha256']}."
    )


def _portability(saturation: Saturation) -> str | None:
    """Return what may go wrong on another CPU, which results of this one do not show."""
    if not saturation["saturating_operators"]:
        return None
    return (
        "Its signed 8-bit weights can saturate on x86-64 CPUs without VNNI. Before you ship it to "
        "such CPUs, run the comparison on one, or choose a recipe with reduce_range."
    )


def to_markdown(
    content: dict[str, Any], tested: pd.DataFrame, front: pd.DataFrame, notes: Sequence[str] = ()
) -> str:
    """Return the recommendation as Markdown; `tested` is that of `comparison.main_table`."""
    return (
        f"# {TITLE}\n\n{_paragraph(content['summary'])}{_paragraph(_about_file(content))}"
        f"{_paragraph(content['reason'])}"
        f"{_paragraph(content['warning'])}"
        f"## {TEST_HEADING}\n\n{markdown_table(tested)}\n\n{''.join(map(_paragraph, notes))}"
        f"## {FRONT_HEADING}\n\n{markdown_table(front)}\n\n{code_markdown(content)}"
    )


def _paragraph(text: str | None) -> str:
    return f"{plain_markdown(text)}\n\n" if text else ""


def front_table(pareto: Sequence[RecipeValues], device: SpeedDevice | None = None) -> pd.DataFrame:
    """Return the recipes of the Pareto front, as text; speeds are those of the device, if any."""
    table = text_table(pd.DataFrame(pareto), FRONT_PAGE)
    return table.rename(columns={"speed": f"speed on {device['name']}"}) if device else table
