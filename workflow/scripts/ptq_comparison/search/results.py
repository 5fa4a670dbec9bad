"""Rows that the search writes, for readers that need not load onnxruntime."""

from collections.abc import Mapping, Sequence
from typing import Any, NotRequired, TypedDict


class SensitivityRow(TypedDict):
    """A row of sensitivity.csv: what quantizing costs, in the mode `all`, `only` or `all_but`.

    `agreement` is a fraction with its 95 % Wilson interval, `kl_divergence` in nats, `sqnr_db` None
    for an output that equals that of float32. Where the model could not be made, all figures are
    None, and `reason` says why; elsewhere it is "".
    """

    rank: NotRequired[int]
    node: str
    op_type: str
    mode: str
    images: int | None
    agreement: float | None
    agreement_ci95_low: float | None
    agreement_ci95_high: float | None
    kl_divergence: float | None
    sqnr_db: float | None
    reason: str


class MixedPrecisionRow(TypedDict):
    """A row of mixed_precision.csv; the speed is there where it is measured.

    `node` is what the step leaves in float32 beyond the one before, a node or a kind of nodes;
    `is_auto` is 1 for the step that is the recipe auto; `tries` are the models so far whose
    predictions had a part in the choice. `bytes` is the size of the file. Accuracies are fractions,
    differences in percentage points with Tango's interval. Where the step could not be made, all
    figures are None, and `reason` says why; elsewhere it is "".
    """

    nodes_in_float: int
    nodes_quantized: int
    node: str
    is_auto: int
    tries: int
    correct: int | None
    total: int | None
    top1: float | None
    delta_pp: float | None
    delta_ci95_low_pp: float | None
    delta_ci95_high_pp: float | None
    agreement: float | None
    kl_divergence: float | None
    bytes: int | None
    reason: str
    threads: NotRequired[int | None]
    batch_size: NotRequired[int | None]
    images_per_second: NotRequired[float | None]
    speedup: NotRequired[float | None]
    speedup_ci95_low: NotRequired[float | None]
    speedup_ci95_high: NotRequired[float | None]


def is_made(row: Mapping[str, Any]) -> bool:
    """Tell whether the model of a row could be made, and the row has figures."""
    return not row.get("reason")


def made_rows(rows: Sequence[Any]) -> list[Any]:
    """Return the rows that have figures, none of which is None."""
    return [row for row in rows if is_made(row)]
