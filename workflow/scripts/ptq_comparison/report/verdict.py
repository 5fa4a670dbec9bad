"""What a model keeps of accuracy and size, and how its speed was measured, for sentences."""

from ptq_comparison.evaluation.evaluate import Evaluation, of_quantized
from ptq_comparison.evaluation.metrics import SIGNIFICANCE
from ptq_comparison.evaluation.results import Latency, LatencyRow, Speed


def headline_speeds(latency: Latency | None) -> dict[str, LatencyRow]:
    """Return the row of each model in latency.json for the first setting; none if not measured."""
    rows = latency["measurements"] if latency else []
    return {
        row["model"]: row
        for row in rows
        if (row["threads"], row["batch_size"]) == (rows[0]["threads"], rows[0]["batch_size"])
    }


def is_significant(evaluation: Evaluation) -> bool:
    """Tell whether the exact McNemar test finds a quantized model other than float32."""
    return bool(of_quantized(evaluation["baseline"])["mcnemar_p"] < SIGNIFICANCE)


def describe_setting(speed: Speed) -> str:
    """Return the number of threads and the batch size of a row of latency.json as text."""
    threads = "1 thread" if speed["threads"] == 1 else f"{speed['threads']} threads"
    return f"{threads}, batch {speed['batch_size']}"


def is_slower(speed: Speed) -> bool:
    """Tell whether a model is slower than float32 beyond the 95 % interval of its speed."""
    return bool(speed["speedup_ci95"][1] < 1)


def describe_accuracy(fp32: Evaluation, quantized: Evaluation) -> str:
    """Return what a quantized model keeps of accuracy and size, beginning with a verb."""
    baseline = of_quantized(quantized["baseline"])
    correct, fp32_correct = quantized["accuracy"]["correct"], fp32["accuracy"]["correct"]
    if fp32_correct:
        keeps = f"keeps {100 * correct / fp32_correct:.1f} % of the float32 accuracy"
    else:
        keeps = f"gets {correct:,} images right, where float32 gets none"
    size = quantized["model"]["bytes"] / fp32["model"]["bytes"]
    significant = "significant" if is_significant(quantized) else "not significant"
    return (
        f"{keeps} ({baseline['delta_pp']:+.2f} pp, {significant}) at {100 * size:.0f} % of the size"
    )
