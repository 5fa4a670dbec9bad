# needs  the bundle for devices, and emulators of other CPUs: see docs/emulation.md
# makes  results/emulated/device_<cpu>.json, predictions without times
#
# device_bundle -> emulate_device -> gather_devices


rule emulate_device:
    """Run the bundle as on another CPU, for the predictions there."""
    input:
        bundle=get_emulated_bundle,
    output:
        device="results/emulated/device_{cpu}.json",
    log:
        "results/logs/emulate_device/{cpu}.log",
    benchmark:
        "results/benchmarks/emulate_device/{cpu}.tsv"
    wildcard_constraints:
        cpu="|".join(CPUS),
    conda:
        "../../envs/onnx.yaml"
    threads: 1
    resources:
        mem_mb=get_memory,
    params:
        code=get_code("emulate_device"),
    script:
        "../scripts/emulate_device.py"
