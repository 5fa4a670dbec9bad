"""The notes below the table of all models: warnings, and how to read the values."""

from collections.abc import Mapping
from typing import Any

from ptq_comparison.common.texts import shown_names
from ptq_comparison.config.schemes import REFERENCES
from ptq_comparison.evaluation.disturbance import is_disturbed
from ptq_comparison.evaluation.evaluate import Evaluation
from ptq_comparison.evaluation.results import Latency, LatencyRow
from ptq_comparison.report.cells import MARK
from ptq_comparison.report.columns import (
    COMPARISON_MAIN,
    COMPARISON_MORE,
    OPTIONAL,
    column_notes,
    make_table,
    shown_columns,
)
from ptq_comparison.report.references import candidates
from ptq_comparison.report.verdict import describe_setting


def saturation_warnings(evaluations: list[Evaluation], threshold: float) -> list[str]:
    """Return a sentence for each model whose predictions the CPU changes by saturation, for each
    that could not be checked, and for each that may saturate on other CPUs.

    `threshold` is a share of predictions.
    """
    warnings = []
    for evaluation in evaluations:
        saturation = evaluation["saturation"]
        name, runtime = evaluation["model"]["name"], evaluation["runtime"]
        if saturation is None:  # float32 or float16
            continue
        if saturation["changed"] is None:
            warnings.append(
                f"{name}: not checked for saturation, because onnxruntime refuses: "
                f"{saturation['refused']}"
            )
        elif saturation["changed"] > threshold:
            warnings.append(saturation_warning(name, saturation, runtime["cpu"]))
        elif saturation["cannot"] and saturation["saturating_operators"]:
            count = len(saturation["saturating_operators"])
            warnings.append(
                f"{name} may lose accuracy on x86-64 CPUs without VNNI: by their weights, {count} "
                "of its operators may saturate there. On this CPU they cannot."
            )
    return warnings


def saturation_warning(name: str, saturation: Mapping[str, Any], cpu: str) -> str:
    """Return how many predictions of a model saturation changes on a CPU, and what helps."""
    remedy = "set quantization.reduce_range, use unsigned weights (uint8), or run it"
    if name in REFERENCES:  # which are made in one way alone
        remedy = "run it"
    return (
        f"Warning: saturation in 16-bit sums changes {saturation['changed']:.2%} of the "
        f"predictions of {name} ({saturation['delta_pp']:+.2f} pp) on {cpu}: {remedy} on a CPU "
        "with VNNI."
    )


def disturbance_notes(latency: Latency | None, rule: str = "measure_latency") -> list[str]:
    """Return a sentence that names the measurements which other load disturbed, if there are any,
    what the machine said about its load, and how to measure again by the `rule`."""
    rows = latency["measurements"] if latency else []
    disturbed = [row for row in rows if is_disturbed(row["speedup"], row["speedup_ci95"])]
    if not latency or not disturbed:
        return []
    listed = shown_names(f"{row['model']} with {describe_setting(row)}" for row in disturbed)
    return [
        f"{MARK} Disturbed by other load: the 95 % interval of these speeds reaches more than 10 % "
        f"to either side: {listed}.{_describe_machine(latency)} Measure again while nothing else "
        f"runs: snakemake --forcerun {rule}."
    ]


def _describe_machine(latency: Latency) -> str:
    """Return load average and frequency governor in sentences, as far as they are known."""
    machine = latency.get("machine")  # not in the files of older runs
    if not machine:
        return ""
    loads = [
        f"{loads[0]} {when}"
        for when, loads in machine["load_average"].items()
        if isinstance(loads, list)
    ]
    text = f" Load average of the last minute: {', '.join(loads)} the measurement." if loads else ""
    governor = machine["governor"]
    return f"{text} Frequency governor: {governor}." if governor else text


def float_notes(evaluations: list[Evaluation]) -> list[str]:
    """Return a sentence on how the float32 model was changed before quantization, and one for each
    model with nodes that stay in float32, or whose weights got coarser grids."""
    notes, changes = [], list[str]()
    for evaluation in evaluations:
        if evaluation["calibration"] is None:  # float32, or a reference
            continue
        provenance = evaluation["calibration"]["provenance"]
        changes = changes or provenance.get("preparation", [])
        kept = provenance.get("kept_in_float", {})
        if kept:
            listed = "; ".join(f"{node} ({reason})" for node, reason in kept.items())
            notes.append(f"{evaluation['model']['name']} keeps nodes in float32: {listed}.")
        coarser = provenance.get("coarser_weights", {})
        if coarser:
            listed = "; ".join(f"{node} ({done})" for node, done in coarser.items())
            notes.append(f"{evaluation['model']['name']} has coarser weights: {listed}.")
    if changes:
        notes.append(
            "The float32 model was changed before quantization, and predicts the same: "
            f"{'; '.join(changes)}."
        )
    return notes


def pixel_notes(evaluations: list[Evaluation]) -> list[str]:
    """Return a sentence on the times of models that take uint8 pixels, if there are any."""
    taking = [
        evaluation["model"]["name"]
        for evaluation in evaluations
        if evaluation["calibration"]
        and evaluation["calibration"]["provenance"].get("quantization", {}).get("input_type")
        == "uint8"
    ]
    if not taking:
        return []
    return [
        f"Pixels, uint8, as input, with the preprocessing inside the model and its times: "
        f"{shown_names(taking)}. The times of the others leave preprocessing out."
    ]


def calibration_errors(evaluations: list[Evaluation]) -> str:
    """Return the calibration error of each model in one sentence, and how it changes."""
    listed = []
    for evaluation in evaluations:
        error = evaluation["calibration_error"]
        change = "" if error["delta_pp"] is None else f" ({error['delta_pp']:+.2f} pp)"
        listed.append(f"{evaluation['model']['name']} {error['ece']:.2%}{change}")
    return (
        "Calibration error, how far the probability of the predicted class is from accuracy, in "
        f"15 bins: {', '.join(listed)}."
    )


def describe_run(
    evaluations: list[Evaluation],
    speeds: Mapping[str, LatencyRow],
    published_top1: float | None,
) -> list[str]:
    """Return sentences that tell what was measured on which machine, and how to read them."""
    fp32, dataset = evaluations[0]["accuracy"], evaluations[0]["dataset"]
    runtime = evaluations[0]["runtime"]
    low, high = fp32["ci95"]
    description = f" ({dataset['description']})" if dataset["description"] else ""
    some = evaluations[0]["present_classes"]
    classes = f", of {some['classes']:,} of the {some['outputs']:,} classes" if some else ""
    notes = [
        f"Data: {dataset['images']:,} test images of {dataset['name']}{description}{classes}.",
        f"Baseline: the float32 model, measured in this run: {fp32['top1']:.2%} "
        f"(95 % Wilson interval {low:.2%} to {high:.2%}).",
    ]
    if published_top1 is not None:
        notes.append(
            f"Published baseline: {published_top1:.2%}; the measured one differs by "
            f"{100 * (fp32['top1'] - published_top1):+.2f} pp."
        )
    calibration = candidates(evaluations)[-1]["calibration"]
    if calibration:
        notes.append(
            f"Calibration: {calibration['method']}, {calibration['images']:,} training images, "
            f"at most {calibration['per_class']} a class, seed {calibration['seed']}."
        )
    notes.append(calibration_errors(evaluations))
    records = ({**item, "latency": speeds.get(item["model"]["name"])} for item in evaluations)
    keys = shown_columns(make_table(records, OPTIONAL), (*COMPARISON_MAIN, *COMPARISON_MORE[1:]))
    setting = describe_setting(next(iter(speeds.values()))) if speeds else ""
    positive = (evaluations[0]["two_classes"] or {"positive": ""})["positive"]
    notes += [
        note.replace("{setting}", setting).replace("{positive}", positive)
        for note in column_notes(keys)
    ]
    notes.append(
        f"Made with onnxruntime {runtime['onnxruntime']} on {runtime['cpu']} "
        f"({', '.join(runtime['isa'])}).",
    )
    return notes
