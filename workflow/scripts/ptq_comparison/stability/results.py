"""What draws of calibration images give, for readers that need not load onnxruntime."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypedDict

from ptq_comparison.common.errors import UserError
from ptq_comparison.common.files import read_json
from ptq_comparison.evaluation.results import SaturationCheck

RECOMMENDED = "recommended"
EQUALS = "sweep/"  # before the name of a recipe, which a configured model may have, too


class Compared(TypedDict):
    """A model against float32 on the same images; see `metrics.paired_comparison`."""

    correct: int
    total: int
    top1: float
    delta_pp: float
    agreement: float
    fixed: int
    broken: int


class DrawRow(Compared):
    """What a draw gives for a model.

    `exact` is the same with kernels that do not saturate, equal where nothing does; None where
    onnxruntime has no such kernels for the model, as `saturation` says.
    """

    model: str
    recipe: str
    model_sha256: str
    saturation: SaturationCheck
    exact: Compared | None


class Draw(TypedDict):
    """The content of a file of results/calibration_seeds/: one draw and what it gives.

    `pool` are the training images that it is drawn from; `runtime` is that of the predictions.
    """

    seed: int
    images: int
    pool: int
    samples_sha256: str
    runtime: dict[str, Any]
    models: list[DrawRow]


def read_draws(*paths_of_kinds: Sequence[Path]) -> list[Draw]:
    """Read the draws of some kinds of models; those of one seed become one.

    Raises UserError where they were made on different CPUs or with different versions, which would
    add to what the images change.
    """
    draws: dict[int, Draw] = {}
    for paths in paths_of_kinds:
        for path in paths:
            draw: Draw = read_json(path)
            known = draws.setdefault(draw["seed"], {**draw, "models": []})
            known["models"].extend(draw["models"])
            first = next(iter(draws.values()))
            if draw["runtime"] != first["runtime"]:
                raise UserError(
                    f"{path}: was made on another CPU, or with other versions, than the draw with "
                    f"seed {first['seed']}; run all on machines of one kind, and delete the file"
                )
    return list(draws.values())
