"""Whether the kernels of a session saturate: tried with a small model, see `saturating.make_trial`.

A program that emulates or hides a CPU may tell of it what kernels are not chosen by.
"""

from __future__ import annotations

import numpy as np
import onnxruntime

# Session option of kernels that do not saturate; see `exact_kernels`.
EXACT_KERNELS = {"session.x64quantprecision": "1"}
LARGEST_ACTIVATION = 255
# A sum of 64 products, in steps of 255 * 100.
TRIAL_LEVELS = np.full((2, 64, 1, 1), LARGEST_ACTIVATION, np.uint8)
TRIAL_WEIGHT = 100
TRIAL_SUM = 64


def saturates(trial: onnxruntime.InferenceSession) -> bool:
    """Tell whether a convolution or a product of the trial saturates."""
    found = trial.run(None, {"levels": TRIAL_LEVELS})
    return any(not np.all(result == TRIAL_SUM) for result in found)
