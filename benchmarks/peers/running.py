"""One peer: it quantizes in its environment, and measures what onnxruntime cannot run."""

import json
from pathlib import Path

from benchmarks.peers.environments import PeerError, make_environment, run_inside
from benchmarks.peers.measuring import Results, disturbed, read_measured
from benchmarks.peers.table import Row

PEERS = {
    "neural_compressor": "Neural Compressor",
    "quark": "Quark",
    "modelopt": "ModelOpt",
    "openvino": "OpenVINO",
    "litert": "LiteRT",
}


def rows_of(peer: str, results: Results, envs: Path, made: Path, measure: bool) -> list[Row]:
    """Return a row for each model of a peer, or one that says why there is none.

    The models are made in `made`/`peer`, or, to `measure` alone, taken from there. Rows of ONNX
    models have the path as `onnx`, and no figures yet.
    """
    folder = made / peer
    named: Row = {"tool": PEERS[peer], "version": "", "variant": ""}
    try:
        if not (measure and (folder / "made.json").is_file()):
            run_inside(make_environment(envs, peer), peer, "quantize", folder)
        found = json.loads((folder / "made.json").read_text())
        named["version"] = found["version"]
        rows, foreign = [], {}
        for model in found["models"]:
            row = {**named, "variant": model["variant"]}
            rows.append(row)
            if model["error"]:
                row["error"] = model["error"]
            elif model["file"].endswith(".onnx"):
                row["onnx"] = str(folder / model["file"])
            else:
                foreign[model["file"]] = row
        for _ in range(2 if foreign else 0):  # once more where other load disturbs it
            run_inside(make_environment(envs, peer), peer, "measure", folder)
            for file, row in foreign.items():
                row |= read_measured(results, folder, file, row)
            if not any(map(disturbed, foreign.values())):
                break
    except PeerError as error:
        return [{**named, "error": str(error)}]
    return rows
