"""What runs inside the environment of a peer, which has numpy and what the peer installs.

    python -P -m benchmarks.peers.PEER quantize|measure FOLDER

FOLDER gets what the peer makes: models, and `made.json`. FOLDER/../given/ has what every peer gets.
`measure` is for models of a runtime of the peer's own, which onnxruntime cannot run.
"""

import json
import shutil
import sys
import time
from collections.abc import Callable, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import numpy as np


class Given(NamedTuple):
    """The float32 model, and calibration images as that model takes them."""

    model: Path  # ONNX
    keras: Path | None  # what it was converted from, if that is at hand
    input: str  # name of the input of the ONNX model
    inputs: np.ndarray  # (N, ...) of the type of that input, preprocessed
    batch: int  # a number of images that the ONNX model takes at once

    def batches(self, size: int = 1) -> list[dict[str, np.ndarray]]:
        """Return what the ONNX model takes, so many images at a time."""
        starts = range(0, len(self.inputs), size)
        return [{self.input: self.inputs[start : start + size]} for start in starts]


class Variant(NamedTuple):
    """A way to quantize: its name in the table, the file that it makes, and the function."""

    name: str
    file: str
    make: Callable[[Given, Path], object]


class Runtime(Protocol):
    """A loaded model. `run` is what is timed, on what `prepare` made of one image before."""

    def prepare(self, image: np.ndarray) -> Any: ...
    def run(self, prepared: Any) -> np.ndarray: ...


class Onnx:
    """An ONNX model in onnxruntime, with one thread."""

    def __init__(self, model: str | bytes) -> None:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        self.session = onnxruntime.InferenceSession(
            model, options, providers=["CPUExecutionProvider"]
        )
        self.name = self.session.get_inputs()[0].name

    def prepare(self, image: np.ndarray) -> dict[str, np.ndarray]:
        return {self.name: image}

    def run(self, prepared: dict[str, np.ndarray]) -> np.ndarray:
        output: np.ndarray = self.session.run(None, prepared)[0]
        return output


def outputs_of(model: Runtime, inputs: np.ndarray) -> np.ndarray:
    """Return the first outputs of a model for inputs (N, ...), one at a time, together."""
    prepared = (model.prepare(inputs[i : i + 1]) for i in range(len(inputs)))
    # A copy, since a runtime may hand out its own buffer.
    return np.concatenate([np.array(model.run(image)) for image in prepared])


def agreement(outputs: np.ndarray, others: np.ndarray) -> float:
    """Return the share of images that two models put into the same class; both (N, classes)."""
    return float(np.mean(outputs.argmax(axis=1) == others.argmax(axis=1)))


def main(
    package: str, variants: Sequence[Variant], load: Callable[[Path], Runtime] | None = None
) -> None:
    """Quantize, or measure, as the command line says; `load` opens a model that is not ONNX."""
    command, own = sys.argv[1], Path(sys.argv[2])
    given = json.loads((own.parent / "given/given.json").read_text())
    if command == "quantize":
        quantize(package, variants, given, own)
    elif load:
        measure(load, given, own)


def quantize(
    package: str, variants: Sequence[Variant], settings: dict[str, Any], own: Path
) -> None:
    """Make the models; `made.json` has their files, or why there is none."""
    (own / "made.json").unlink(missing_ok=True)  # a run that is killed leaves none
    installed = version(package)
    keras = settings["keras"]
    given = Given(
        own / "float32.onnx",
        Path(keras) if keras else None,
        settings["input"],
        np.load(settings["calibration"]),
        settings["batch"],
    )
    made = []
    for variant in variants:
        row: dict[str, Any] = {"variant": variant.name, "file": variant.file, "error": None}
        begin = time.monotonic()
        try:
            # A copy for each, since ModelOpt writes over the file that it is given.
            shutil.copy(settings["model"], given.model)
            variant.make(given, own / variant.file)
        except Exception as error:  # whatever a peer does, the others go on
            print(f"{variant.name}: {error!r}", file=sys.stderr)
            row["error"] = " ".join(f"{type(error).__name__}: {error}".split())[:300]
        made.append({**row, "seconds": round(time.monotonic() - begin, 1)})
    content = {"version": installed, "models": made}
    (own / "made.json").write_text(json.dumps(content, indent=2) + "\n")


def measure(load: Callable[[Path], Runtime], settings: dict[str, Any], own: Path) -> None:
    """Write `<file>.npz` for each model: outputs on the test images, and times beside float32's.

    Models and the float32 one in onnxruntime take turns, as in the workflow's own measurement:
    `times` and `fp32` are seconds, float64 (blocks, rounds).
    """
    inputs = np.load(settings["test"])
    made = json.loads((own / "made.json").read_text())["models"]
    files = [row["file"] for row in made if not row["error"]]
    outputs = {file: outputs_of(load(own / file), inputs) for file in files}
    times: dict[str, list[list[float]]] = {name: [] for name in [*files, "fp32"]}
    for _ in range(settings["blocks"]):
        # New ones in each block, since the place of a model in memory changes its times.
        models: dict[str, Runtime] = {file: load(own / file) for file in files}
        models["fp32"] = Onnx(settings["model"])
        prepared = {name: model.prepare(inputs[:1]) for name, model in models.items()}
        for name, model in models.items():
            for _ in range(settings["warm_up"]):
                seconds = timed(model, prepared[name])
        if not times["fp32"]:  # the last one above: it sets the pace
            rounds = max(1, round(settings["seconds"] / settings["blocks"] / seconds))
        for name in times:
            times[name].append([])
        for _ in range(rounds):
            for name, model in models.items():
                times[name][-1].append(timed(model, prepared[name]))
    for file in files:
        np.savez(
            own / f"{file}.npz",
            outputs=outputs[file],
            times=np.array(times[file]),
            fp32=np.array(times["fp32"]),
        )


def timed(model: Runtime, prepared: Any) -> float:
    """Return the seconds of one call."""
    begin = time.perf_counter()
    model.run(prepared)
    return time.perf_counter() - begin
