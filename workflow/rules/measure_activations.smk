# needs  the float32 model, its ranges and the calibration images
# makes  results/calibration/activations.json: how the values of each tensor lie on the 8-bit grid


rule measure_activations:
    """Measure how much of the 8-bit grid the values of each activation tensor use."""
    input:
        model=get_float_model,
        ranges="results/calibration/ranges.json",
        images="results/calibration/samples.npy",
    output:
        activations="results/calibration/activations.json",
    log:
        "results/logs/measure_activations.log",
    benchmark:
        "results/benchmarks/measure_activations.tsv"
    conda:
        "../../envs/onnx.yaml"
    params:
        batch_size=config["calibration"]["batch_size"],
        preprocessing=PREPROCESSING,
        code=get_code("measure_activations"),
    script:
        "../scripts/measure_activations.py"
