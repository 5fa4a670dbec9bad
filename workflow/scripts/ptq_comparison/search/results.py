"""Rows that the search writes, for readers that need not load onnxruntime."""

from typing import NotRequired, TypedDict


class SensitivityRow(TypedDict):
    """A row of sensitivity.csv: what quantizing costs, in the mode `all`, `only` or `all_but`.

    `agreement` is a fraction with its 95 % Wilson interval, `kl_divergence` in nats, `sqnr_db` None
    for an output that equals that of float32.
    """

    rank: NotRequired[int]
    node: str
    op_type: str
    mode: str
    images: int
    agreement: float
    agreement_ci95_low: float
    agreement_ci95_high: float
    kl_divergence: float
    sqnr_db: float | None


class MixedPrecisionRow(TypedDict):
    """A row of mixed_precision.csv; the speed is there where it is measured.

    `bytes` is the size of the file. Accuracies are fractions, differences in percentage points with
    Tango's interval.
    """

    nodes_in_float: int
    nodes_quantized: int
    node: str
    correct: int
    total: int
    top1: float
    delta_pp: float
    delta_ci95_low_pp: float
    delta_ci95_high_pp: float
    agreement: float
    kl_divergence: float
    bytes: int
    threads: NotRequired[int]
    batch_size: NotRequired[int]
    images_per_second: NotRequired[float]
    speedup: NotRequired[float]
    speedup_ci95_low: NotRequired[float]
    speedup_ci95_high: NotRequired[float]
