"""onnxruntime as on a CPU with AVX2 and no VNNI, at full speed, on one that has it.

onnxruntime asks the CPU once, with the instruction CPUID, and chooses its kernels by the answer. A
copy of it is told otherwise: see hide_vnni.c.
"""

import os
import re
import shutil
import subprocess
from importlib.util import find_spec
from pathlib import Path

SOURCE = Path(__file__).parents[3] / "resources" / "hide_vnni.c"
TOOLS = {"cc": "gcc", "objdump": "binutils", "readelf": "binutils"}  # and their packages in Debian
CPUID, UD2 = b"\x0f\xa2", b"\x0f\x0b"


def missing_tools() -> str | None:
    """Return what `hide_vnni` needs and this machine has not, as text with the remedy."""
    missing = [tool for tool in TOOLS if shutil.which(tool) is None]
    if not missing:
        return None
    packages = " ".join(dict.fromkeys(TOOLS[tool] for tool in missing))
    return f"{', '.join(missing)}: not found; on Debian: apt-get install {packages}"


def hide_vnni(folder: Path) -> tuple[dict[str, str], int]:
    """Put a changed copy of onnxruntime into an empty folder.

    Returns the variables of the environment by which a Python takes it, and the number of
    instructions that were replaced. Needs Linux on x86-64 and `missing_tools` to be there.
    """
    library = folder / "hide_vnni.so"
    subprocess.run(["cc", "-shared", "-fPIC", "-O1", "-o", library, SOURCE], check=True)
    spec = find_spec("onnxruntime")
    assert spec and spec.origin
    copy = shutil.copytree(Path(spec.origin).parent, folder / "onnxruntime")
    replaced = sum(_replace_cpuid(file) for file in copy.glob("capi/*.so*"))
    paths = filter(None, [str(folder), os.environ.get("PYTHONPATH", "")])
    return {"LD_PRELOAD": str(library), "PYTHONPATH": os.pathsep.join(paths)}, replaced


def _replace_cpuid(library: Path) -> int:
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
