"""Do the speeds of measure_latency repeat? Prints a Markdown table of two runs.

    python -m benchmarks.latency_repeat [--data ../shared/data]

With the bundled model, or with ResNet8 on the CIFAR-10 prefix where --data names it, at --cores 2.
On a machine that does something else meanwhile, look at the load that is printed, too.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from benchmarks.real_data import REPOSITORY

COLUMNS = ("model", "threads", "batch", "first", "interval", "second", "change", "covered")


def measure(folder: Path, options: list[str]) -> list[dict[str, Any]]:
    """Return the rows of latency.json, measured again."""
    command = [sys.executable, "-m", "snakemake", "--cores", "2", "-d", str(folder), *options]
    command += ["--forcerun", "measure_latency", "--", "results/latency.json"]
    subprocess.run(command, cwd=REPOSITORY, check=True, capture_output=True)
    rows: list[dict[str, Any]] = json.loads((folder / "results/latency.json").read_text())[
        "measurements"
    ]
    return rows


def main() -> None:
    """Print a row for each quantized model and setting."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, help="the folder of cifar10-prefix and models")
    data = parser.parse_args().data
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        options = []
        if data:
            config = folder / "prefix.yaml"
            config.write_text(
                f"dataset: {{path: '{data}/cifar10-prefix'}}\n"
                f"model: {{source: '{data}/models/resnet8.onnx'}}\n"
            )
            options = ["--configfile", "config/cifar10.yaml", str(config)]
        first, second = measure(folder, options), measure(folder, options)
    print(f"| {' | '.join(COLUMNS)} |\n|{' --- |' * len(COLUMNS)}")
    for one, other in zip(first, second, strict=True):
        if one["model"] != "fp32":
            (low, high), speed = one["speedup_ci95"], other["speedup"]
            print(
                f"| {one['model']} | {one['threads']} | {one['batch_size']} "
                f"| {one['speedup']:.3f} | {low:.3f} to {high:.3f} | {speed:.3f} "
                f"| {speed / one['speedup'] - 1:+.1%} | {'yes' if low <= speed <= high else 'no'} |"
            )
    print(f"\nLoad average of the last 5 minutes: {os.getloadavg()[1]:.1f}")


if __name__ == "__main__":
    main()
