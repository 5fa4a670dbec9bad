"""Models in ORT format, which small builds of onnxruntime for phones and boards read.

The graph in such a file is optimized already, and such a build holds only the operators that it
needs. See https://onnxruntime.ai/docs/performance/model-optimizations/ort-format-models.html
"""

import re
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path

from onnxruntime.tools.convert_onnx_models_to_ort import (
    OptimizationStyle,
    convert_onnx_models_to_ort,
)
from onnxruntime.tools.ort_format_model import create_config_from_models

from ptq_comparison.common.files import atomic_path
from ptq_comparison.device.ort_bytes import in_order

# All optimizations are in the file. The other style leaves some to the device, for NNAPI and CoreML
# alone, and needs a session option there to make them.
STYLE = OptimizationStyle.Fixed
# Without convolutions in blocks of channels (NCHWc), which x86-64 alone computes, and with integer
# operators around int8 activations, as onnxruntime makes them itself on ARM. x86-64 runs both.
PLATFORM = "arm"


def convert_to_ort(model: Path, target: Path) -> None:
    """Write an ONNX file in ORT format, by onnxruntime's converter, with the same bytes each time.

    onnxruntime raises an exception of its own where it cannot load the model.
    """
    with tempfile.TemporaryDirectory() as scratch:
        # It takes the name of the file, and passes over some, as `a.optimized.onnx`.
        source = Path(scratch) / "model.onnx"
        shutil.copyfile(model, source)
        convert_onnx_models_to_ort(source, optimization_styles=[STYLE], target_platform=PLATFORM)
        data = in_order(source.with_suffix(".ort").read_bytes())
    with atomic_path(target) as temporary:
        temporary.write_bytes(data)


def write_required_operators(models: Sequence[Path], target: Path) -> None:
    """Write the operators of models in ORT format, for `--include_ops_by_config` of a build."""
    with atomic_path(target) as temporary:
        create_config_from_models(list(models), temporary, enable_type_reduction=False)
        # In comments it names the models by their paths.
        text = re.sub(r"^(# - ).*/", r"\1", temporary.read_text(), flags=re.MULTILINE)
        temporary.write_text(text)
