# needs  the float32 model and the calibration images
# makes  results/calibration/ranges.json, for all dtypes


rule calibrate:
    """Measure the range of every activation tensor, once for all dtypes."""
    input:
        model=get_float_model,
        images="results/calibration/samples.npy",
    output:
        ranges="results/calibration/ranges.json",
    log:
        "results/logs/calibrate.log",
    benchmark:
        "results/benchmarks/calibrate.tsv"
    conda:
        "../../envs/onnx.yaml"
    # With one thread the ranges are the same bytes for every batch size.
    threads: 1
    params:
        method=config["calibration"]["method"],
        batch_size=config["calibration"]["batch_size"],
        preprocessing=PREPROCESSING,
        code=get_code("calibrate"),
    script:
        "../scripts/calibrate.py"
