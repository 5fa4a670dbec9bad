"""What the workflow checks of itself: one row a requirement, with the evidence."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import onnx

from ptq_comparison.common.digests import digests_of
from ptq_comparison.common.errors import UserError, first_line
from ptq_comparison.common.files import read_json
from ptq_comparison.inference.session import make_session
from ptq_comparison.model.loading import load_model
from ptq_comparison.quantization.checks import is_quantized
from ptq_comparison.verification.rows import Kind, Requirement, requirement, value_at

SOUND_MODEL = "loads and is quantized"


def verify_model(name: str, evaluation_path: Path, test_count: int) -> Iterator[Requirement]:
    """Yield the self checks of a quantized model; `test_count` is the size of the test split."""
    evaluation = read_json(evaluation_path)
    path = Path(evaluation["model"]["path"])
    text = f"{name} exists, loads, and holds QuantizeLinear or QLinear operators"
    state = _state_of(path)
    yield requirement(f"model_{name}", text, SOUND_MODEL, state, state == SOUND_MODEL, path)

    def check(
        id: str, text: str, key: str, expected: Any, holds: Callable[[Any], bool]
    ) -> Requirement:
        measured = value_at(evaluation, key)
        passed = measured is not None and holds(measured)
        return requirement(f"{id}_{name}", text, expected, measured, passed, evaluation_path, key)

    yield check(
        "test_split", f"{name} is evaluated on the full test split", "accuracy.total", test_count,
        lambda total: total == test_count,
    )  # fmt: skip
    yield check(
        "delta", f"the difference of {name} to float32 is reported, in pp", "baseline.delta_pp",
        "a number", lambda delta: isinstance(delta, float),
    )  # fmt: skip
    row = check(
        "saturation", f"{name} is checked for saturating CPU kernels, or it is told why not",
        "saturation", "checked, or a reason why it cannot happen or be checked",
        lambda found: found["checked"] or found["cannot"] or found["refused"],
    )  # fmt: skip
    yield {**row, "skipped": (evaluation["saturation"] or {}).get("refused")}


def verify_operators(name: str, check_path: Path) -> Requirement:
    """Return the requirement that the operators of a quantized model compute what float32's do."""
    worst = read_json(check_path)["worst"]
    return requirement(
        f"operators_{name}",
        f"the operators of {name} differ from those of float32 by no more than rounding, in steps",
        f"<= {worst['allowed_steps']:.4g}",
        worst["error_steps"],
        worst["error_steps"] <= worst["allowed_steps"],
        check_path,
        "worst.error_steps",
    )


def verify_log(name: str, log_path: Path, method: str, sample_count: int) -> Requirement:
    """Return the requirement that the log of a quantized model tells how it was calibrated."""
    wanted = f"method {method}, {sample_count} images"
    lines = log_path.read_text().splitlines() if log_path.is_file() else []
    found = next((line for line in lines if "calibration:" in line), None)
    text = f"the log of {name} names calibration method and number of images"
    return requirement(f"log_{name}", text, wanted, found, wanted in (found or ""), log_path)


def verify_calibration(accuracy_path: Path, asked: bool = False) -> Iterator[Requirement]:
    """Yield the requirements that the float32 model knows the calibration images.

    Without labels nothing is known of them, which is said in place of a figure. The accuracy is
    your requirement where it was `asked` for.
    """
    accuracy = read_json(accuracy_path)
    kind: Kind = "your requirement" if asked else "self check"
    text = "the float32 model classifies the calibration images well above chance"
    if not accuracy["checked"]:
        unknown = "not checked: the calibration images have no labels"
        yield requirement("calibration_accuracy", text, "labels, or told", unknown, True,
                          accuracy_path, kind=kind, skipped=unknown)  # fmt: skip
        return
    least, top1 = accuracy["required_top1"], accuracy["top1"]
    yield requirement("calibration_accuracy", text, f">= {least:.4f}", top1, top1 >= least,
                      accuracy_path, "top1", kind)  # fmt: skip
    found = accuracy["suspicious"]
    text = "no other order of classes, and no usual preprocessing, makes float32 clearly better"
    yield requirement("suspicious_input", text, "nothing", found, not found, accuracy_path,
                      "suspicious")  # fmt: skip


def verify_disjoint(samples_path: Path, predictions_path: Path) -> Requirement:
    """Return the requirement that no calibration image is a test image, by digests of the pixels.

    The samples are uint8 (N, H, W, C); float32's predictions hold the digests of the test images.
    """
    samples = digests_of(np.load(samples_path, mmap_mode="r"))
    with np.load(predictions_path) as arrays:
        test = arrays["digests"]
    shared = len(set(map(bytes, samples)) & set(map(bytes, test)))
    return requirement(
        "disjoint",
        "no calibration image is among the test images (BLAKE2b of the pixels)",
        0,
        shared,
        shared == 0,
        samples_path,
    )


def _state_of(path: Path) -> str:
    try:
        model: onnx.ModelProto = load_model(path)
        make_session(model, threads=1)
    except UserError as error:
        return str(error)
    except Exception as error:  # onnxruntime's exceptions have no common base but this
        return f"does not load: {first_line(error)}"
    return SOUND_MODEL if is_quantized(model) else "loads, but is not quantized"
