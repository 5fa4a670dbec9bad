# needs  the float32 model and the ranges of a recipe, and float32's answers on validation images
# makes  results/sensitivity/<share>.json: what each node of a share costs


# More jobs serve a large model on a cluster: --set-scatter sensitivity=16
scattergather:
    sensitivity=4,


rule measure_sensitivity:
    """Quantize one node at a time, and all but one, for a share of the nodes."""
    input:
        model=MIXED_MODEL,
        ranges=MIXED_RANGES,
        samples="results/calibration/samples.npy",
        images="results/sweep/validation.npy",
        baseline="results/sweep/predictions/fp32.npz",
    output:
        rows="results/sensitivity/{scatteritem}.json",
    log:
        "results/logs/measure_sensitivity/{scatteritem}.log",
    benchmark:
        "results/benchmarks/measure_sensitivity/{scatteritem}.tsv"
    conda:
        "../../envs/onnx.yaml"
    # The shares run side by side, a thread each.
    threads: 1
    params:
        name=MIXED_NAME,
        recipe=MIXED,
        images=config["sensitivity"]["images"],
        batch_size=config["evaluation"]["batch_size"],
        preprocessing=PREPROCESSING,
        code=get_code("measure_sensitivity"),
    script:
        "../scripts/measure_sensitivity.py"
