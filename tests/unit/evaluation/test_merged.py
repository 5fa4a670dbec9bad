"""Predictions of shards, put together."""

import numpy as np
import pytest
from ptq_comparison.common.errors import UserError
from ptq_comparison.evaluation.merged import merge_arrays, merge_provenance


def test_arrays_follow_each_other_and_empty_shards_add_nothing():
    parts = ([0, 1], [], [2])
    shards = [
        {
            "labels": np.array(part, np.int64),
            "scores": np.array([[p, 1] for p in part], np.float32).reshape(-1, 2),
        }
        for part in parts
    ]
    merged = merge_arrays(shards)
    assert list(merged) == ["labels", "scores"]
    assert merged["labels"].tolist() == [0, 1, 2] and merged["labels"].dtype == np.int64
    assert merged["scores"].tolist() == [[0, 1], [1, 1], [2, 1]]
    assert merged["scores"].dtype == np.float32


def test_provenance_is_that_of_all_shards():
    provenance = {"model_sha256": "m", "runtime": {"cpu": "a", "isa": ["avx2"]}}
    assert merge_provenance([provenance, dict(provenance)]) == provenance
    other = {"model_sha256": "m", "runtime": {"cpu": "b", "isa": ["avx2"]}}
    with pytest.raises(UserError, match=r"shard 3 .* another runtime .* \(cpu: b instead of a\)"):
        merge_provenance([provenance, provenance, other])
