"""Which 8-bit model to ship on a device that has brought its measurements back, and why."""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from ptq_comparison.device.brought_back import Bundle
from ptq_comparison.device.results import Device, DeviceRow, row_of
from ptq_comparison.evaluation.disturbance import is_disturbed
from ptq_comparison.evaluation.evaluate import Evaluation
from ptq_comparison.report.decision import Candidate, as_candidate, choose
from ptq_comparison.report.verdict import describe_setting, is_slower


class DeviceDecision(NamedTuple):
    """The name of the model to ship, None for none of them, and a sentence that says why."""

    model: str | None
    sentence: str


def decide_on(
    device: Device,
    bundle: Bundle,
    evaluations: list[Evaluation],
    right: Mapping[str, np.ndarray],
    here: str | None,
    max_drop_pp: float,
) -> DeviceDecision:
    """Choose which of the compared models to ship on a device, by the rules of `decision.choose`.

    `evaluations` are those of float32 and the quantized models on all test images, `right` tells by
    model on which of them it is right, bool (N,), and `here` is the model that is shipped on this
    machine. Where a prediction on the device differs from that of this machine, the images of the
    device decide in place of all test images.
    """
    name = device["name"]
    if device["emulated"] is not None:
        return DeviceDecision(
            None, f"{name}: emulated, no times ({device['emulated']}){_same(device)}."
        )
    rows = [
        row
        for item in evaluations[1:]
        if (row := row_of(device, item["model"]["name"])) and row["failed"] is None
    ]
    if not rows:
        return DeviceDecision(None, f"On {name} none of the compared 8-bit models was run.")
    fp32 = row_of(device, "fp32")
    differs = any(_differs(row, fp32) for row in rows)
    own = {item["model"]["name"]: item for item in evaluations}
    if differs:
        models = [_on_device(row, fp32, own[row["name"]], bundle) for row in rows]
    else:
        models = [as_candidate(own[r["name"]], right[r["name"]], _speed(r)) for r in rows]
    choice = choose(models, max_drop_pp)
    told = choice.chosen or choice.best
    row = next(row for row in rows if row["name"] == told.name)
    images = f"the {evaluations[0]['accuracy']['total']:,} test images"
    if _differs(row, fp32):
        images = f"the {len(bundle.labels):,} images of {name}"
    there = "; on this machine ship " + (here or "none of them")
    if choice.chosen is None:
        there = ", as on this machine" if here is None else there
        return DeviceDecision(
            None,
            f"On {name} ship none of them: the best, {told.name}, loses {told.drop_pp:.2f} pp "
            f"on {images}, more than the {max_drop_pp:g} pp that acceptance.max_drop_pp "
            f"allows{there}.",
        )
    same = f"On {name} ship {told.name}"
    if told.name == here:
        same, there = f"{same}, as on this machine", ""
    return DeviceDecision(
        told.name, f"{same}: {_how_fast(row)}, and {-told.drop_pp:+.2f} pp on {images}{there}."
    )


def _differs(row: DeviceRow, fp32: DeviceRow | None) -> bool:
    """Tell whether the difference to float32 is another one than on this machine."""
    return bool(row["changed"] or (fp32 and fp32["changed"]))


def _on_device(
    row: DeviceRow, fp32: DeviceRow | None, evaluation: Evaluation, bundle: Bundle
) -> Candidate:
    """Return a model by its predictions on the device.

    Its loss is that on all test images where it and float32 predict as this machine does.
    """
    right = np.array(row["predictions"]) == bundle.labels
    candidate = as_candidate(evaluation, right, _speed(row))._replace(correct=int(right.sum()))
    if not _differs(row, fp32):
        return candidate
    baseline = bundle.expected["fp32"]
    if fp32 and fp32["predictions"] is not None:
        baseline = np.array(fp32["predictions"])
    lost = int(np.sum(baseline == bundle.labels)) - candidate.correct
    return candidate._replace(drop_pp=round(100 * lost / len(right), 9))


def _speed(row: DeviceRow) -> float | None:
    """Return the speed against float32, or the images a second, by which models rank, too."""
    latency = row["latency"]
    if latency is None:
        return None
    return latency["speedup"] or latency["images_per_second"]


def _how_fast(row: DeviceRow) -> str:
    latency = row["latency"]
    if latency is None:
        return "the smallest, as its speed was not measured"
    if latency["speedup"] is None:
        median = f"{latency['median_ms']:.3g} ms ({describe_setting(latency)})"
        return f"{median}, where float32 was not timed"
    low, high = latency["speedup_ci95"]
    times = (
        f"{latency['speedup']:.2f} times as fast as float32 ({low:.2f} to {high:.2f}; "
        f"{describe_setting(latency)}"
    )
    times += ", disturbed by other load)" if is_disturbed(latency["speedup"], (low, high)) else ")"
    return f"slower than float32, {times}" if is_slower(latency) else times


def _same(device: Device) -> str:
    """Return whether predictions are those of this machine; a warning says which ones are not."""
    rows = [row for row in device["models"] if row["failed"] is None]
    if not rows:
        return "; no model was run"
    if any(row["changed"] for row in rows):
        return ""
    return f"; on {device['dataset']['images']:,} images it predicts as this machine does"
