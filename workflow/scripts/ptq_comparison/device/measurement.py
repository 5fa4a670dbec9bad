"""One measurement of a bundle: its steps, and what they leave in the record."""

from __future__ import annotations

import argparse
import platform
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime

from ptq_comparison.common.errors import UserError, first_line
from ptq_comparison.common.provider_names import CPU
from ptq_comparison.common.texts import cut_middle
from ptq_comparison.device.machine import describe_machine, temperature, usable_cores
from ptq_comparison.device.manifest import Bundle
from ptq_comparison.device.progress_bar import ProgressBar
from ptq_comparison.device.record import (
    DEVICE_FORMAT,
    DEVICE_VERSION,
    new_row,
    read_unfinished,
    write_record,
)
from ptq_comparison.evaluation.disturbance import load_average
from ptq_comparison.evaluation.peak_memory import peak_memory
from ptq_comparison.evaluation.timing import (
    BLOCK_COUNT,
    BOOTSTRAP_GROUP,
    SESSION_OPTIONS,
    Setting,
    Times,
    count_threads,
    measure_in_turn,
    summarize,
)
from ptq_comparison.inference.model_inputs import ModelInputs
from ptq_comparison.inference.providers import (
    check_nodes,
    nodes_by_provider,
    resolve_provider,
)
from ptq_comparison.inference.saturation_trial import EXACT_KERNELS, saturates
from ptq_comparison.inference.session import make_session, predict_scores, predicted_classes

REASON = 200  # letters of onnxruntime's own, in a row
BASELINE = "fp32"
NO_EXACT_KERNELS = "this onnxruntime has no kernels that do not saturate"
NOTHING_SATURATES = "nothing saturates: the kernels of this CPU add in 32 bits"
FITTING_WEIGHTS = "no sum of two products can go beyond 16 bits"
# Whose graph is another one, and rounds otherwise.
OTHER_FORMAT = "is looked for in the ONNX file"
OTHER_PROVIDER = "is known of the CPU's kernels alone"


class Run:
    """One measurement; `record` is what its file holds."""

    def __init__(self, bundle: Bundle, path: Path, options: argparse.Namespace) -> None:
        """Raises UserError for a provider or a model that is not there."""
        self.bundle, self.path = bundle, path
        self.timed = not (options.no_times or options.emulated)
        self.provider = resolve_provider(options.provider)
        settings = bundle.manifest["settings"]
        threads = options.threads or settings["threads"]
        self.threads = count_threads(threads, usable_cores())
        self.models = self._choose(options.models)
        dataset = bundle.manifest["dataset"]
        self.record: dict[str, Any] = {
            "format": DEVICE_FORMAT,
            "version": DEVICE_VERSION,
            "name": options.name,
            "emulated": options.emulated,
            "finished": False,
            "written": "",
            "dataset": {
                key: dataset[key] for key in ("images", "of", "images_sha256", "labels_sha256")
            },
            "settings": {
                "threads": self.threads,
                "batch_size": settings["batch_size"],
                "seconds": options.seconds or settings["seconds"],
                "blocks": BLOCK_COUNT,
                "provider": self.provider,
            },
            "machine": {
                **describe_machine(),
                "temperature_celsius": {"before": temperature(), "after": None},
                "load_average": {"before": load_average(), "after": None},
                "kernels_saturate": None,
            },
            "runtime": {
                "onnxruntime": onnxruntime.__version__,
                "numpy": np.__version__,
                "python": platform.python_version(),
                "providers": onnxruntime.get_available_providers(),
            },
            "models": [],
        }

    def _choose(self, asked: str | None) -> list[dict[str, Any]]:
        models = self.bundle.manifest["models"]
        there = [model["name"] for model in models]
        names = there if asked is None else [BASELINE, *asked.split(",")]
        unknown = [name for name in names if name not in there]
        if unknown:
            raise UserError(f"--models: no {unknown[0]!r} in the bundle; it has {', '.join(there)}")
        return [model for model in models if model["name"] in names]

    def measure(self) -> None:
        """Measure everything, and keep what is done in the file after each step."""
        earlier = read_unfinished(self.path, self.record)
        machine, rows = self.record["machine"], self.record["models"]
        exact_trial = self._try_kernels(machine)
        for model in self.models:
            row = earlier.get(model["name"])
            if row is None or row["sha256"] != model["sha256"]:
                row = self._predict(model, exact_trial)
            rows.append(row)
            self._compare(rows)
            write_record(self.path, self.record)
        if self.timed:
            self._measure_times([row for row in rows if not row["failed"]])
        machine["temperature_celsius"]["after"] = temperature()
        machine["load_average"]["after"] = load_average()
        self.record["finished"] = True
        write_record(self.path, self.record)

    def _try_kernels(self, machine: dict[str, Any]) -> bool:
        """Find out whether kernels saturate; tell whether there are others that do not."""
        trial = str(self.bundle.folder / "trial.onnx")
        try:
            machine["kernels_saturate"] = saturates(make_session(trial, 1))
            return not saturates(make_session(trial, 1, config_entries=EXACT_KERNELS))
        except Exception:  # an onnxruntime that cannot run it
            return False

    def _predict(self, model: dict[str, Any], exact_trial: bool) -> dict[str, Any]:
        """Return the row of a model with everything but times; with the reason where it fails."""
        name = model["name"]
        path = self.bundle.folder / model["path"]
        inputs = self.bundle.inputs(model)
        try:
            # First, since a process of its own also survives an onnxruntime that crashes.
            memory = self._memory(path, inputs) if self.timed else None
            session = self._load(path)
            first = next(iter(inputs)).inputs
            nodes = nodes_by_provider(str(path), first, self.provider, self.threads)
            check_nodes(nodes, self.provider)
            predictions = self._predict_all(name, session, inputs)
            row = {
                **new_row(model),
                "predictions": predictions.tolist(),
                "executed_by": nodes,
                "peak_memory_bytes": memory,
                "saturation": self._saturation(model, predictions, exact_trial),
            }
        except Exception as error:  # onnxruntime's exceptions have no common base but this
            return new_row(model, first_line(error))
        return row

    def _memory(self, path: Path, inputs: ModelInputs) -> int | None:
        if sys.platform == "win32":  # which has no module resource
            return None
        (array,) = self._first_batch(inputs).values()
        try:
            return peak_memory(path, array, self.threads, self.provider)
        except subprocess.CalledProcessError as error:
            if error.returncode < 0:
                raise UserError(
                    f"onnxruntime {onnxruntime.__version__} crashes on it (signal "
                    f"{-error.returncode}); install a newer one"
                ) from error
            return None  # the next step says why

    def _load(self, path: Path) -> onnxruntime.InferenceSession:
        """Raises UserError where onnxruntime does not load a model."""
        try:
            return make_session(str(path), self.threads, provider=self.provider)
        except UserError:  # the provider is to blame
            raise
        except Exception as error:
            own, other = onnxruntime.__version__, self.bundle.manifest["onnxruntime"]
            reason = cut_middle(first_line(error), REASON)
            raise UserError(
                f"onnxruntime {own} does not load it; it was made with {other} ({reason})"
            ) from error

    def _predict_all(
        self, text: str, session: onnxruntime.InferenceSession, inputs: ModelInputs
    ) -> np.ndarray:
        with ProgressBar(f"predicting {text}", len(inputs.images)) as progress:
            classes = self.bundle.manifest["dataset"]["classes"]
            scores = predict_scores(session, inputs, classes, progress, "the scores are not finite")
        return predicted_classes(scores)

    def _saturation(
        self, model: dict[str, Any], predictions: np.ndarray, exact_trial: bool
    ) -> dict[str, Any]:
        found: dict[str, Any] = dict.fromkeys(("why", "changed", "delta_pp", "predictions"))
        exact = model.get("exact")
        if self.provider != CPU:
            found["why"] = OTHER_PROVIDER
        elif model["format"] != "onnx":
            found["why"] = OTHER_FORMAT
        elif exact is None:
            found["why"] = FITTING_WEIGHTS
        elif not self.record["machine"]["kernels_saturate"]:
            found["why"] = NOTHING_SATURATES
        elif not exact_trial:
            found["why"] = NO_EXACT_KERNELS
        if exact is None or found["why"]:
            return {"checked": False, **found}
        others = self._predict_all(
            f"{model['name']} without saturation",
            make_session(
                str(self.bundle.folder / exact), self.threads, config_entries=EXACT_KERNELS
            ),
            self.bundle.inputs(model),
        )
        labels = self.bundle.labels
        right, exactly_right = int(np.sum(predictions == labels)), int(np.sum(others == labels))
        found["changed"] = float(np.mean(predictions != others))
        found["delta_pp"] = 100 * (right - exactly_right) / len(labels)
        found["predictions"] = others.tolist()
        return {"checked": True, **found}

    def _compare(self, rows: list[dict[str, Any]]) -> None:
        """Add how the predictions compare with labels, float32 and the other machine."""
        made = {row["name"]: np.array(row["predictions"]) for row in rows if row["predictions"]}
        baseline = made.get(BASELINE)
        for row in rows:
            if row["failed"]:
                continue
            predictions, expected = made[row["name"]], self.bundle.expected.get(row["name"])
            row["correct"] = int(np.sum(predictions == self.bundle.labels))
            row["accuracy"] = row["correct"] / len(predictions)
            if baseline is not None:
                row["agreement"] = float(np.mean(predictions == baseline))
            if expected is not None:
                row["expected_agreement"] = float(np.mean(predictions == expected))

    def _measure_times(self, rows: list[dict[str, Any]]) -> None:
        if not rows:
            return
        models = {model["name"]: model for model in self.models}
        makers: dict[str, Callable[[int], Any]] = {}
        for row in rows:
            path = str(self.bundle.folder / row["path"])
            makers[row["name"]] = partial(self._make_timed_session, path)
        setting = Setting(self.threads, partial(self._first_batches, list(makers), models))
        seconds = self.record["settings"]["seconds"]
        with ProgressBar(f"timing {len(rows)} models in turn", BLOCK_COUNT) as progress:
            measured = measure_in_turn(makers, [setting], seconds, BLOCK_COUNT)
            for block, (times,) in enumerate(measured, 1):
                progress.update()
                # The interval is of groups of blocks.
                if block % BOOTSTRAP_GROUP == 0:
                    self._add_times(rows, times)
                    write_record(self.path, self.record)

    def _make_timed_session(self, path: str, threads: int) -> onnxruntime.InferenceSession:
        return make_session(path, threads, config_entries=SESSION_OPTIONS, provider=self.provider)

    def _first_batches(
        self, names: list[str], models: dict[str, dict[str, Any]]
    ) -> dict[str, dict[str, np.ndarray]]:
        return {name: self._first_batch(self.bundle.inputs(models[name])) for name in names}

    def _first_batch(self, inputs: ModelInputs) -> dict[str, np.ndarray]:
        """Return the batch of images that is timed, as the inputs of one call."""
        size = self.record["settings"]["batch_size"]
        few = ModelInputs(inputs.images[:size], inputs.interface, inputs.preprocessing, size)
        return next(iter(few)).inputs

    def _add_times(self, rows: list[dict[str, Any]], times: dict[str, Times]) -> None:
        batches = {model["name"]: model["batch"] for model in self.models}
        for row in rows:
            own, fp32 = times[row["name"]], times.get(BASELINE)
            size = batches[row["name"]] or self.record["settings"]["batch_size"]
            speed = dict(summarize(own, fp32 or own, self.threads, size))
            if fp32 is None:  # which did not load
                speed["speedup"] = speed["speedup_ci95"] = None
            row["latency"] = speed
            row["block_medians_ms"] = (1e3 * np.median(own.calls, axis=1)).tolist()
