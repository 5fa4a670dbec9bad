"""Quantize a network by other tools, too, measure all alike, and write docs/comparison.md.

    python -m benchmarks.peers --results DIR --title "ResNet8 on CIFAR-10" [--keras MODEL.h5]
    python -m benchmarks.peers --results DIR --title "ResNet8 on CIFAR-10" --only workflow

DIR is `results` of a finished run of the workflow: all tools get its float32 model and calibration
images, and are measured on its test images. Each peer has an environment of its own. Rows are kept
in benchmarks/peers/results.json, so that --only measures some tools again and keeps the others.
"""

import argparse
import json
import re
import sys
from importlib.metadata import version
from pathlib import Path

from benchmarks.real_data import REPOSITORY

WORKFLOW = "this workflow"


def main() -> None:
    """Measure the tools that are asked for, and write their rows."""
    sys.path.append(str(REPOSITORY / "workflow" / "scripts"))
    from ptq_comparison.common.errors import UserError

    from benchmarks.peers.measuring import Results, measure_onnx, where_and_when
    from benchmarks.peers.running import PEERS, rows_of
    from benchmarks.peers.table import Row, merge, read_tables, write_tables

    arguments = parse(["workflow", *PEERS])
    try:
        results = Results(arguments.results.resolve())
    except (OSError, UserError) as error:
        sys.exit(f"error: --results: {error}; `snakemake all` makes what is needed")
    rows: list[Row] = []
    if "workflow" in arguments.only:
        own = {"tool": WORKFLOW, "version": f"onnxruntime {version('onnxruntime')}"}
        paths = {"float32": results.model_path, **results.quantized_models()}
        rows += [{**own, "variant": name, "onnx": str(path)} for name, path in paths.items()]
    envs = arguments.envs.resolve()
    made = envs / "made" / re.sub(r"\W+", "-", arguments.title).strip("-")
    peers = [name for name in PEERS if name in arguments.only]
    if peers:
        given = results.settings(made / "given", arguments.keras and arguments.keras.resolve())
        (made / "given/given.json").write_text(json.dumps(given, indent=2) + "\n")
    for peer in peers:
        print(f"{PEERS[peer]} ...", flush=True)
        rows += rows_of(peer, results, envs, made, arguments.measure)
    paths = {row["onnx"]: Path(row["onnx"]) for row in rows if "onnx" in row}
    measured = measure_onnx(results, paths)
    for row in rows:
        row |= {**where_and_when(), **measured.get(row.pop("onnx", ""), {})}
    files = REPOSITORY / "benchmarks/peers/results.json", REPOSITORY / "docs/comparison.md"
    try:
        tables = merge(
            read_tables(files[0]),
            arguments.title,
            results.identity(),
            rows,
            [WORKFLOW, *PEERS.values()],
        )
        write_tables(tables, *files)
    except ValueError as error:
        sys.exit(f"error: {error}")


def parse(tools: list[str]) -> argparse.Namespace:
    """Return the arguments of the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--results", type=Path, required=True, metavar="DIR")
    parser.add_argument("--title", required=True, help="the heading of the table")
    parser.add_argument("--only", nargs="+", choices=tools, default=tools, metavar="TOOL")
    parser.add_argument("--keras", type=Path, help="what the float32 model was converted from")
    parser.add_argument(
        "--envs", type=Path, default=REPOSITORY / ".venv-peers", help="made by the command"
    )
    parser.add_argument(
        "--measure", action="store_true", help="measure models that were made before, where any are"
    )
    return parser.parse_args()


if __name__ == "__main__":
    main()
