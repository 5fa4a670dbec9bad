"""References: rows of the comparison that are no candidates of the verdict."""

from collections.abc import Mapping
from typing import Any

from ptq_comparison.config.schemes import REFERENCES
from ptq_comparison.evaluation.evaluate import Evaluation
from ptq_comparison.evaluation.results import LatencyRow

MADE = {
    "fp16": (
        "the float32 model in float16, by onnxruntime's convert_float_to_float16; "
        "input and output stay float32"
    ),
    "dynamic": (
        "int8 weights, and activations quantized in each call, by onnxruntime's "
        "quantize_dynamic with its defaults; it needs no calibration images, and accuracy is that "
        "of one image in a call"
    ),
}
WIDER = "; one that computes in float16 may predict otherwise."


def is_reference(evaluation: Evaluation) -> bool:
    """Tell whether the evaluation is that of a reference, whose name no other model may have."""
    return evaluation["model"]["name"] in REFERENCES


def candidates(evaluations: list[Evaluation]) -> list[Evaluation]:
    """Return the evaluations without references: float32 and the quantized models."""
    return [evaluation for evaluation in evaluations if not is_reference(evaluation)]


def reference_notes(
    evaluations: list[Evaluation],
    speeds: Mapping[str, LatencyRow],
    checks: Mapping[str, Mapping[str, Any]],
) -> list[str]:
    """Return a sentence or two for each reference: how it is made, and what it was measured to be.

    `checks` are the files that make_reference writes, by name.
    """
    notes = []
    for evaluation in filter(is_reference, evaluations):
        name = evaluation["model"]["name"]
        note = f"{name} is a reference, which the verdict leaves out: {MADE[name]}."
        types = checks[name]["weight_types"]
        if types:
            listed = ", ".join(f"{count} with {kind} weights" for kind, count in types.items())
            note += (
                f" Of its {sum(types.values())} convolutions and matrix products, onnxruntime runs "
                f"{listed} on this CPU"
            )
            note += WIDER if name == "fp16" and "float32" in types else "."
        notes.append(note + _consequence(evaluations[0], evaluation, speeds.get(name)))
    return notes


def _consequence(fp32: Evaluation, evaluation: Evaluation, speed: LatencyRow | None) -> str:
    """Return what a user wins or loses by it, as far as it was measured."""
    size = evaluation["model"]["bytes"] / fp32["model"]["bytes"]
    if speed is None:
        return f" It has {size:.0%} of the size of float32."
    low, high = speed["speedup_ci95"]
    if high < 1:
        brings = "it saves space, not time" if size < 1 else "it saves neither space nor time"
        told = f"slower than float32 on this machine ({speed['speedup']:.2f} times the speed)"
        return f" It is {told}, at {size:.0%} of the size: {brings}."
    told = "faster than" if low > 1 else "about as fast as"
    return (
        f" It is {told} float32 on this machine ({speed['speedup']:.2f} times the speed), at "
        f"{size:.0%} of the size."
    )
