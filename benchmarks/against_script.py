"""How much longer does the workflow take than a plain script? Prints a Markdown table.

    python -m benchmarks.against_script [--repeat 5] [--batch-sizes 1 100]

Both start from 10,000 test and 2,000 training images as PNG files of 32 x 32, which are made
before, and the bundled model; they quantize it to int8 and uint8, and evaluate three models. The
script is plain_script.py. The workflow runs at --cores 2 and measures no times, once without and
once with figures. Wall-clock seconds and seconds of CPU time, one of each in turn, and the ratios
of the medians of the former. Where something else computes meanwhile, the latter tell more.
"""

import argparse
import os
import shutil
import statistics
import sys
import tempfile
from pathlib import Path

import archspec.cpu
from PIL import Image

from benchmarks.real_data import REPOSITORY, run

IMAGES = {"train": ("calibration", 2_000), "test": ("test", 10_000)}  # stream of shapes, number
TABLES = ["results/comparison.csv", "results/verification.json"]
FIGURES = [
    f"results/figures/{name}.svg"
    for name in ("accuracy", "tradeoff", "classes", "confusion", "examples", "ranges")
]


def write_inputs(folder: Path) -> None:
    """Write images/<split>/<class>/<number>.png, and the bundled model as model.onnx."""
    sys.path.append(str(REPOSITORY / "workflow" / "scripts"))
    from ptq_comparison.datasets.shapes_generator import CLASS_NAMES, generate
    from ptq_comparison.model.bundled import decode_bundled

    (folder / "model.onnx").write_bytes(decode_bundled())
    # Classes are sorted by name, and those of the model are not.
    names = [f"{label}_{name}" for label, name in enumerate(CLASS_NAMES)]
    for split, (stream, count) in IMAGES.items():
        for name in names:
            (folder / "images" / split / name).mkdir(parents=True)
        for number, (pixels, label) in enumerate(zip(*generate(stream, count), strict=True)):
            file = folder / "images" / split / names[label] / f"{number:05}.png"
            Image.fromarray(pixels).save(file)


def main() -> None:
    """Print a row for each batch size."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--batch-sizes", type=int, nargs="+", default=[1, 100])
    arguments = parser.parse_args()
    print("| batch | | seconds | of CPU time | ratio to the script |")
    print("| ---: | --- | ---: | ---: | ---: |")
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        write_inputs(folder)
        for size in arguments.batch_sizes:
            config = folder / "config.yaml"
            config.write_text(
                f"dataset: {{name: image_folder, path: '{folder}/images'}}\n"
                f"evaluation: {{batch_size: {size}}}\nlatency: {{measure: false}}\n"
            )
            script = str(REPOSITORY / "benchmarks" / "plain_script.py")
            plain = [*(str(folder / name) for name in ("model.onnx", "images", "plain")), str(size)]
            snakemake = [sys.executable, "-m", "snakemake", "--cores", "2"]
            snakemake += ["-d", str(folder / "run"), "--configfile", str(config), "--", *TABLES]
            commands = {
                "script": [sys.executable, script, *plain],
                "workflow": snakemake,
                "with figures": [*snakemake, *FIGURES],
            }
            seconds: dict[str, list[float]] = {name: [] for name in commands}
            cpu: dict[str, list[float]] = {name: [] for name in commands}
            for _ in range(arguments.repeat):
                for name, command in commands.items():
                    target = folder / ("plain" if name == "script" else "run")
                    shutil.rmtree(target, ignore_errors=True)
                    target.mkdir()
                    used = sum(os.times()[2:4])
                    seconds[name].append(run(command))
                    cpu[name].append(sum(os.times()[2:4]) - used)
            script_s = statistics.median(seconds["script"])
            for name in commands:
                wall = statistics.median(seconds[name])
                print(
                    f"| {size} | {name} | {wall:.1f} | {statistics.median(cpu[name]):.1f} "
                    f"| {wall / script_s:.2f} |",
                    flush=True,
                )
    name = archspec.cpu.brand_string() or archspec.cpu.host().name
    print(f"\nMedians of {arguments.repeat} on {name}; load average {os.getloadavg()[1]:.1f}.")


if __name__ == "__main__":
    main()
