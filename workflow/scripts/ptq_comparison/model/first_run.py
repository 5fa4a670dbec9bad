"""How much memory and time a model gets that nobody has run here before.

Such a file may come from anywhere, and hold a loop without an end or a tensor of terabytes.
"""

import os
from collections.abc import Mapping
from pathlib import Path

from ptq_comparison.common.limits import Limits
from ptq_comparison.model.external_weights import external_files

# A vision transformer of 350 MB, with images of 224 x 224, took 3 GB and 14 seconds, a network like
# MobileNet of 113 MB 1.4 GB and 10 seconds. Large images take more of both.
MEMORY, MEMORY_PER_BYTE = 5e9, 12
SECONDS, SECONDS_PER_BYTE = 180, 2e-6
# What the packages map: onnxruntime with a thread, and TensorFlow, which starts some for each core.
PACKAGES = 0.3e9
TENSORFLOW = 3e9 + 0.2e9 * (os.cpu_count() or 1)
TENSORFLOW_SLOWER = 10  # since many more images are tried


def first_run_limits(
    source: Path, configured: Mapping[str, float | None], keras: bool = False
) -> Limits:
    """Return the limits of a job that runs a model, with those of the config if it has any.

    `configured` are `max_gb` and `max_seconds`. The others grow with the bytes of the weights, of
    which the job makes copies: forms of the model, and sessions. `source` is an ONNX file, or one
    of `keras`.
    """
    files = [source, *([] if keras else external_files(source))]
    size = sum(os.path.getsize(file) for file in files if os.path.isfile(file))
    memory = MEMORY + MEMORY_PER_BYTE * size + (TENSORFLOW if keras else PACKAGES)
    seconds = (SECONDS + SECONDS_PER_BYTE * size) * (TENSORFLOW_SLOWER if keras else 1)
    max_gb, max_seconds = configured["max_gb"], configured["max_seconds"]
    return Limits(
        address_space=int(max_gb * 1e9 if max_gb else memory),
        cpu_seconds=int(max_seconds or seconds),
        subject="model.source",
        remedy="if you trust it, raise model.max_gb (memory) or model.max_seconds (time)",
    )
