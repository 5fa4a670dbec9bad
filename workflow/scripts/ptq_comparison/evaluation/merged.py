"""The predictions of several shards as those of one job."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from ptq_comparison.common.errors import UserError
from ptq_comparison.common.mapped import drop_pages, pieces, scratch_array


def merge_arrays(shards: Sequence[dict[str, np.ndarray]]) -> dict[str, np.ndarray]:
    """Return the arrays of all shards, each put together along the images, in their order.

    Large ones are in temporary files, and a piece is in memory at once.
    """
    return {name: _merge([shard[name] for shard in shards]) for name in shards[0]}


def _merge(parts: Sequence[np.ndarray]) -> np.ndarray:
    whole = scratch_array((sum(map(len, parts)), *parts[0].shape[1:]), parts[0].dtype)
    done = 0
    for part in parts:
        for piece in pieces(part):
            whole[done : done + len(piece)] = piece
            drop_pages(whole)
            done += len(piece)
    return whole


def merge_provenance(provenance: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Return the provenance that all shards have.

    Raises UserError where shards differ, for instance in their CPU, whose kernels round and may
    saturate in another way.
    """
    first = provenance[0]
    for number, other in enumerate(provenance[1:], start=2):
        for key, value in first.items():
            if other[key] != value:
                raise UserError(
                    f"evaluation.shards: shard {number} was made with another {key} than the first "
                    f"({_difference(value, other[key])}); run all on machines of one kind, or set "
                    "it to 1"
                )
    return first


def _difference(first: Any, other: Any) -> str:
    """Return the first values that differ, of two that may be objects."""
    if isinstance(first, dict) and isinstance(other, dict):
        for key, value in first.items():
            if other.get(key) != value:
                return f"{key}: {_difference(value, other.get(key))}"
    return f"{other} instead of {first}"
