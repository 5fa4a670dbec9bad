"""Run a command as on a CPU with AVX2 and no VNNI, at full speed, on one that has it.

    python -m benchmarks.without_vnni snakemake --cores 2 recommend --configfile config/cifar10.yaml

onnxruntime asks the CPU once, with the instruction CPUID, and chooses its kernels by the answer.
The command gets a copy of onnxruntime that is told otherwise (see hide_vnni.c). Predictions then
are those of a CPU without VNNI, and ratios of times those of its kernels on this one. What results
tell of the CPU (`runtime`) stays as it is. Needs Linux on x86-64, cc, objdump and readelf.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path

SOURCE = Path(__file__).with_name("hide_vnni.c")
CPUID, UD2 = b"\x0f\xa2", b"\x0f\x0b"


def main(command: list[str]) -> int:
    """Run the command and return its exit code."""
    if not command:
        sys.exit("error: no command; see the docstring of benchmarks/without_vnni.py")
    missing = [tool for tool in ("cc", "objdump", "readelf") if shutil.which(tool) is None]
    if missing:
        sys.exit(f"error: {', '.join(missing)}: not found; on Debian: apt-get install gcc binutils")
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        hide = folder / "hide_vnni.so"
        subprocess.run(["cc", "-shared", "-fPIC", "-O1", "-o", hide, SOURCE], check=True)
        spec = find_spec("onnxruntime")
        assert spec and spec.origin
        copy = shutil.copytree(Path(spec.origin).parent, folder / "onnxruntime")
        replaced = sum(replace_cpuid(library) for library in copy.glob("capi/*.so*"))
        print(f"onnxruntime without VNNI: {replaced} instructions replaced", file=sys.stderr)
        paths = [str(folder), os.environ.get("PYTHONPATH", "")]
        environment = {
            **os.environ,
            "LD_PRELOAD": str(hide),
            "PYTHONPATH": os.pathsep.join(filter(None, paths)),
        }
        return subprocess.run(command, env=environment).returncode


def replace_cpuid(library: Path) -> int:
    """Put UD2 in the place of every CPUID of a shared library; return how many there were."""
    headers = _run("readelf", "--wide", "--segments", library)
    segments = [
        tuple(int(number, 16) for number in match)
        for match in re.findall(r"LOAD +0x(\w+) 0x(\w+) 0x\w+ 0x(\w+)", headers)
    ]  # offset in the file, address, size
    code = bytearray(library.read_bytes())
    found = re.findall(
        r"(?m)^ *(\w+):\s+cpuid", _run("objdump", "-d", "--no-show-raw-insn", library)
    )
    for address in (int(text, 16) for text in found):
        place = next(
            address - start + offset
            for offset, start, size in segments
            if start <= address < start + size
        )
        assert code[place : place + 2] == CPUID
        code[place : place + 2] = UD2
    library.write_bytes(code)
    return len(found)


def _run(*command: str | Path) -> str:
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
