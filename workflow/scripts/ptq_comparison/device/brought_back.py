"""What a device has measured, held against the bundle that this run makes."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from jsonschema.protocols import Validator

from ptq_comparison.common.errors import UserError
from ptq_comparison.common.files import read_json
from ptq_comparison.common.provider_names import CPU
from ptq_comparison.common.texts import named, shown_names
from ptq_comparison.device.consistency import check_consistent, is_uncompared, share_of_equal
from ptq_comparison.device.device_file import read_device_file
from ptq_comparison.device.refusal import refuse, require
from ptq_comparison.device.results import Device, DeviceRow, row_of

RECOMMENDED = "recommended"  # another one in each search, which is no reason to measure again
MEASURE_AGAIN = (
    "copy the bundle of this run to the device (snakemake device_bundle) and measure again, or "
    "take the file out of devices, or out of its folder"
)
DATASET_KEYS = ("images", "of", "images_sha256", "labels_sha256")


class Bundle(NamedTuple):
    """The bundle of this run: its manifest, labels int64 (N,), and predictions of this machine.

    `expected` holds int64 (N,) by the name of the model.
    """

    path: Path
    content: dict[str, Any]
    labels: np.ndarray
    expected: Mapping[str, np.ndarray]


def read_bundle(manifest: Path, labels: Path, expected: Path) -> Bundle:
    """Read what `device_bundle` writes."""
    with np.load(expected) as arrays:
        predictions = {name: arrays[name] for name in arrays.files}
    return Bundle(manifest, read_json(manifest), np.load(labels), predictions)


def read_devices(paths: Iterable[Path], schema: Validator, bundle: Bundle) -> list[Device]:
    """Read the files of several devices; UserError for the first one that cannot be used."""
    return [read_device(path, schema, bundle) for path in paths]


def read_device(path: Path, schema: Validator, bundle: Bundle) -> Device:
    """Read a device, with the models of the bundle alone; `notes` names what was left out.

    Raises UserError, with one line, for a file of other models or images than the bundle's, and for
    figures that do not follow from the predictions and times in it.
    """
    device = read_device_file(path, schema)
    _check_images(device, bundle, path)
    notes = [] if device["finished"] else ["The measurement was stopped before its end."]
    rows, gone = _known_models(device, bundle, path)
    notes += gone
    check_consistent(device, path, bundle.content["dataset"]["classes"])
    for row in rows:
        row["changed"] = None
        if row["failed"] is None:
            if is_uncompared(row, device):
                _fill_in(row, bundle, row_of(device, "fp32"))
            _check_figures(row, bundle, path)
    _check_batches(device, rows, bundle, path)
    notes += _not_checked(device, rows, bundle)
    return {**device, "models": rows, "notes": notes}


def _check_images(device: Device, bundle: Bundle, path: Path) -> None:
    found, own = device["dataset"], bundle.content["dataset"]
    differing = [key for key in DATASET_KEYS if found[key] != own[key]]
    if differing:
        raise UserError(
            f"{path}: was measured on other images than those of {bundle.path}: "
            f"{', '.join(differing)} differ ({found['images']:,} of {found['of']:,} images there, "
            f"{own['images']:,} of {own['of']:,} here); {MEASURE_AGAIN}"
        )


def _known_models(device: Device, bundle: Bundle, path: Path) -> tuple[list[DeviceRow], list[str]]:
    """Return the rows of models that the bundle has, and a note on others.

    Another sum than the bundle's is an error, but for the recommended model.
    """
    own = {model["name"]: model for model in bundle.content["models"]}
    rows: list[DeviceRow] = []
    gone, other, wrong = list[str](), list[str](), list[str]()
    for row in device["models"]:
        model = own.get(row["name"])
        if model is None:
            gone.append(named(row["name"]))
        elif row["sha256"] == model["sha256"]:
            rows.append(row)
        else:
            (other if row["name"] == RECOMMENDED else wrong).append(row["name"])
    if wrong:
        raise UserError(
            f"{path}: was measured with other models than those of {bundle.path}: the SHA-256 of "
            f"{shown_names(wrong)} differ{'s' * (len(wrong) == 1)}; {MEASURE_AGAIN}"
        )
    for row in rows:
        for key in ("path", "bytes", "format"):
            found, expected = {**row}[key], own[row["name"]][key]
            if found != expected:
                place = f"models.{named(row['name'])}.{key}"
                refuse(path, place, found, expected, str(bundle.path))
    if not rows:
        raise UserError(f"{path}: has none of the models of {bundle.path}; {MEASURE_AGAIN}")
    notes = []
    if other:
        notes.append("Its model recommended is another one than that of this run, and left out.")
    if gone:
        notes.append(f"Left out, as the bundle has no such model any more: {shown_names(gone)}.")
    return rows, notes


def _fill_in(row: DeviceRow, bundle: Bundle, fp32: DeviceRow | None) -> None:
    """Add what a measurement that was stopped has not compared."""
    predicted = np.array(row["predictions"], np.int64)
    correct = int(np.sum(predicted == bundle.labels))
    row["correct"], row["accuracy"] = correct, correct / len(predicted)
    row["expected_agreement"] = share_of_equal(predicted, bundle.expected[row["name"]])
    if fp32 and fp32["predictions"] is not None:
        row["agreement"] = share_of_equal(predicted, fp32["predictions"])


def _check_figures(row: DeviceRow, bundle: Bundle, path: Path) -> None:
    """Compute again what follows from predictions, labels and expected predictions."""
    place = f"models.{named(row['name'])}"
    predicted = np.array(row["predictions"], np.int64)
    why = "the predictions and the labels"
    correct = int(np.sum(predicted == bundle.labels))
    require(path, f"{place}.correct", row["correct"], correct, why)
    require(path, f"{place}.accuracy", row["accuracy"], correct / len(predicted), why)
    expected = bundle.expected[row["name"]]
    agreement = share_of_equal(predicted, expected)
    key = f"{place}.expected_agreement"
    require(
        path, key, row["expected_agreement"], agreement, "the predictions and the expected ones"
    )
    row["changed"] = int(np.sum(predicted != expected))
    saturation = row["saturation"]
    if saturation and saturation["checked"]:
        exact = np.array(saturation["predictions"], np.int64)
        lost = 100 * (correct - int(np.sum(exact == bundle.labels))) / len(predicted)
        require(path, f"{place}.saturation.delta_pp", saturation["delta_pp"], lost, why)


def _not_checked(device: Device, rows: Iterable[DeviceRow], bundle: Bundle) -> list[str]:
    """Return a note on models that may saturate on the device, of which nobody knows."""
    may = {model["name"] for model in bundle.content["models"] if model.get("exact")}
    if device["machine"]["kernels_saturate"] is False or device["settings"]["provider"] != CPU:
        return []  # only kernels of the CPU are known to
    reasons: dict[str, list[str]] = {}
    for row in rows:
        saturation = row["saturation"]
        if row["name"] in may and saturation and not saturation["checked"]:
            reasons.setdefault(str(saturation["why"]), []).append(row["name"])
    return [
        f"Sums of 16 bits may saturate in {shown_names(names)}, which was not checked: {reason}."
        for reason, names in reasons.items()
    ]


def _check_batches(device: Device, rows: Iterable[DeviceRow], bundle: Bundle, path: Path) -> None:
    """Refuse other batch sizes than that of the bundle, or the fixed one of a model."""
    fixed = {model["name"]: model["batch"] for model in bundle.content["models"]}
    own = bundle.content["settings"]["batch_size"]
    size = device["settings"]["batch_size"]
    if size not in {own, *fixed.values()}:
        refuse(path, "settings.batch_size", size, own, str(bundle.path))
    for row in rows:
        if row["latency"]:
            place = f"models.{named(row['name'])}.latency.batch_size"
            expected = fixed[row["name"]] or size
            require(path, place, row["latency"]["batch_size"], expected, "settings.batch_size")
