"""Check what the config asks of the results: one row a requirement, with the evidence."""

import hashlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import onnx

from ptq_comparison.common.errors import UserError, first_line
from ptq_comparison.common.files import read_json
from ptq_comparison.common.mapped import pieces
from ptq_comparison.inference.session import make_session
from ptq_comparison.model.loading import load_model
from ptq_comparison.quantization.checks import is_quantized
from ptq_comparison.verification.summary import Requirement

SOUND_MODEL = "loads and is quantized"


def requirement(
    id: str,
    text: str,
    expected: Any,
    measured: Any,
    passed: bool,
    path: Path,
    key: str | None = None,
) -> Requirement:
    """Return a requirement; `path` and `key` tell where `measured` can be looked up."""
    return {
        "id": id,
        "requirement": text,
        "expected": expected,
        "measured": measured,
        "passed": bool(passed),
        "evidence": {"file": str(path), "key": key},
    }


def verify_model(
    name: str, evaluation_path: Path, fp32_path: Path, test_count: int, acceptance: dict[str, Any]
) -> Iterator[Requirement]:
    """Yield the requirements on a quantized model.

    `test_count` is the size of the test split, `acceptance` that section of the config. Accuracies
    are fractions, differences percentage points.
    """
    evaluation, fp32 = read_json(evaluation_path), read_json(fp32_path)
    path = Path(evaluation["model"]["path"])
    text = f"{name} exists, loads, and holds QuantizeLinear or QLinear operators"
    state = _state_of(path)
    yield requirement(f"model_{name}", text, SOUND_MODEL, state, state == SOUND_MODEL, path)

    def check(
        id: str, text: str, key: str, expected: Any, holds: Callable[[Any], bool]
    ) -> Requirement:
        measured: Any = evaluation
        for part in key.split("."):
            measured = None if measured is None else measured[part]
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
    limit = acceptance["max_drop_pp"]
    yield check(
        "drop", f"{name} loses at most {limit} pp", "baseline.delta_pp", f">= {-limit}",
        lambda delta: _within(-delta, limit),
    )  # fmt: skip
    least = acceptance["min_top1"]
    if least is not None:
        yield check(
            "top1", f"{name} has a top-1 accuracy of at least {least}", "accuracy.top1",
            f">= {least}", lambda top1: top1 >= least,
        )  # fmt: skip
    reduction = acceptance["min_size_reduction"]
    if reduction is not None:
        largest = (1 - reduction) * fp32["model"]["bytes"]
        yield check(
            "size", f"the file of {name} is at least {reduction:.0%} smaller than that of float32",
            "model.bytes", f"<= {largest:.0f}", lambda size: _within(size, largest),
        )  # fmt: skip
    yield check(
        "saturation", f"{name} is checked for saturating CPU kernels, or it is told why not",
        "saturation", "checked, or refused with a reason",
        lambda saturation: saturation["checked"] or saturation["refused"],
    )  # fmt: skip


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


def verify_calibration(accuracy_path: Path) -> Requirement:
    """Return the requirement that the float32 model knows the calibration images."""
    accuracy = read_json(accuracy_path)
    least = accuracy["required_top1"]
    return requirement(
        "calibration_accuracy",
        "the float32 model classifies the calibration images well above chance",
        f">= {least:.4f}",
        accuracy["top1"],
        accuracy["top1"] >= least,
        accuracy_path,
        "top1",
    )


def verify_baseline(fp32_path: Path, published: float, tolerance_pp: float) -> Requirement:
    """Return the requirement that float32 is as accurate as published, within a tolerance."""
    top1 = read_json(fp32_path)["accuracy"]["top1"]
    return requirement(
        "published_baseline",
        f"float32 is within {tolerance_pp} pp of the published {published:.2%}",
        [published - tolerance_pp / 100, published + tolerance_pp / 100],
        top1,
        _within(100 * abs(top1 - published), tolerance_pp),
        fp32_path,
        "accuracy.top1",
    )


def verify_disjoint(samples_path: Path, test_images_path: Path) -> Requirement:
    """Return the requirement that no calibration image is a test image, compared pixel by pixel.

    Both files hold uint8 (N, H, W, C).
    """
    samples, test = (_checksums(path) for path in (samples_path, test_images_path))
    shared = len(samples & test)
    return requirement(
        "disjoint",
        "no calibration image is among the test images (SHA-256 of the pixels)",
        0,
        shared,
        shared == 0,
        samples_path,
    )


def _within(value: float, limit: float) -> bool:
    """Tell whether a value meets a limit; one of exactly the limit, in binary fractions, does."""
    return round(value - limit, 9) <= 0


def _state_of(path: Path) -> str:
    try:
        model: onnx.ModelProto = load_model(path)
        make_session(model, threads=1)
    except UserError as error:
        return str(error)
    except Exception as error:  # onnxruntime's exceptions have no common base but this
        return f"does not load: {first_line(error)}"
    return SOUND_MODEL if is_quantized(model) else "loads, but is not quantized"


def _checksums(path: Path) -> set[bytes]:
    images = np.load(path, mmap_mode="r")
    return {
        hashlib.sha256(np.ascontiguousarray(image).data).digest()
        for piece in pieces(images)
        for image in piece
    }
