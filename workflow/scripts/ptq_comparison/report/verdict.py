"""What to ship and what it costs, in one sentence."""

from typing import Any

from ptq_comparison.evaluation.metrics import SIGNIFICANCE


def is_significant(evaluation: dict[str, Any]) -> bool:
    """Tell whether the exact McNemar test finds a quantized model other than float32."""
    return bool(evaluation["baseline"]["mcnemar_p"] < SIGNIFICANCE)


def best_model(evaluations: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the evaluation of the quantized model that is right most often, of equals the smaller.

    `evaluations` are those of the float32 model, the first, and of at least one quantized model.
    """
    return max(
        evaluations[1:], key=lambda item: (item["accuracy"]["correct"], -item["model"]["bytes"])
    )


def describe_setting(speed: dict[str, Any]) -> str:
    """Return with how many threads and images a row of latency.json was measured."""
    threads = "1 thread" if speed["threads"] == 1 else f"{speed['threads']} threads"
    return f"{threads}, batch {speed['batch_size']}"


def verdict(evaluations: list[dict[str, Any]], speeds: dict[str, dict[str, Any]]) -> str:
    """Return the sentence on the best model; `speeds` are rows of latency.json, by model."""
    fp32, best = evaluations[0], best_model(evaluations)
    name, baseline = best["model"]["name"], best["baseline"]
    kept = best["accuracy"]["correct"] / fp32["accuracy"]["correct"]
    size = best["model"]["bytes"] / fp32["model"]["bytes"]
    significant = "significant" if is_significant(best) else "not significant"
    sentence = (
        f"{name} keeps {100 * kept:.1f} % of the float32 accuracy "
        f"({baseline['delta_pp']:+.2f} pp, {significant}), at {100 * size:.0f} % of the size"
    )
    if speeds:
        sentence += (
            f" and {speeds[name]['speedup']:.2f} times the speed on this machine "
            f"({describe_setting(speeds[name])})"
        )
    return f"{sentence}."
