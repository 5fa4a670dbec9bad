"""What stands below the table of all models: warnings, and how to read the figures."""

from typing import Any

from ptq_comparison.report.verdict import describe_setting


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


def describe_run(
    evaluations: list[dict[str, Any]],
    speeds: dict[str, dict[str, Any]],
    published_top1: float | None,
) -> list[str]:
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
        *_describe_speed(speeds),
        f"Made with onnxruntime {runtime['onnxruntime']} on {runtime['cpu']} "
        f"({', '.join(runtime['isa'])}).",
    ]
    return notes


def _describe_speed(speeds: dict[str, dict[str, Any]]) -> list[str]:
    if not speeds:
        return []
    setting = describe_setting(next(iter(speeds.values())))
    return [
        f"Speed: images a second as a multiple of float32 ({setting}), and the 95 % bootstrap "
        "interval of a repeat. It holds for this machine alone."
    ]
