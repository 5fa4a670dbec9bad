"""Does the memory of calibration grow with the number of images? Prints a ratio for each method.

    python -m benchmarks.calibration_memory [--data ../shared/data]

Peak resident memory of rule calibrate's work, each in a process of its own, on real images.
"""

import argparse
import subprocess
import sys
from pathlib import Path

from benchmarks.real_data import REPOSITORY, add_data_argument

COUNTS = (250, 4000)
METHODS = {
    "MinMax": "{}",
    "Percentile": "{'percentile': 99.999, 'num_bins': 2048}",
    "Entropy": "{'num_bins': 512, 'num_quantized_bins': 128}",
    "MSE": "{'num_bins': 2048}",
}
WORK = """
import ast, resource, sys
from pathlib import Path
from tqdm import tqdm
from ptq_comparison.calibration.calibrate import calibrate
from ptq_comparison.datasets.cifar10 import read_cifar10
from ptq_comparison.inference.batches import Batches
from ptq_comparison.model.loading import load_model

data, count, method, options = Path(sys.argv[1]), int(sys.argv[2]), *sys.argv[3:]
images = read_cifar10(data / "cifar10-prefix").train.images[:count]
assert len(images) == count
model = load_model(data / "models" / "resnet8.onnx")
batches = Batches.of(images, model, {"layout": "auto"}, 32)
calibrate(model, batches, method, ast.literal_eval(options), tqdm(disable=True))
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


def peak_megabytes(data: Path, count: int, method: str) -> float:
    """Return the peak resident memory of calibrating on `count` images."""
    output = subprocess.run(
        [sys.executable, "-c", WORK, str(data), str(count), method, METHODS[method]],
        env={"PYTHONPATH": str(REPOSITORY / "workflow" / "scripts")},
        check=True,
        stdout=subprocess.PIPE,
    ).stdout
    return int(output.splitlines()[-1]) / 1024  # Linux counts kilobytes


def main() -> None:
    """Print the peak memory for both numbers of images, and the ratio."""
    parser = argparse.ArgumentParser(description=__doc__)
    add_data_argument(parser)
    data = parser.parse_args().data
    for method in METHODS:
        few, many = (peak_megabytes(data, count, method) for count in COUNTS)
        print(
            f"calibrate, {method}: {few:.0f} MB with {COUNTS[0]} images, {many:.0f} MB with "
            f"{COUNTS[1]}, ratio {many / few:.2f}"
        )


if __name__ == "__main__":
    main()
