"""How many images a batch has, so that a job stays within its memory."""

from typing import Any

import onnx

from ptq_comparison.model.activations import activations
from ptq_comparison.model.interface import read_interface

# Larger batches were not faster, with images of 32 x 32 and of 224 x 224.
MOST_FETCHED, MOST_PREDICTED = 32, 100
# Measured with benchmarks/full_size.py, see docs/performance.md. What a job holds besides a batch:
# packages, and the model in copies, of its file, of its graph and in sessions.
PACKAGES, COPIES = 150e6, 12
# Of an image: its float32 input while it is scaled, and as two batches that wait for the session.
INPUTS = 6
# Of a session: onnxruntime's arena grows in steps, and has gaps between tensors.
ARENA = 3
# Of tensors that are looked at: absolute values, and the counts of a histogram.
LOOKED_AT = 4


def choose_batch_size(
    model: onnx.ModelProto, images: Any, params: Any, fetches_all: bool = False
) -> int:
    """Return the number of images in a batch, at least 1.

    `images` have the `shape` (N, H, W, C). `params` are those of the rule: `batch_size` is what the
    config asks for, or None; `memory_mb` is the memory that the job may take, in MB, about; and
    `preprocessing` has the `layout`. `fetches_all` says that the job looks at all tensors of the
    model, not only at the scores. A fixed batch size of the model wins over this number.
    """
    if params.batch_size:
        return int(params.batch_size)
    height, width, channels = images.shape[1:]
    interface = read_interface(model, params.preprocessing["layout"])
    found = activations(model, interface, (height, width, channels))
    one = INPUTS * 4 * height * width * channels
    one += found.total + LOOKED_AT * found.largest if fetches_all else ARENA * found.alive
    left = 1e6 * params.memory_mb - PACKAGES - COPIES * model.ByteSize()
    return max(1, min(MOST_FETCHED if fetches_all else MOST_PREDICTED, int(left // one)))
