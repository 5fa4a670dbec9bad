"""Does the memory of calibration grow with the number of images? Prints one line with the ratio.

    python -m benchmarks.calibration_memory [--data ../shared/data]

Peak resident memory of rule calibrate's work, each in a process of its own, on real images.
"""

import argparse
import subprocess
import sys

from benchmarks.real_data import REPOSITORY, add_data_argument

COUNTS = (250, 4000)
WORK = """
import resource, sys
from pathlib import Path
from tqdm import tqdm
from ptq_comparison.calibration import calibrate
from ptq_comparison.datasets.cifar10 import read_cifar10
from ptq_comparison.inference import Batches
from ptq_comparison.models import load_model

data, count = Path(sys.argv[1]), int(sys.argv[2])
images = read_cifar10(data / "cifar10-prefix").train.images[:count]
assert len(images) == count
model = load_model(data / "models" / "resnet8.onnx")
batches = Batches.of(images, model, {"layout": "auto"}, 32)
calibrate(model, batches, "MinMax", 1, tqdm(disable=True))
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


def main() -> None:
    """Print the peak memory for both numbers of images, and the ratio."""
    parser = argparse.ArgumentParser(description=__doc__)
    add_data_argument(parser)
    data = parser.parse_args().data
    megabytes = [
        int(
            subprocess.run(
                [sys.executable, "-c", WORK, str(data), str(count)],
                env={"PYTHONPATH": str(REPOSITORY / "workflow" / "scripts")},
                check=True,
                stdout=subprocess.PIPE,
            ).stdout
        )
        / 1024  # Linux counts kilobytes
        for count in COUNTS
    ]
    print(
        f"calibrate: {megabytes[0]:.0f} MB with {COUNTS[0]} images, {megabytes[1]:.0f} MB with "
        f"{COUNTS[1]}, ratio {megabytes[1] / megabytes[0]:.2f}"
    )


if __name__ == "__main__":
    main()
