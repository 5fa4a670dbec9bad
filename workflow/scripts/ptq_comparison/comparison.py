"""All models in one table."""

import html
from typing import Any

import pandas as pd

TITLE = "What the model loses and gains in 8 bits"
STYLE = """
body { font: 14px sans-serif; margin: 1em; color: #222; }
h1 { font-size: 1.4em; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
th, td { padding: 0.4em 0.7em; border-bottom: 1px solid #ccc; text-align: right; }
td { white-space: nowrap; }
th { background: #f2f2f2; }
th:first-child, td:first-child { text-align: left; font-weight: bold; }
li { margin: 0.3em 0; }
"""


def comparison_table(evaluations: list[dict[str, Any]]) -> pd.DataFrame:
    """Return one row a model; the float32 model, the first, is what sizes are compared with.

    `top1`, `agreement`, `size_ratio` and `saturation_changed` are fractions, columns in `_pp`
    percentage points. What compares with the baseline is missing for the float32 model, and
    saturation where onnxruntime refuses the check.
    """
    rows = []
    for evaluation in evaluations:
        model, accuracy = evaluation["model"], evaluation["accuracy"]
        baseline = evaluation["baseline"] or {}
        saturation = evaluation["saturation"] or {}
        low, high = baseline.get("delta_ci95_pp", (None, None))
        rows.append(
            {
                "model": model["name"],
                "top1": accuracy["top1"],
                "correct": accuracy["correct"],
                "total": accuracy["total"],
                "delta_pp": baseline.get("delta_pp"),
                "delta_ci95_low_pp": low,
                "delta_ci95_high_pp": high,
                "agreement": baseline.get("agreement"),
                "mcnemar_p": baseline.get("mcnemar_p"),
                "bytes": model["bytes"],
                "size_ratio": model["bytes"] / evaluations[0]["model"]["bytes"],
                "nodes": model["nodes"],
                "saturation_changed": saturation.get("changed"),
                "saturation_pp": saturation.get("delta_pp"),
            }
        )
    return pd.DataFrame(rows)


def readable_table(table: pd.DataFrame) -> pd.DataFrame:
    """Return the same table as text for people: percent, intervals in one column."""

    def column(template: str, *names: str) -> list[str]:
        rows = table[list(names)].itertuples(index=False)
        return ["" if any(map(pd.isna, row)) else template.format(*row) for row in rows]

    return pd.DataFrame(
        {
            "model": table["model"],
            "top-1": column("{:.2%}", "top1"),
            "correct": column("{:,} of {:,}", "correct", "total"),
            "difference (pp)": column("{:+.2f}", "delta_pp"),
            "95 % interval (pp)": column(
                "{:+.2f} to {:+.2f}", "delta_ci95_low_pp", "delta_ci95_high_pp"
            ),
            "agreement": column("{:.2%}", "agreement"),
            "McNemar p": column("{:.3g}", "mcnemar_p"),
            "bytes": column("{:,}", "bytes"),
            "size": column("{:.0%}", "size_ratio"),
            "nodes": column("{}", "nodes"),
            "saturated": column("{:.2%} ({:+.2f} pp)", "saturation_changed", "saturation_pp"),
        }
    )


def saturation_warnings(evaluations: list[dict[str, Any]], threshold: float) -> list[str]:
    """Return a sentence for each model whose predictions the CPU changes by saturation, and for
    each that could not be checked; `threshold` is a share of predictions."""
    warnings = []
    for evaluation in evaluations:
        saturation = evaluation["saturation"] or {"checked": True, "changed": 0.0}
        name, runtime = evaluation["model"]["name"], evaluation["runtime"]
        if not saturation["checked"]:
            warnings.append(
                f"{name}: not checked for saturation, because onnxruntime refuses: "
                f"{saturation['refused']}"
            )
        elif saturation["changed"] > threshold:
            warnings.append(
                f"Warning: saturation in 16-bit sums changes {saturation['changed']:.2%} of the "
                f"predictions of {name} ({saturation['delta_pp']:+.2f} pp) on {runtime['cpu']}: "
                "set quantization.reduce_range, use unsigned weights (uint8), or run it on a CPU "
                "with VNNI."
            )
    return warnings


def describe_run(evaluations: list[dict[str, Any]], published_top1: float | None) -> list[str]:
    """Return sentences that tell what the figures were measured on, and how to read them."""
    fp32, dataset = evaluations[0]["accuracy"], evaluations[0]["dataset"]
    runtime = evaluations[0]["runtime"]
    low, high = fp32["ci95"]
    description = f" ({dataset['description']})" if dataset["description"] else ""
    notes = [
        f"Data: {dataset['images']:,} test images of {dataset['name']}{description}.",
        f"Baseline: the float32 model, measured in this run: {fp32['top1']:.2%} "
        f"(95 % Wilson interval {low:.2%} to {high:.2%}).",
    ]
    if published_top1 is not None:
        notes.append(
            f"Published baseline: {published_top1:.2%}; the measured one differs by "
            f"{100 * (fp32['top1'] - published_top1):+.2f} pp."
        )
    calibration = evaluations[-1]["calibration"]
    if calibration:
        notes.append(
            f"Calibration: {calibration['method']}, {calibration['images']:,} training images, "
            f"{calibration['per_class']} a class, seed {calibration['seed']}."
        )
    notes += [
        "Difference: top-1 of the model minus top-1 of float32 on the same images, in percentage "
        "points, with Tango's paired 95 % score interval; p of the exact McNemar test. An interval "
        "across 0 means that the images cannot tell the two apart.",
        "Agreement: share of images on which the model predicts the same class as float32.",
        "Saturated: share of predictions that change, and accuracy that is lost or won, because "
        "kernels for CPUs without VNNI add in 16 bits, which overflow.",
        f"Made with onnxruntime {runtime['onnxruntime']} on {runtime['cpu']} "
        f"({', '.join(runtime['isa'])}).",
    ]
    return notes


def to_markdown(readable: pd.DataFrame, notes: list[str]) -> str:
    """Return the readable table and the notes as Markdown."""
    alignment = ("left", *["right"] * (readable.shape[1] - 1))
    table = readable.to_markdown(index=False, disable_numparse=True, colalign=alignment)
    listed = "\n".join(f"- {note}" for note in notes)
    return f"# {TITLE}\n\n{table}\n\n{listed}\n"


def to_html(readable: pd.DataFrame, notes: list[str]) -> str:
    """Return the readable table and the notes as a page that loads nothing else."""
    table = readable.to_html(index=False, border=0)
    listed = "\n".join(f"<li>{html.escape(note)}</li>" for note in notes)
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f"<title>{TITLE}</title>\n"
        f"<style>{STYLE}</style>\n</head>\n<body>\n<h1>{TITLE}</h1>\n{table}\n"
        f"<ul>\n{listed}\n</ul>\n</body>\n</html>\n"
    )
