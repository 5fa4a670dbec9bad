# needs  the ranking of the nodes, and what they were ranked with
# makes  results/sweep/models/auto.onnx, and results/mixed_precision.csv: how it came about


rule mix_precision:
    """Keep the worst nodes in float32 until the loss on the validation images is small enough."""
    input:
        sensitivity="results/sensitivity.csv",
        model=MIXED_MODEL,
        fp32="results/models/fp32.onnx",
        ranges=MIXED_RANGES,
        samples="results/calibration/samples.npy",
        images="results/sweep/validation.npy",
        baseline="results/sweep/predictions/fp32.npz",
    output:
        model=f"results/sweep/models/{AUTO}.onnx",
        curve="results/mixed_precision.csv",
    log:
        "results/logs/mix_precision.log",
    benchmark:
        "results/benchmarks/mix_precision.tsv"
    conda:
        "../../envs/onnx.yaml"
    # As in measure_latency, where it measures times: all there are, so that nothing runs beside it.
    threads: 1000 if LATENCY else 1
    params:
        recipe=MIXED,
        target_drop_pp=config["acceptance"]["target_drop_pp"],
        timed=bool(LATENCY),
        threads=config["latency"]["threads"][0],
        timed_batch_size=config["latency"]["batch_sizes"][0],
        seconds=config["sweep"]["seconds"],
        batch_size=config["evaluation"]["batch_size"],
        preprocessing=PREPROCESSING,
        code=get_code("mix_precision"),
    script:
        "../scripts/mix_precision.py"
