"""Memory and time of each rule with images of 224 x 224; prints tables.

    python -m benchmarks.full_size peaks [--test-images 200]
    python -m benchmarks.full_size images [--counts 2000 50000] [--shards 1 4]

`peaks` runs a network of the size of EfficientNet-Lite0 through the default run and through what
takes more memory: other calibration methods, and a recipe with GPTQ and bias correction. `images`
runs one of the size of MobileNet 0.25 on few and on many test images, and compares memory, time
an image, and the files of runs with several shards.

The networks have random weights, and the images are made here: JPEG files in folders of 1,000
classes, of which 1,000 are distinct and the rest are links. Peak memory is that of the process, as
the system counts it and the log of each job says at its end.
"""

import argparse
import hashlib
import io
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import yaml
from PIL import Image

from benchmarks.networks import CLASSES, EFFICIENTNET_LITE0, IMAGE, MOBILENET_025, make_network
from benchmarks.real_data import REPOSITORY

TRAIN_IMAGES = DISTINCT = 1000
USED = re.compile(r"(?m)^INFO peak memory: (\d+) MB, CPU time: ([\d.]+) s$")
PATCH = 8  # pixels of noise, which are stretched to the size of an image
SETTINGS: dict[str, Any] = {
    "memory_mb": 1000,
    # Pixels from -1 to 1
    "model": {"scale": 1 / 127.5, "mean": 1.0},
    "latency": {"measure": False},
    # Weights are random, and so is what the network says of training images.
    "acceptance": {"min_calibration_accuracy": 0, "suspicious_input": "warn"},
}
DEMANDING = {
    "mse": {"dtype": "int8", "method": "MSE"},
    "percentile": {"dtype": "int8", "method": "Percentile"},
    "entropy": {"dtype": "int8", "method": "Entropy", "num_bins": 512},
    "gptq": {"dtype": "int8", "rounding": "GPTQ", "bias_correction": True, "per_channel": True},
}


def main() -> None:
    """Print the tables that the command asks for."""
    parser = argparse.ArgumentParser(description=__doc__)
    commands = parser.add_subparsers(required=True)
    peaks = commands.add_parser("peaks")
    peaks.add_argument("--test-images", type=int, default=200)
    peaks.set_defaults(command=print_peaks)
    images = commands.add_parser("images")
    images.add_argument("--counts", type=int, nargs="+", default=[2000, 50_000])
    images.add_argument("--shards", type=int, nargs="+", default=[1])
    images.add_argument("--dtypes", nargs="+", default=["int8", "uint8"])
    images.set_defaults(command=print_images)
    for command in (peaks, images):
        command.add_argument("--cores", type=int, default=2)
        command.add_argument("--folder", type=Path, help="for all files, and kept; else temporary")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        arguments.command(arguments, (arguments.folder or Path(temporary)).resolve())


def print_peaks(arguments: argparse.Namespace, folder: Path) -> None:
    """Print peak memory and CPU seconds of each job of a default run and of demanding recipes."""
    model = save_network(folder / "efficientnet_lite0.onnx", EFFICIENTNET_LITE0)
    data = write_images(folder / "data", arguments.test_images, model)
    (folder / "recipes.yaml").write_text(yaml.safe_dump({"recipes": DEMANDING}))
    targets = ["all", *(f"results/sweep/{name}_eval.json" for name in DEMANDING)]
    own = {
        "sweep": {"recipes": str(folder / "recipes.yaml"), "validation_images": 200},
        "calibration": {"samples": 128},
    }
    seconds = run(folder / "peaks", model, data, own, targets, arguments.cores)
    print(f"EfficientNet-Lite0, {arguments.test_images} test images, {seconds:.0f} s\n")
    print("| job | peak memory (MB) | CPU seconds |\n| --- | ---: | ---: |")
    for name, (peak, taken) in read_jobs(folder / "peaks").items():
        print(f"| {name} | {peak} | {taken:.1f} |")


def print_images(arguments: argparse.Namespace, folder: Path) -> None:
    """Print peak memory and CPU time of each rule for each number of images and shards."""
    model = save_network(folder / "mobilenet_025.onnx", MOBILENET_025)
    runs: dict[str, tuple[int, dict[str, tuple[int, float]]]] = {}
    digests: dict[int, set[str]] = {}
    for count in arguments.counts:
        data = write_images(folder / f"data{count}", count, model)
        for shards in arguments.shards:
            name = f"{count} images" + (f", {shards} shards" if shards > 1 else "")
            place = folder / name.replace(", ", "_").replace(" ", "_")
            own = {
                "evaluation": {"shards": shards},
                "quantization": {"dtypes": arguments.dtypes},
            }
            seconds = run(place, model, data, own, ["all"], arguments.cores)
            runs[name] = count, by_rule(read_jobs(place))
            digests.setdefault(count, set()).add(digest_of_results(place))
            print(f"{name}: {seconds:.0f} s", flush=True)
    print()
    print("| rule |" + "".join(f" {name}: MB | CPU ms an image |" for name in runs))
    print("| --- |" + " ---: |" * 2 * len(runs))
    for rule in dict.fromkeys(rule for _, jobs in runs.values() for rule in jobs):
        cells = ""
        for count, jobs in runs.values():
            peak, taken = jobs.get(rule, (0, 0.0))
            cells += f" {peak} | {1e3 * taken / count:.2f} |" if peak else " | |"
        print(f"| {rule} |{cells}")
    for count, found in digests.items():
        if len(arguments.shards) > 1:
            print(f"{count} images: files are {'equal' if len(found) == 1 else 'NOT equal'}")


def save_network(path: Path, shape: Any) -> Path:
    """Write a network, and return its path."""
    path.parent.mkdir(parents=True, exist_ok=True)
    onnx.save(make_network(shape), path)
    return path


def write_images(folder: Path, test_images: int, model: Path) -> Path:
    """Write JPEG files `train/<class>/` and `test/<class>/`, unless they are there.

    The class of a test image is what the model says of it.
    """
    if folder.exists():
        return folder
    generator = np.random.default_rng(0)
    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    for split in ("train", "test"):
        for label in range(CLASSES):
            (folder / split / f"class{label:04}").mkdir(parents=True)

    def write(split: str, number: int) -> Path:
        content = io.BytesIO()
        noise = generator.integers(0, 256, (PATCH, PATCH, 3), np.uint8)
        Image.fromarray(noise).resize((IMAGE, IMAGE)).save(content, "JPEG", quality=85)
        pixels = np.asarray(Image.open(content), np.float32).transpose(2, 0, 1)[np.newaxis]
        label = number % CLASSES
        if split == "test":
            label = session.run(None, {"image": pixels / 127.5 - 1})[0].argmax()
        path = folder / split / f"class{label:04}" / f"{number:06}.jpg"
        path.write_bytes(content.getvalue())
        return path

    for number in range(TRAIN_IMAGES):
        write("train", number)
    distinct = [write("test", number) for number in range(min(test_images, DISTINCT))]
    for number in range(DISTINCT, test_images):
        first = distinct[number % DISTINCT]
        os.link(first, first.with_name(f"{number:06}.jpg"))
    return folder


def run(
    folder: Path,
    model: Path,
    data: Path,
    own: dict[str, Any],
    targets: Sequence[str],
    cores: int,
) -> float:
    """Run the workflow in a folder; return seconds, and end the program where it fails."""
    folder.mkdir(parents=True, exist_ok=True)
    config = {
        **SETTINGS,
        **own,
        "dataset": {"name": "image_folder", "path": str(data)},
        "model": {**SETTINGS["model"], "source": str(model)},
    }
    (folder / "own.yaml").write_text(yaml.safe_dump(config))
    command = [sys.executable, "-m", "snakemake", "--cores", str(cores), "-d", str(folder)]
    command += ["--configfile", str(folder / "own.yaml"), "--", *targets]
    begin = time.perf_counter()
    result = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True)
    if result.returncode:
        sys.exit(result.stdout + result.stderr)
    return time.perf_counter() - begin


def read_jobs(folder: Path) -> dict[str, tuple[int, float]]:
    """Return the peak memory in MB and the CPU seconds of each job, by rule and wildcards."""
    results = folder / "results"
    jobs = {}
    for log in sorted((results / "logs").rglob("*.log"), key=lambda path: path.stat().st_mtime):
        name = log.relative_to(results / "logs").with_suffix("")
        if found := USED.findall(log.read_text()):
            jobs[str(name)] = int(found[-1][0]), float(found[-1][1])
    return jobs


def by_rule(jobs: dict[str, tuple[int, float]]) -> dict[str, tuple[int, float]]:
    """Return the largest peak of each rule, and the seconds of all of its jobs."""
    rules: dict[str, list[tuple[int, float]]] = {}
    for name, job in jobs.items():
        rules.setdefault(name.split("/")[0], []).append(job)
    return {
        rule: (max(peak for peak, _ in found), sum(taken for _, taken in found))
        for rule, found in rules.items()
    }


def digest_of_results(folder: Path) -> str:
    """Return SHA-256 over evaluations, predictions and the table, which hold no times."""
    digest, results = hashlib.sha256(), folder / "results"
    for path in sorted([*results.glob("*_eval.json"), results / "comparison.csv"]):
        digest.update(path.read_bytes())
    for path in sorted((results / "predictions").glob("*.npz")):
        with np.load(path) as arrays:
            for name in sorted(arrays):
                digest.update(arrays[name].tobytes())
    return digest.hexdigest()


if __name__ == "__main__":
    main()
