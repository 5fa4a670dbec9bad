"""How much longer does the workflow take than a plain script? Prints one line with the ratio.

    python -m benchmarks.second_run [--repeat 5] [--data ../shared/data]

The second run on the CIFAR-10 prefix, everything deleted but the data set, at --cores 2, against
plain_script.py; wall-clock seconds, the two in turn, and the ratio of the medians. Neither makes
figures or times models, which the script does not know; `--all` lets the workflow make everything.
"""

import argparse
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import archspec.cpu

from benchmarks.real_data import REPOSITORY, add_data_argument

TARGETS = ["results/comparison.csv", "results/verification.json"]


def run(command: list[str]) -> float:
    """Run a command from the repository's folder; return its wall-clock seconds."""
    start = time.perf_counter()
    subprocess.run(command, cwd=REPOSITORY, check=True, capture_output=True)
    return time.perf_counter() - start


def main() -> None:
    """Print the ratio and the medians."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--all", action="store_true", help="also figures and times")
    add_data_argument(parser)
    arguments = parser.parse_args()
    data: Path = arguments.data
    model = data / "models" / "resnet8.onnx"
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        config = folder / "prefix.yaml"
        config.write_text(
            f"dataset: {{path: '{data}/cifar10-prefix'}}\nmodel: {{source: '{model}'}}\n"
            f"latency: {{measure: {str(arguments.all).lower()}}}\n"
        )
        snakemake = [sys.executable, "-m", "snakemake", "--cores", "2", "-d", str(folder)]
        snakemake += ["--configfile", "config/cifar10.yaml", str(config), "--"]
        snakemake += ["all"] if arguments.all else TARGETS
        run(snakemake)
        workflow, plain = [], []
        for _ in range(arguments.repeat):
            for path in (folder / "results").iterdir():
                if path.name != "dataset":
                    shutil.rmtree(path) if path.is_dir() else path.unlink()
            workflow.append(run(snakemake))
            output = folder / "plain"
            shutil.rmtree(output, ignore_errors=True)
            output.mkdir()
            script = str(REPOSITORY / "benchmarks" / "plain_script.py")
            dataset = str(folder / "results" / "dataset")
            plain.append(run([sys.executable, script, str(model), dataset, str(output)]))
    seconds = statistics.median(workflow), statistics.median(plain)
    print(
        f"workflow {seconds[0]:.1f} s, plain script {seconds[1]:.1f} s, "
        f"ratio {seconds[0] / seconds[1]:.2f} (medians of {arguments.repeat}, "
        f"{archspec.cpu.brand_string() or archspec.cpu.host().name})"
    )


if __name__ == "__main__":
    main()
