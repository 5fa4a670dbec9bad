"""The recipe to ship: why, and what it gives on the test images, which are used once."""

from typing import Any

import pandas as pd

from ptq_comparison.evaluation.metrics import wilson_interval
from ptq_comparison.report.tables import as_text, markdown_table
from ptq_comparison.report.verdict import verdict

TITLE = "Which recipe to ship"


def recommendation(
    selection: dict[str, Any],
    fp32: dict[str, Any],
    evaluation: dict[str, Any],
    speeds: dict[str, dict[str, Any]],
) -> dict[str, Any]:
    """Return the content of recommendation.json.

    `selection` is that of `describe_selection`, `fp32` and `evaluation` are those of the float32
    model and of the recommended one on the test images, `speeds` rows of latency.json by model.
    """
    accuracy, baseline, model = (evaluation[key] for key in ("accuracy", "baseline", "model"))
    speed = speeds.get(model["name"], {})
    agreeing = round(baseline["agreement"] * accuracy["total"])
    named = {**evaluation, "model": {**model, "name": selection["recipe"]}}
    renamed = {selection["recipe"]: speed} if speed else {}
    return {
        "recipe": selection["recipe"],
        "summary": f"Recommended: {verdict([fp32, named], renamed)}",
        "reason": selection["reason"],
        "warning": _portability(evaluation["calibration"]["provenance"]["quantization"]),
        "constraints": selection["constraints"],
        "recipes": selection["recipes"],
        "tried": selection["tried"],
        "options": evaluation["calibration"]["provenance"],
        "validation": selection["validation"],
        "test": {
            **accuracy,
            "delta_pp": baseline["delta_pp"],
            "delta_ci95_pp": baseline["delta_ci95_pp"],
            "mcnemar_p": baseline["mcnemar_p"],
            "agreement": baseline["agreement"],
            "agreement_ci95": list(wilson_interval(agreeing, accuracy["total"])),
            "bytes": model["bytes"],
            "size_ratio": model["bytes"] / fp32["model"]["bytes"],
            "speedup": speed.get("speedup"),
            "speedup_ci95": speed.get("speedup_ci95"),
            "saturation": evaluation["saturation"],
        },
        "model": {key: model[key] for key in ("path", "sha256", "nodes", "opset")},
        "not_worse": selection["not_worse"],
        "pareto": selection["pareto"],
        "runtime": evaluation["runtime"],
    }


def _portability(options: dict[str, Any]) -> str | None:
    """Return what may go wrong on another CPU: a figure of this one does not show it."""
    if options["weight_type"] == "QUInt8" or options["reduce_range"]:
        return None
    return (
        "Its signed 8-bit weights can saturate on x86-64 CPUs without VNNI. Before you ship it to "
        "such CPUs, run the comparison on one, or choose a recipe with reduce_range."
    )


def to_markdown(content: dict[str, Any], tested: pd.DataFrame, front: pd.DataFrame) -> str:
    """Return the recommendation as Markdown; `tested` is that of `comparison.readable_table`."""
    return (
        f"# {TITLE}\n\n{content['summary']}\n\n{content['reason']}\n\n"
        f"{_paragraph(content['warning'])}"
        f"## On the test images\n\n{markdown_table(tested)}\n\n"
        f"## Not beaten by any other recipe, on the validation images\n\n{markdown_table(front)}\n"
    )


def _paragraph(text: str | None) -> str:
    return f"{text}\n\n" if text else ""


def front_table(pareto: list[dict[str, Any]]) -> pd.DataFrame:
    """Return the recipes of the Pareto front, as text."""
    return as_text(
        pd.DataFrame(pareto),
        {
            "recipe": ("recipe", "{}"),
            "agreement": ("agreement", "{:.2%}"),
            "top-1": ("top1", "{:.2%}"),
            "difference (pp)": ("delta_pp", "{:+.2f}"),
            "bytes": ("bytes", "{:,.0f}"),
            "speed": ("speedup", "{:.2f}"),
        },
    )
