"""The limits of the section `acceptance`: one row for each that the config sets."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from ptq_comparison.common.files import read_json
from ptq_comparison.evaluation.disturbance import is_disturbed
from ptq_comparison.verification.rows import Requirement, requirement, value_at

# Rows of a quantized model that are there where the key of `acceptance` is not null.
OPTIONAL = {
    "agreement": "min_agreement",
    "top1": "min_top1",
    "size": "min_size_reduction",
    "speed": "min_speedup",
    "earlier": "compare_to",
}


def verify_limits(
    name: str, evaluation_path: Path, fp32_path: Path, acceptance: dict[str, Any]
) -> Iterator[Requirement]:
    """Yield what `acceptance` asks of the evaluation of a quantized model.

    Accuracies and agreement are fractions, differences percentage points. With `by: interval` the
    lower end of the 95 % interval of each has to hold: non-inferiority, of whose 5 % one half lies
    below the interval.
    """
    evaluation, by = read_json(evaluation_path), acceptance["by"]
    drop, agreement = acceptance["max_drop_pp"], acceptance["min_agreement"]
    top1, reduction = acceptance["min_top1"], acceptance["min_size_reduction"]
    for id, text, least, keys in (
        (f"drop_{name}", f"{name} loses at most {drop} pp", -drop,
         ("baseline.delta_pp", "baseline.delta_ci95_pp")),
        (f"agreement_{name}", f"{name} and float32 agree on at least {agreement} of the images",
         agreement, ("baseline.agreement", "baseline.agreement_ci95")),
        (f"top1_{name}", f"{name} has a top-1 accuracy of at least {top1}", top1,
         ("accuracy.top1", "accuracy.ci95")),
    ):  # fmt: skip
        if least is not None:
            yield at_least(id, text, evaluation, evaluation_path, least, by, keys)
    if reduction is not None:
        size = evaluation["model"]["bytes"]
        largest = (1 - reduction) * read_json(fp32_path)["model"]["bytes"]
        yield requirement(
            f"size_{name}",
            f"the file of {name} is at least {reduction:.0%} smaller than that of float32",
            f"<= {largest:.0f}",
            size,
            within(size, largest),
            evaluation_path,
            "model.bytes",
            "your requirement",
        )


def verify_speed(name: str, latency_path: Path, acceptance: dict[str, Any]) -> Requirement:
    """Return the requirement that a model has a speed, a multiple of float32's.

    The first setting of `latency` counts, as everywhere. Where other load disturbed the
    measurement, the lower end of its interval has to hold, whatever `by` says.
    """
    latency, least = read_json(latency_path), acceptance["min_speedup"]
    rows = latency["measurements"]
    number, row = next((n, row) for n, row in enumerate(rows) if row["model"] == name)
    setting = f"threads {row['threads']}, batch size {row['batch_size']}"
    text = f"{name} has at least {least} times the speed of float32 ({setting})"
    by = acceptance["by"]
    if is_disturbed(row["speedup"], row["speedup_ci95"]):
        text, by = f"{text}, which other load disturbed", "interval"
    keys = (f"measurements.{number}.speedup", f"measurements.{number}.speedup_ci95")
    return at_least(f"speed_{name}", text, latency, latency_path, least, by, keys)


def at_least(
    id: str, text: str, content: Any, path: Path, least: float, by: str, keys: tuple[str, str]
) -> Requirement:
    """Return the requirement that a value, or the lower end of its interval, is no less than that.

    `keys` are those of the value and of its interval in `content`, which `path` holds.
    """
    if by == "interval":
        key, expected = keys[1], f">= {least} at the lower end"
        text += ", by the 95 % interval"
    else:
        key, expected = keys[0], f">= {least}"
    measured = value_at(content, key)
    low = measured[0] if isinstance(measured, list) else measured
    passed = low is not None and within(least, low)
    return requirement(id, text, expected, measured, passed, path, key, "your requirement")


def verify_baseline(fp32_path: Path, published: float, tolerance_pp: float) -> Requirement:
    """Return the requirement that float32 is as accurate as published, within a tolerance."""
    top1 = read_json(fp32_path)["accuracy"]["top1"]
    return requirement(
        "published_baseline",
        f"float32 is within {tolerance_pp} pp of the published {published:.2%}",
        [published - tolerance_pp / 100, published + tolerance_pp / 100],
        top1,
        within(100 * abs(top1 - published), tolerance_pp),
        fp32_path,
        "accuracy.top1",
        "your requirement",
    )


def not_asked(
    names: Iterable[str], acceptance: dict[str, Any], published_top1: float | None
) -> list[tuple[str, str]]:
    """Return the ids of rows that the config does not ask for, each with the reason."""
    null = {id: key for id, key in OPTIONAL.items() if acceptance[key] is None}
    rows = [(f"{id}_{name}", f"acceptance.{null[id]} is null") for name in names for id in null]
    if "earlier" in null:
        rows.append(("earlier_fp32", "acceptance.compare_to is null"))
    if published_top1 is None:
        rows.append(("published_baseline", "baseline.published_top1 is null"))
    return rows


def within(value: float, limit: float) -> bool:
    """Tell whether a value meets a limit; one of exactly the limit, in binary fractions, does."""
    return round(value - limit, 9) <= 0
