# needs  the float32 model, the first quantized one, and the calibration images
# makes  results/calibration/activations.json: how the values of each tensor lie on its grid


rule measure_activations:
    """Measure how much of its stored grid the values of each activation tensor use."""
    input:
        model=get_float_model,
        quantized=f"results/models/{next(iter(QUANTIZED))}.onnx",
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
