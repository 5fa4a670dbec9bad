# needs  the ranking of the nodes, and what they were ranked with
# makes  results/sweep/models/auto.onnx, and results/sweep/mixed_precision.csv: how it came about


rule mix_precision:
    """Keep the worst nodes in float32 until the loss on the validation images is small enough."""
    input:
        sensitivity="results/sensitivity.csv",
        model=MIXED_MODEL,
        ranges=MIXED_RANGES,
        samples="results/calibration/samples.npy",
        images="results/sweep/validation.npy",
        baseline="results/sweep/predictions/fp32.npz",
    output:
        model=f"results/sweep/models/{AUTO}.onnx",
        curve="results/sweep/mixed_precision.csv",
    log:
        "results/logs/mix_precision.log",
    benchmark:
        "results/benchmarks/mix_precision.tsv"
    conda:
        "../../envs/onnx.yaml"
    params:
        recipe=MIXED,
        target_drop_pp=config["sensitivity"]["target_drop_pp"],
        batch_size=config["evaluation"]["batch_size"],
        preprocessing=PREPROCESSING,
        code=get_code("mix_precision"),
    script:
        "../scripts/mix_precision.py"
