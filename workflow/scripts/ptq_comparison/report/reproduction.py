"""Published and measured values side by side, and why they differ."""

from collections.abc import Sequence
from typing import Any

from tabulate import tabulate

from ptq_comparison.common.texts import plain_markdown
from ptq_comparison.evaluation.evaluate import Evaluation
from ptq_comparison.report.references import candidates
from ptq_comparison.report.reproduction_draws import draws_section
from ptq_comparison.stability.results import Draw
from ptq_comparison.stability.spread import rows_by_model, spread

VNNI = {"avx512_vnni", "avx_vnni"}
MEASURED_ON = "on the CIFAR-10 part of docs/performance.md"


def reproduction_page(
    evaluations: list[Evaluation], published: dict[str, Any], draws: Sequence[Draw] = ()
) -> str:
    """Return a page in Markdown; `published` is `baseline.published` of the config.

    The first evaluation is that of float32. Models without published values are left out. `draws`
    are those of the configured models, with the seed of this run first.
    """
    dataset = evaluations[0]["dataset"]
    whole = dataset["images"] == published["images"]
    extent = (
        f"all {published['images']:,} test images"
        if whole
        else f"{dataset['images']:,} test images, a part of CIFAR-10: the published results are "
        f"for {published['images']:,}"
    )
    if dataset["name"] != "cifar10":
        extent = f"{dataset['images']:,} test images of {dataset['name']}, which is not CIFAR-10"
    known = [e for e in evaluations if e["model"]["name"] in published["models"]]
    rows = [_row(evaluation, published["models"]) for evaluation in known]
    table = tabulate(rows, headers="keys", tablefmt="github", disable_numparse=True)
    return (
        f"# Published and measured\n\nPublished: {plain_markdown(published['source'])}.\n\n"
        f"Measured on {extent}.\n\n{table}\n\n"
        "Intervals are of 95 %: Wilson's for an accuracy, Tango's paired one for a difference to "
        "the float32 model of the same run.\n\n"
        + (f"{draws_section(draws, published['models'])}\n" if draws else "")
        + "## Why they differ\n\n"
        + "\n".join(f"- {reason}" for reason in _reasons(known, published, whole, draws))
        + "\n"
    )


def _row(evaluation: Evaluation, published: dict[str, Any]) -> dict[str, str]:
    model, accuracy, baseline = evaluation["model"], evaluation["accuracy"], evaluation["baseline"]
    expected = published[model["name"]]
    low, high = accuracy["ci95"]
    row = {
        "model": model["name"],
        "published": _percent(expected["top1"]),
        "measured": f"{_percent(accuracy['top1'])} ({100 * low:.2f} to {100 * high:.2f})",
        "published difference": "",
        "measured difference (pp)": "",
        "in the interval": "",
        "published size": plain_markdown(expected["size"]),
        "bytes": f"{model['bytes']:,}",
        "published nodes": "" if expected["nodes"] is None else str(expected["nodes"]),
        "nodes": str(model["nodes"]),
    }
    if baseline:
        delta = 100 * (expected["top1"] - published["fp32"]["top1"])
        low, high = baseline["delta_ci95_pp"]
        row["published difference"] = f"{delta:+.2f}"
        row["measured difference (pp)"] = f"{baseline['delta_pp']:+.2f} ({low:+.2f} to {high:+.2f})"
        row["in the interval"] = "yes" if low <= delta <= high else "no"
    return row


def _reasons(
    evaluations: list[Evaluation], published: dict[str, Any], whole: bool, draws: Sequence[Draw]
) -> list[str]:
    runtime = evaluations[0]["runtime"]
    reasons = []
    if not whole:
        reasons.append(
            f"**The images.** {evaluations[0]['dataset']['images']:,} images tell an accuracy "
            "within some two percentage points at best, and they are not a random sample of all "
            f"{published['images']:,}."
        )
    calibration = candidates(evaluations)[-1]["calibration"]
    if calibration:
        reasons.append(
            f"**The sample of calibration images.** {calibration['images']:,} training images, "
            f"{calibration['per_class']} a class, seed {calibration['seed']}. The same seed draws "
            "other images with another generator or from another set, and the interval of a "
            f"difference does not cover that: {_moved(draws, list(published['models']))}."
        )
    costs = [
        f"{evaluation['model']['name']} {evaluation['saturation']['delta_pp']:+.2f} pp "
        f"({evaluation['saturation']['changed']:.2%} of the predictions change)"
        for evaluation in evaluations
        if evaluation["saturation"] and evaluation["saturation"]["changed"] is not None
    ]
    isa = set(runtime["isa"])
    here = f"**The CPU.** {runtime['cpu']}"
    if isa & {"avx", "avx2"}:  # only x86-64 has such instructions, and VNNI
        here += (
            f", {'with' if VNNI & isa else 'without'} VNNI. Saturation costs: {'; '.join(costs)}"
        )
    reasons.append(
        f"{here}. On x86-64 without VNNI, kernels for signed weights saturate; {MEASURED_ON} that "
        "costs int8 1.18 pp, and uint8 nothing. A published loss of int8 may hold some of that."
    )
    reasons.append(
        f"**The versions.** onnxruntime {runtime['onnxruntime']}, onnx {runtime['onnx']}, numpy "
        f"{runtime['numpy']}. Kernels round differently from version to version. Sizes hold the "
        "provenance that this workflow writes into a model, some 840 bytes."
    )
    return reasons


def _moved(draws: Sequence[Draw], names: Sequence[str]) -> str:
    """Return how far draws move the published models, in this run where it has several."""
    if not draws:
        return f"{MEASURED_ON}, five seeds moved uint8 by 1.3 pp"
    moved = [
        f"{name} by {spread(row['delta_pp'] for row in rows).sd:.2f} pp"
        for name, rows in rows_by_model(draws).items()
        if name in names
    ]
    return f"another draw moves {' and '.join(moved)} (standard deviation)"


def _percent(share: float) -> str:
    return f"{100 * share:.2f} %"
