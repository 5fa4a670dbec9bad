# needs  the float32 model and its ranges
# makes  results/models/int8.onnx and uint8.onnx


rule quantize:
    """Quantize activations and weights to 8 bits."""
    input:
        model=get_float_model,
        ranges="results/calibration/ranges.json",
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
        calibration=config["calibration"],
        quantization={k: v for k, v in config["quantization"].items() if k != "dtypes"},
        code=get_code("quantize"),
    script:
        "../scripts/quantize.py"
