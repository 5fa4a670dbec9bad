"""The software and the CPU that results were made with."""

import platform
from typing import Any

import archspec.cpu
import numpy as np
import onnx
import onnxruntime
from archspec.cpu.detect import detected_info

from ptq_comparison.inference.instruction_sets import INSTRUCTION_SETS


def describe_runtime(providers: list[str]) -> dict[str, Any]:
    """Return versions, execution providers, the CPU model and its instruction sets."""
    # Not archspec.cpu.host().features: those are of the nearest CPU model that archspec knows, and
    # a virtual machine that hides its model thus lost its VNNI.
    features = detected_info().features
    return {
        "onnxruntime": onnxruntime.__version__,
        "onnx": onnx.__version__,
        "numpy": np.__version__,
        "python": platform.python_version(),
        "providers": providers,
        "cpu": archspec.cpu.brand_string() or archspec.cpu.host().name,
        "isa": [name for name in INSTRUCTION_SETS if name in features],
    }
