"""A program that asks the CPU by the instruction CPUID gets the answer of one without VNNI."""

import platform
import subprocess

import pytest
from ptq_comparison.device.without_vnni import SOURCE, _replace_cpuid, missing_tools

PROGRAM = r"""
#include <cpuid.h>
#include <stdio.h>
int main(void)
{
    unsigned a, b, c, d;
    __cpuid_count(0, 0, a, b, c, d);
    printf("%.4s%.4s%.4s", (char *)&b, (char *)&d, (char *)&c);
    __cpuid_count(7, 0, a, b, c, d);
    printf(" %u %u %u", b >> 5 & 1, b >> 16 & 1, c >> 11 & 1);
    __cpuid_count(7, 1, a, b, c, d);
    printf(" %u\n", a >> 4 & 1);
    return 0;
}
"""


@pytest.mark.skipif(
    platform.machine() != "x86_64" or platform.system() != "Linux", reason="Linux on x86-64 alone"
)
@pytest.mark.skipif(missing_tools() is not None, reason=f"{missing_tools()}")
def test_cpuid_is_replaced_and_answered_without_vnni(tmp_path):
    program, library = tmp_path / "program", tmp_path / "hide_vnni.so"
    (tmp_path / "program.c").write_text(PROGRAM)
    subprocess.run(["cc", "-o", program, tmp_path / "program.c"], check=True)
    subprocess.run(["cc", "-shared", "-fPIC", "-o", library, SOURCE], check=True)

    def run(**environment):
        return subprocess.run([program], env=environment, capture_output=True, text=True)

    vendor, avx2, *_ = run().stdout.split()
    assert _replace_cpuid(program) >= 3
    assert run().returncode == -4  # SIGILL: no CPUID is left
    # AVX2 stays, AVX-512, its VNNI and AVX-VNNI are gone.
    assert run(LD_PRELOAD=str(library)).stdout.split() == [vendor, avx2, "0", "0", "0"]
