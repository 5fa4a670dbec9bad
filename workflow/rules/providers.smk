# needs  the bundle for devices, and onnxruntime with the execution provider
# makes  results/providers/device_<provider>.json for each further provider of latency.providers
#
# find_provider -> measure_provider


rule find_provider:
    """Find an onnxruntime with an execution provider, before anything else takes time."""
    output:
        # Environments come and go.
        found=temp("results/providers/{provider}.json"),
    log:
        "results/logs/find_provider/{provider}.log",
    benchmark:
        "results/benchmarks/find_provider/{provider}.tsv"
    priority: 100
    conda:
        "../../envs/onnx.yaml"
    resources:
        mem_mb=get_small_memory,
    params:
        name=lambda wildcards: PROVIDERS[wildcards.provider],
        pythons=lambda wildcards: get_pythons(wildcards.provider),
        code=get_code("find_provider"),
    script:
        "../scripts/find_provider.py"


rule measure_provider:
    """Measure the bundle with an execution provider, with the machine to itself."""
    input:
        found="results/providers/{provider}.json",
        bundle="results/device_bundle.zip",
    output:
        device="results/providers/device_{provider}.json",
    log:
        "results/logs/measure_provider/{provider}.log",
    benchmark:
        "results/benchmarks/measure_provider/{provider}.tsv"
    conda:
        "../../envs/onnx.yaml"
    threads: ALL_CORES if MEASURES_LATENCY else 1
    resources:
        mem_mb=get_memory,
    params:
        timed=MEASURES_LATENCY,
        code=get_code("measure_provider"),
    script:
        "../scripts/measure_provider.py"
