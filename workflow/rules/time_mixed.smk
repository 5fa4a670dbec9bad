# needs  the curve of nodes in float32, and what its models are quantized from
# makes  results/mixed_precision.csv: the curve, with the speed of each step


rule time_mixed:
    """Time all steps on the way to the recipe auto, with the machine to themselves."""
    input:
        curve="results/sweep/mixed_precision.csv",
        model=MIXED_MODEL,
        fp32="results/models/fp32.onnx",
        ranges=MIXED_RANGES,
        samples="results/calibration/samples.npy",
        images="results/sweep/validation.npy",
    output:
        curve="results/mixed_precision.csv",
    log:
        "results/logs/time_mixed.log",
    benchmark:
        "results/benchmarks/time_mixed.tsv"
    conda:
        "../../envs/onnx.yaml"
    # As in measure_latency, where it measures times: all there are, so that nothing runs beside it.
    threads: 1000 if LATENCY else 1
    params:
        recipe=MIXED,
        timed=bool(LATENCY),
        threads=config["latency"]["threads"][0],
        batch_size=config["latency"]["batch_sizes"][0],
        seconds=config["sweep"]["seconds"],
        preprocessing=PREPROCESSING,
        code=get_code("time_mixed"),
    script:
        "../scripts/time_mixed.py"
