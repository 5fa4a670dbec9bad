"""Rows of activations.json with chosen values."""

from typing import Any


def make_tensors(count: int) -> list[dict[str, Any]]:
    """Return tensors with ranges of their own, of which each uses one level more than the last."""
    return [
        {
            "tensor": f"model_1/batch_normalization_{n}/batchnorm/mul_1:0",
            "op_type": "Mul",
            "low": -123.456 - n,
            "high": 234.567,
            "grid": 256,
            "zero_level": 88,
            "levels": [60, 90, 100 + n],
            "share": (41 + n) / 256,
            "clipped": 0.0,
        }
        for n in range(count)
    ]
