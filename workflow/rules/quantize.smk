# needs  the float32 model, its ranges, and the calibration images that both are checked with
# makes  results/models/<dtype>.onnx, which holds where it comes from


rule quantize:
    """Quantize activations and weights, and check that the result is what was asked for."""
    input:
        model=get_float_model,
        ranges="results/calibration/ranges.json",
        images="results/calibration/samples.npy",
        samples="results/calibration/samples.csv",
    output:
        model="results/models/{dtype}.onnx",
    log:
        "results/logs/quantize/{dtype}.log",
    benchmark:
        "results/benchmarks/quantize/{dtype}.tsv"
    conda:
        "../../envs/onnx.yaml"
    params:
        method=config["calibration"]["method"],
        options=method_options(config["calibration"]),
        samples_per_class=config["calibration"]["samples_per_class"],
        seed=config["calibration"]["seed"],
        batch_size=config["calibration"]["batch_size"],
        preprocessing=PREPROCESSING,
        quantization=get_quantization,
        code=get_code("quantize"),
    script:
        "../scripts/quantize.py"
