"""Run a command as on a CPU with AVX2 and no VNNI, at full speed, on one that has it.

    python -m benchmarks.without_vnni snakemake --cores 2 recommend --configfile config/cifar10.yaml

The command gets a copy of onnxruntime that is told otherwise (see hide_vnni.c). Predictions then
are those of a CPU without VNNI, and ratios of times those of its kernels on this one. What results
tell of the CPU (`runtime`) stays as it is. Needs Linux on x86-64, cc, objdump and readelf.
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1] / "workflow/scripts"))

from ptq_comparison.device.without_vnni import hide_vnni, missing_tools


def main(command: list[str]) -> int:
    """Run the command and return its exit code."""
    if not command:
        sys.exit("error: no command; see the docstring of benchmarks/without_vnni.py")
    missing = missing_tools()
    if missing:
        sys.exit(f"error: {missing}")
    with tempfile.TemporaryDirectory() as scratch:
        variables, replaced = hide_vnni(Path(scratch))
        print(f"onnxruntime without VNNI: {replaced} instructions replaced", file=sys.stderr)
        return subprocess.run(command, env={**os.environ, **variables}).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
