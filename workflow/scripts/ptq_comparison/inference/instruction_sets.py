"""Instruction sets that decide which 8-bit kernels onnxruntime takes, under archspec's names."""

INSTRUCTION_SETS = (
    "avx", "avx2", "fma", "avx512f", "avx512bw", "avx512_vnni", "avx_vnni", "amx_int8", "neon",
    "asimd", "asimddp", "i8mm", "sve",
)  # fmt: skip
