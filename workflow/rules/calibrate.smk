# needs  the float32 model and the calibration images with their labels
# makes  results/calibration/ranges.json, for all dtypes, and fp32_accuracy.json, the gate before it


rule calibrate:
    """Measure the range of every activation tensor, once for all dtypes."""
    input:
        model=get_float_model,
        images="results/calibration/samples.npy",
        samples="results/calibration/samples.csv",
        dataset="results/dataset/dataset.json",
    output:
        ranges="results/calibration/ranges.json",
        accuracy="results/calibration/fp32_accuracy.json",
    log:
        "results/logs/calibrate.log",
    benchmark:
        "results/benchmarks/calibrate.tsv"
    conda:
        "../../envs/onnx.yaml"
    # More would change the last digits of the ranges with the machine.
    threads: 1
    params:
        method=config["calibration"]["method"],
        options=method_options(config["calibration"]),
        min_accuracy=config["acceptance"]["min_calibration_accuracy"],
        batch_size=config["calibration"]["batch_size"],
        preprocessing=PREPROCESSING,
        code=get_code("calibrate"),
    script:
        "../scripts/calibrate.py"
