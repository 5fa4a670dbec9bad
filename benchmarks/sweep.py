"""What does sharing save? The default sweep against its recipes one by one; prints a ratio.

    python -m benchmarks.sweep [--every 5] [--data ../shared/data]

Wall-clock seconds on the CIFAR-10 prefix at --cores 2, everything deleted but the data set before
each run: all recipes in one sweep, and every fifth recipe alone, whose mean stands for all. Both
evaluate and time every recipe; the sweep makes the recipe auto and the table, too.
"""

import argparse
import shutil
import statistics
import sys
import tempfile
from pathlib import Path

import archspec.cpu
import yaml

from benchmarks.real_data import REPOSITORY, add_data_argument, run


def main() -> None:
    """Print seconds of the sweep and of its recipes one by one, and the ratio."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--every", type=int, default=5, metavar="N", help="run each N-th recipe alone"
    )
    add_data_argument(parser)
    arguments = parser.parse_args()
    sys.path.append(str(REPOSITORY / "workflow" / "scripts"))
    from ptq_comparison.config.recipe_lists import expand_recipes
    from ptq_comparison.config.recipes import complete_recipes, equal_recipes

    config = yaml.safe_load((REPOSITORY / "config/config.yaml").read_text())
    shipped = yaml.safe_load((REPOSITORY / "config/recipes.yaml").read_text())["recipes"]
    expanded = expand_recipes(shipped)
    names = list(dict.fromkeys(equal_recipes(complete_recipes(expanded, config)).values()))
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        together = sweep(folder, arguments.data, expanded, ["results/sweep.csv"])
        alone = [
            sweep(
                folder,
                arguments.data,
                {name: expanded[name]},
                [f"results/sweep/{name}_eval.json", f"results/sweep/latency/{name}.json"],
            )
            for name in names[:: arguments.every]
        ]
    one_by_one = len(names) * statistics.mean(alone)
    print(
        f"sweep of {len(names)} recipes {together:.0f} s, one by one {one_by_one:.0f} s (mean of "
        f"{len(alone)}: {statistics.mean(alone):.1f} s), ratio {together / one_by_one:.2f} "
        f"({archspec.cpu.brand_string() or archspec.cpu.host().name})"
    )


def sweep(folder: Path, data: Path, recipes: dict[str, dict], targets: list[str]) -> float:
    """Return the seconds to make files of a sweep from scratch, but for the data set."""
    for path in (folder / "results").glob("*"):
        if path.name != "dataset":
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    own = folder / "own.yaml"
    own.write_text(
        yaml.safe_dump(
            {
                "dataset": {"path": str(data / "cifar10-prefix")},
                "model": {"source": str(data / "models" / "resnet8.onnx")},
                "sweep": {"recipes": str(folder / "recipes.yaml")},
                # A recipe alone is not that of the configuration.
                **({"sensitivity": {"recipe": None}} if len(recipes) == 1 else {}),
            }
        )
    )
    (folder / "recipes.yaml").write_text(yaml.safe_dump({"recipes": recipes}))
    command = [sys.executable, "-m", "snakemake", "--cores", "2", "-d", str(folder)]
    command += ["--configfile", "config/cifar10.yaml", str(own), "--"]
    if not (folder / "results" / "dataset").exists():
        run([*command, "results/dataset/dataset.json"])
    return run([*command, *targets])


if __name__ == "__main__":
    main()
